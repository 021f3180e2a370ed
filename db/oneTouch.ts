import { UNAPPROVED } from '../domain/oneTouch';
import type { Keyring } from '../platform/keys/keyring';
import type { Approval } from './approvals';
import type { Queryable, Tx } from './transaction';
import { createPersonalData } from './users';

/** Those an approval is about, as clients of the Authy API know them. Who was removed since is told nevertheless. */
export interface OneTouchFacts {
  appId: number;
  user: { id: string; authyId: number; email: string | null };
  /** The answer that came last, and the device that signed it. */
  answer: {
    jws: string;
    receivedAtMs: number;
    device: { id: string; authyId: number; platform: string; createdAtMs: number };
  } | null;
}

interface FactsRow {
  app_id: number;
  user_id: string;
  user_authy_id: number;
  email: Buffer | null;
  jws: string | null;
  received_at: Date;
  device_id: string;
  device_authy_id: number;
  platform: string;
  device_created_at: Date;
}

/** What the Authy dialect keeps about approvals, beside what every approval has. */
export function createOneTouchRows(keyring: Keyring) {
  const { open } = createPersonalData(keyring);

  return {
    /**
     * The open approval that was asked for with the same key, so many ms ago at most. Its person is locked, so that of two
     * that come at the same time the second sees the first.
     */
    async findRepeated(tx: Tx, tenantId: string, repeatKey: string, withinMs: number): Promise<string | undefined> {
      const { rows } = await tx.query<{ id: string }>(
        `select id from approvals
          where tenant_id = $1 and repeat_key = $2 and status = 'pending'
            and created_at > clock_timestamp() - $3 * interval '1 millisecond' and expires_at > clock_timestamp()
          order by created_at desc limit 1`,
        [tenantId, repeatKey, withinMs],
      );
      return rows[0]?.id;
    },

    /**
     * In how many seconds a person, who is locked, may be asked the next question; undefined for at once. Those count that
     * are open, or came within an hour and were not approved.
     */
    async secondsUntilNext(tx: Tx, tenantId: string, userId: string, most: number): Promise<number | undefined> {
      const { rows } = await tx.query<{ seconds: number }>(
        `select extract(epoch from free_at - clock_timestamp())::float8 as seconds
           from (select greatest(a.created_at + $4 * interval '1 second',
                                 case a.status when 'pending' then a.expires_at end) as free_at
                   from approvers p join approvals a on a.id = p.approval_id
                  where p.tenant_id = $1 and p.user_id = $2 and a.one_touch is not null and a.status <> 'approved') asked
          where free_at > clock_timestamp()
          order by free_at desc offset $3 - 1 limit 1`,
        [tenantId, userId, most, UNAPPROVED.withinSeconds],
      );
      return rows[0] && Math.max(1, Math.ceil(rows[0].seconds));
    },

    /** Of an approval that asks one person. */
    async readFacts(db: Queryable, { tenantId, id }: Pick<Approval, 'tenantId' | 'id'>): Promise<OneTouchFacts> {
      const { rows } = await db.query<FactsRow>(
        `select t.authy_app_id as app_id, u.id as user_id, u.authy_id as user_authy_id, u.email,
                w.jws, w.received_at, d.id as device_id, d.authy_id as device_authy_id, d.platform,
                d.created_at as device_created_at
           from approvers p
           join tenants t on t.id = p.tenant_id
           join users u on u.id = p.user_id
           left join lateral (select * from answers w where w.approval_id = p.approval_id
                               order by w.position desc limit 1) w on true
           left join devices d on d.id = w.device_id
          where p.tenant_id = $1 and p.approval_id = $2
          order by p.position limit 1`,
        [tenantId, id],
      );
      const row = rows[0]!;
      return {
        appId: row.app_id,
        user: {
          id: row.user_id,
          authyId: row.user_authy_id,
          email: open(row.email, row.user_id),
        },
        answer:
          row.jws === null ? null : { jws: row.jws, receivedAtMs: row.received_at.getTime(), device: toDevice(row) },
      };
    },
  };
}
export type OneTouchRows = ReturnType<typeof createOneTouchRows>;

const toDevice = (row: FactsRow) => ({
  id: row.device_id,
  authyId: row.device_authy_id,
  platform: row.platform,
  createdAtMs: row.device_created_at.getTime(),
});
