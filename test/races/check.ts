import type { Pool } from 'pg';

/** What must not be found in the rows after the races; each counts approvals, or events, that break one promise. */
const VIOLATIONS = {
  undecided: `select count(*) from approvals where status not in ('approved', 'denied')`,
  notOneOutcomeEvent: `
    select count(*) from approvals a
     where (select count(*) from events e
             where e.approval_id = a.id and e.type in ('approval_approved', 'approval_denied',
                                                       'approval_expired', 'approval_cancelled')) <> 1`,
  otherOutcomeEvent: `
    select count(*) from approvals a
     where not exists (select from events e where e.approval_id = a.id and e.type = 'approval_' || a.status)`,
  notOneAnswer: `
    select count(*) from approvals a where (select count(*) from answers w where w.approval_id = a.id) <> 1`,
  answerDisagrees: `
    select count(*) from approvals a join answers w on w.approval_id = a.id
     where w.decision <> a.status or w.received_at <> a.decided_at`,
  voteDisagrees: `
    select count(*) from approvals a join approvers p on p.approval_id = a.id
     where p.decision is distinct from a.status`,
  answeredByAnother: `
    select count(*) from answers w join devices d on d.id = w.device_id where d.user_id <> w.user_id`,
  eventNumbersBroken: `
    select count(*) from event_counters c
     where c.last_number <> (select count(distinct number) from events e where e.tenant_id = c.tenant_id)
        or c.last_number <> (select max(number) from events e where e.tenant_id = c.tenant_id)`,
} as const;

export type Violations = Record<keyof typeof VIOLATIONS, number>;

/** Asks the rows, and nothing else. */
export async function findViolations(pool: Pool): Promise<Violations> {
  const entries = await Promise.all(
    Object.entries(VIOLATIONS).map(async ([name, sql]) => {
      const { rows } = await pool.query<{ count: string }>(sql);
      return [name, Number(rows[0]!.count)] as const;
    }),
  );
  return Object.fromEntries(entries) as Violations;
}
