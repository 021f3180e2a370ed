export { approval } from './approval';
export { codeDelivery } from './codeDelivery';
export { reconcile } from './reconcile';
export { retention } from './retention';
export { webhookDrain } from './webhookDrain';
