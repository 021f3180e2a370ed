/** What an API key may be allowed to do. A key without a list of them may do everything. */
export const SCOPES = [
  'approvals:read',
  'approvals:write',
  'users:read',
  'users:write',
  'onboardings:read',
  'onboardings:write',
  'codes:write',
  'events:read',
  'webhooks:write',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether a key may; null stands for everything. */
export const allows = (scopes: readonly Scope[] | null, needed: Scope): boolean =>
  scopes === null || scopes.includes(needed);
