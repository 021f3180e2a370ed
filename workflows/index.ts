export { approval } from './approval';
export { codeDelivery } from './codeDelivery';
export { onboarding } from './onboarding';
export { reconcile } from './reconcile';
export { retention } from './retention';
export { webhookDrain } from './webhookDrain';
