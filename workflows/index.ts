export { approval } from './approval';
export { reconcile } from './reconcile';
export { retention } from './retention';
export { webhookDrain } from './webhookDrain';
