export const RETENTION_WORKFLOW = 'retention';

/** How often it runs. */
export const RETENTION_EVERY_MS = 60 * 60_000;
