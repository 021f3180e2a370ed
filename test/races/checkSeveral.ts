import type { Pool } from 'pg';

/** The answers that count, each with the sums after it, in the order in which they were judged. */
const COUNTED = `
  with counted as (
    select w.approval_id, w.position, w.received_at, w.decision, a.required, a.veto, a.status, a.decided_at,
           count(*) filter (where w.decision = 'approved') over so_far as yes,
           count(*) filter (where w.decision = 'denied') over so_far as no,
           row_number() over (partition by w.approval_id order by w.position desc) = 1 as is_last
      from answers w
      join approvals a on a.id = w.approval_id
      join approvers p on p.approval_id = w.approval_id and p.user_id = w.user_id
     where p.withdrawn_at is null
    window so_far as (partition by w.approval_id order by w.position)
  ), people as (
    select approval_id, count(*) filter (where withdrawn_at is null) as left_over from approvers group by approval_id
  )`;

/** What must not be found; each counts rows that break one promise. Written without the product's rule. */
const VIOLATIONS = {
  approvedByTooFew: `${COUNTED}
    select count(*) from approvals a
     where a.status = 'approved'
       and not exists (select from counted c where c.approval_id = a.id and c.is_last
                          and c.yes = c.required and c.decision = 'approved' and c.received_at = a.decided_at)`,
  approvedAgainstAVeto: `${COUNTED}
    select count(*) from counted where status = 'approved' and veto and no > 0`,
  deniedThoughReachable: `${COUNTED}
    select count(*) from approvals a join people on people.approval_id = a.id
     where a.status = 'denied'
       and not exists (select from counted c where c.approval_id = a.id and c.is_last and c.decision = 'denied'
                          and c.received_at = a.decided_at
                          and (c.no > people.left_over - a.required or (a.veto and c.no > 0)))`,
  cancelledThoughReachable: `${COUNTED}
    select count(*) from approvals a join people on people.approval_id = a.id
      left join counted c on c.approval_id = a.id and c.is_last
     where a.status = 'cancelled' and people.left_over - coalesce(c.no, 0) >= a.required`,
  openThoughDecided: `${COUNTED}
    select count(*) from approvals a join people on people.approval_id = a.id
      left join counted c on c.approval_id = a.id and c.is_last
     where a.status = 'pending'
       and (coalesce(c.yes, 0) >= a.required or people.left_over - coalesce(c.no, 0) < a.required
            or (a.veto and coalesce(c.no, 0) > 0))`,
  expired: `select count(*) from approvals where status = 'expired'`,
  countedAfterRemoval: `
    select count(*) from approvals a
      join approvers p on p.approval_id = a.id join users u on u.id = p.user_id
     where a.status in ('approved', 'denied') and p.decision is not null and p.withdrawn_at is null
       and u.removed_at < a.decided_at`,
  answeredAfterRemoval: `
    select count(*) from answers w join users u on u.id = w.user_id join devices d on d.id = w.device_id
     where w.received_at > u.removed_at or w.received_at > d.removed_at`,
  withdrawnThoughThere: `
    select count(*) from approvers p join users u on u.id = p.user_id
     where p.withdrawn_at is not null and (u.removed_at is null or p.withdrawn_at < date_trunc('milliseconds', u.removed_at))`,
  notWithdrawn: `
    select count(*) from approvals a join approvers p on p.approval_id = a.id join users u on u.id = p.user_id
     where a.status = 'pending' and u.removed_at is not null and p.withdrawn_at is null`,
  twoVotesOfOne: `
    select count(*) from (select approval_id, user_id from answers group by 1, 2 having count(*) > 1) as twice`,
  voteDisagrees: `
    select count(*) from approvers p left join answers w using (approval_id, user_id)
     where p.decision is distinct from w.decision`,
  positionsBroken: `
    select count(*) from (select approval_id from answers group by 1
                          having max(position) <> count(*) or count(distinct position) <> count(*)) as broken`,
  notOneOutcomeEvent: `
    select count(*) from approvals a
     where (select count(*) from events e where e.approval_id = a.id
               and e.type in ('approval_approved', 'approval_denied', 'approval_expired', 'approval_cancelled'))
           <> case a.status when 'pending' then 0 else 1 end
        or (a.status <> 'pending'
            and not exists (select from events e where e.approval_id = a.id and e.type = 'approval_' || a.status))`,
  answersWithoutEvent: `
    select count(*) from approvals a
     where (select count(*) from events e where e.approval_id = a.id and e.type = 'approval_answered')
           <> (select count(*) from answers w where w.approval_id = a.id)
              - case when a.status in ('approved', 'denied') then 1 else 0 end`,
} as const;

export type Violations = Record<keyof typeof VIOLATIONS, number>;

/** Asks the rows, and nothing else. */
export async function findSeveralViolations(pool: Pool): Promise<Violations> {
  const entries = await Promise.all(
    Object.entries(VIOLATIONS).map(async ([name, sql]) => {
      const { rows } = await pool.query<{ count: string }>(sql);
      return [name, Number(rows[0]!.count)] as const;
    }),
  );
  return Object.fromEntries(entries) as Violations;
}
