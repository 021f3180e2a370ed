export { approval } from './approval';
export { codeDelivery } from './codeDelivery';
export { codePrompt } from './codePrompt';
export { onboarding } from './onboarding';
export { phoneVerification } from './phoneVerification';
export { reconcile } from './reconcile';
export { retention } from './retention';
export { webhookDrain } from './webhookDrain';
