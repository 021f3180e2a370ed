export { approval } from './approval';
export { reconcile } from './reconcile';
