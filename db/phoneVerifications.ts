import type { PhoneChannel, CodeDeliveryState } from '../domain/code';
import type { Feedback, VerificationStatus } from '../domain/phoneVerification';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';
import { SOON, takeOverdue } from './workflowDue';

/** By which a row is found: every query names the tenant. */
export interface VerificationKey {
  tenantId: string;
  id: string;
}

export interface PhoneVerification extends VerificationKey {
  /** E.164 */
  phone: string;
  channel: PhoneChannel;
  locale: string;
  length: number;
  /** The code, where the tenant chose it. */
  customCode: string | null;
  status: VerificationStatus;
  /** Wrong guesses. */
  attempts: number;
  /** Raised by each further message. */
  round: number;
  /** How the newest message fares. */
  deliveryState: CodeDeliveryState;
  createdAtMs: number;
  expiresAtMs: number;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

/** When the tenant was told of a message, first and last. */
export interface RecordedFeedback {
  outcome: Feedback;
  atMs: number;
  changedAtMs: number;
}

interface Row {
  id: string;
  tenant_id: string;
  phone: Buffer;
  channel: PhoneChannel;
  locale: string;
  code_length: number;
  custom_code: Buffer | null;
  status: VerificationStatus;
  attempts: number;
  round: number;
  delivery_state: CodeDeliveryState;
  created_at: Date;
  expires_at: Date;
  read_at: Date;
}

const READ = `*, clock_timestamp() as read_at`;
/** When a workflow that was just heard from has to be heard from again. */
const WHEN_NEXT = `case when closed_at is null then
    least(expires_at + interval '5 seconds',
          case when delivery_state = 'waiting' then clock_timestamp() + interval '150 seconds' end) end`;

/** Verifications of phone numbers, which are sealed, and so are codes that a tenant chose. */
export function createPhoneVerificationRows(keyring: Keyring) {
  const seal = (text: string | null, id: string) => (text === null ? null : keyring.encrypt(PURPOSE, text, id));
  const open = (sealed: Buffer, id: string) => keyring.decrypt(PURPOSE, sealed, id).toString('utf8');

  const toVerification = (row: Row): PhoneVerification => ({
    id: row.id,
    tenantId: row.tenant_id,
    phone: open(row.phone, row.id),
    channel: row.channel,
    locale: row.locale,
    length: row.code_length,
    customCode: row.custom_code && open(row.custom_code, row.id),
    status: row.status,
    attempts: row.attempts,
    round: row.round,
    deliveryState: row.delivery_state,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    readAtMs: row.read_at.getTime(),
  });

  async function one(db: Queryable, sql: string, values: unknown[]): Promise<PhoneVerification | undefined> {
    const { rows } = await db.query<Row>(sql, values);
    return rows[0] && toVerification(rows[0]);
  }

  const find = (db: Queryable, { tenantId, id }: VerificationKey) =>
    one(db, `select ${READ} from phone_verifications where tenant_id = $1 and id = $2`, [tenantId, id]);

  /** The newest about a phone; by every key of the ring, for the reason that users are. */
  const findNewest = (db: Queryable, tenantId: string, phone: string) =>
    one(
      db,
      `select ${READ} from phone_verifications where tenant_id = $1 and phone_index = any($2)
        order by created_at desc, id limit 1`,
      [tenantId, keyring.blindIndexes(PURPOSE, phone)],
    );

  /** Holds one row until the transaction ends, and then reads it and the clock. */
  async function lock(tx: Tx, { tenantId, id }: VerificationKey): Promise<PhoneVerification | undefined> {
    await tx.query(`select from phone_verifications where tenant_id = $1 and id = $2 for no key update`, [
      tenantId,
      id,
    ]);
    return find(tx, { tenantId, id });
  }

  return {
    /** Holds a phone number of a tenant until the transaction ends, whether or not there is a row about it. */
    async lockPhone(tx: Tx, tenantId: string, phone: string): Promise<void> {
      // The same whichever key comes first: while the ring is turned, some processes have another order.
      const index = keyring.blindIndexes(PURPOSE, phone).sort((a, b) => Buffer.compare(a, b))[0]!;
      await tx.query(`select pg_advisory_xact_lock(hashtextextended('phone:' || $1 || ':' || encode($2, 'hex'), 0))`, [
        tenantId,
        index,
      ]);
    },

    find,

    findNewest,
    lock,

    /** The newest about a phone; holds it. */
    async lockNewest(tx: Tx, tenantId: string, phone: string): Promise<PhoneVerification | undefined> {
      const newest = await findNewest(tx, tenantId, phone);
      return newest && lock(tx, newest);
    },

    /** A new one about a phone that is held, and of which none is pending. */
    async insert(
      tx: Tx,
      fresh: Pick<PhoneVerification, 'id' | 'tenantId' | 'phone' | 'channel' | 'locale' | 'length' | 'customCode'>,
      lifetimeMs: number,
    ): Promise<PhoneVerification> {
      const inserted = await one(
        tx,
        `insert into phone_verifications
           (id, tenant_id, phone, phone_index, channel, locale, code_length, custom_code, created_at, expires_at,
            workflow_due_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, at, at + $9 * interval '1 millisecond', at + interval '5 seconds'
           from clock_timestamp() at
         returning ${READ}`,
        [
          fresh.id,
          fresh.tenantId,
          seal(fresh.phone, fresh.id),
          keyring.blindIndex(PURPOSE, fresh.phone),
          fresh.channel,
          fresh.locale,
          fresh.length,
          seal(fresh.customCode, fresh.id),
          lifetimeMs,
        ],
      );
      return inserted!;
    },

    /** One more message of a pending one that is held; its workflow has to learn it. */
    async sendAgain(
      tx: Tx,
      {
        id,
        tenantId,
        ...next
      }: Pick<PhoneVerification, 'id' | 'tenantId' | 'channel' | 'locale' | 'length' | 'customCode'>,
    ): Promise<PhoneVerification> {
      const sent = await one(
        tx,
        `update phone_verifications
            set round = round + 1, delivery_state = 'waiting', channel = $3, locale = $4, code_length = $5,
                custom_code = $6, workflow_due_at = ${SOON}
          where tenant_id = $1 and id = $2 and status = 'pending' returning ${READ}`,
        [tenantId, id, next.channel, next.locale, next.length, seal(next.customCode, id)],
      );
      return sent!;
    },

    /** Its one end. It is held and known to be pending. */
    async close(tx: Tx, { tenantId, id }: VerificationKey, status: 'verified' | 'expired'): Promise<PhoneVerification> {
      const closed = await one(
        tx,
        `update phone_verifications
            set status = $3, closed_at = clock_timestamp(), workflow_due_at = ${SOON}
          where tenant_id = $1 and id = $2 and status = 'pending' returning ${READ}`,
        [tenantId, id, status],
      );
      return closed!;
    },

    /** Counts a wrong guess at a pending one that is held. */
    async countWrong(tx: Tx, { tenantId, id }: VerificationKey): Promise<void> {
      await tx.query(`update phone_verifications set attempts = attempts + 1 where tenant_id = $1 and id = $2`, [
        tenantId,
        id,
      ]);
    },

    /** Wrong guesses at all verifications of a phone that began within an hour, and when there will be fewer of them. */
    async countWrongOfPhone(
      tx: Tx,
      tenantId: string,
      phone: string,
    ): Promise<{ wrong: number; fewerInSeconds: number }> {
      const { rows } = await tx.query<{ wrong: number; seconds: number | null }>(
        `select coalesce(sum(attempts), 0)::int as wrong,
                extract(epoch from min(created_at) filter (where attempts > 0) + interval '1 hour'
                                   - clock_timestamp())::float8 as seconds
           from phone_verifications
          where tenant_id = $1 and phone_index = any($2) and created_at > clock_timestamp() - interval '1 hour'`,
        [tenantId, keyring.blindIndexes(PURPOSE, phone)],
      );
      return { wrong: rows[0]!.wrong, fewerInSeconds: Math.ceil(rows[0]!.seconds ?? 0) };
    },

    /** The read of a workflow: says at the same time that it was heard from. */
    touch: (db: Queryable, { tenantId, id }: VerificationKey) =>
      one(
        db,
        `update phone_verifications set workflow_due_at = ${WHEN_NEXT}
          where tenant_id = $1 and id = $2 returning ${READ}`,
        [tenantId, id],
      ),

    /** Notes once how the message of a round fared; false when that is known, or there is a later round. */
    async recordDelivery(
      tx: Tx,
      { tenantId, id, round }: VerificationKey & Pick<PhoneVerification, 'round'>,
      state: 'sent' | 'failed',
    ): Promise<boolean> {
      const { rowCount } = await tx.query(
        `update phone_verifications
            set delivery_state = $4,
                workflow_due_at = case when closed_at is null then expires_at + interval '5 seconds' else workflow_due_at end
          where tenant_id = $1 and id = $2 and round = $3 and delivery_state = 'waiting'`,
        [tenantId, id, round, state],
      );
      return rowCount === 1;
    },

    /** Undefined when there is no such verification. */
    async recordFeedback(
      db: Queryable,
      { tenantId, id }: VerificationKey,
      outcome: Feedback,
    ): Promise<RecordedFeedback | undefined> {
      const { rows } = await db.query<{ at: Date; changed_at: Date }>(
        `update phone_verifications
            set feedback = $3, feedback_at = coalesce(feedback_at, clock_timestamp()),
                feedback_changed_at = clock_timestamp()
          where tenant_id = $1 and id = $2 and custom_code is not null
          returning feedback_at as at, feedback_changed_at as changed_at`,
        [tenantId, id, outcome],
      );
      return rows[0] && { outcome, atMs: rows[0].at.getTime(), changedAtMs: rows[0].changed_at.getTime() };
    },

    takeOverdue: (db: Queryable, limit: number) => takeOverdue(db, 'phone_verifications', 'closed_at is null', limit),
  };
}
export type PhoneVerificationRows = ReturnType<typeof createPhoneVerificationRows>;

const PURPOSE = 'phone-verification';
