import type { Queryable } from './transaction';

/** By when a change has to be heard of from its workflow, before `reconcile` asks. */
export const SOON = `clock_timestamp() + interval '5 seconds'`;

/** Tables whose rows a workflow accompanies. */
type Accompanied = 'approvals' | 'onboardings' | 'phone_verifications' | 'codes';

/**
 * Takes rows whose workflow should have been heard from, and gives them that much more time; its parameter is the limit.
 * `now()`, because a clock that moves during the statement could not be looked up in the index: every open row would be
 * read.
 */
export const takingOverdue = (table: Accompanied, returning: string): string =>
  `update ${table} set workflow_due_at = clock_timestamp() + interval '10 seconds'
          where id in (select id from ${table} where workflow_due_at < now()
                        order by workflow_due_at limit $1 for update skip locked)
          returning ${returning}`;

export interface Overdue {
  id: string;
  tenantId: string;
  /** It is still open, and its deadline has passed. */
  pastDeadline: boolean;
}

/** The same, where `isOpen` is the condition under which a deadline counts. */
export async function takeOverdue(
  db: Queryable,
  table: Accompanied,
  isOpen: string,
  limit: number,
): Promise<Overdue[]> {
  const { rows } = await db.query<{ id: string; tenant_id: string; past: boolean }>(
    takingOverdue(table, `id, tenant_id, ${isOpen} and expires_at <= clock_timestamp() as past`),
    [limit],
  );
  return rows.map((row) => ({ id: row.id, tenantId: row.tenant_id, pastDeadline: row.past }));
}
