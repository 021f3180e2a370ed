export const RECONCILE_WORKFLOW = 'reconcile';

/** How often it runs. An approval is final by its deadline and three times this. */
export const RECONCILE_EVERY_MS = 10_000;
