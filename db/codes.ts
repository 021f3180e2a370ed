import { MOST_ATTEMPTS, MOST_ATTEMPTS_AN_HOUR } from '../domain/code';
import type { CodeChannel, CodeDeliveryState, CodePurpose } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';
import { takingOverdue } from './workflowDue';

/** Whose code, and for what. */
export interface CodeOwner {
  tenantId: string;
  userId: string;
  purpose: CodePurpose;
}

/** One generation of a code: what a workflow is about. */
export interface CodeKey {
  tenantId: string;
  codeId: string;
  generation: number;
}

export interface Code extends CodeOwner {
  id: string;
  generation: number;
  channel: CodeChannel;
  length: number;
  /** A MAC of what it was sent for; null for nothing in particular. */
  action: Buffer | null;
  /** What its message says of that. */
  actionMessage: string | null;
  /** Of its message. */
  locale: string;
  /** Guesses at this generation. */
  attempts: number;
  state: 'open' | 'accepted';
  deliveryState: CodeDeliveryState;
  createdAtMs: number;
  expiresAtMs: number;
  /** The database's clock when this was read, in ms. */
  readAtMs: number;
}

interface Row {
  id: string;
  tenant_id: string;
  user_id: string;
  purpose: CodePurpose;
  generation: number;
  channel: CodeChannel;
  length: number;
  action: Buffer | null;
  action_message: Buffer | null;
  locale: string;
  attempts: number;
  state: Code['state'];
  delivery_state: CodeDeliveryState;
  created_at: Date;
  expires_at: Date;
  read_at: Date;
}

/** What is asked for with a new code. */
export type WantedCode = CodeOwner & Pick<Code, 'channel' | 'length' | 'action' | 'actionMessage' | 'locale'>;

const toCode = (row: Row, actionMessage: string | null): Code => ({
  id: row.id,
  tenantId: row.tenant_id,
  userId: row.user_id,
  purpose: row.purpose,
  generation: row.generation,
  channel: row.channel,
  length: row.length,
  action: row.action,
  actionMessage,
  locale: row.locale,
  attempts: row.attempts,
  state: row.state,
  deliveryState: row.delivery_state,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  readAtMs: row.read_at.getTime(),
});

const READ = `*, clock_timestamp() as read_at`;

// One reading of the clock decides, that of `excluded`: two could fall on both sides of the hour's end.
const IS_OVER = `hour.window_started_at + interval '1 hour' <= excluded.window_started_at`;

/** Codes. They hold no digits: these are derived from id and generation. */
export function createCodeRows(keyring: Keyring) {
  const open = (row: Row): Code => {
    const sealed = row.action_message;
    return toCode(row, sealed && keyring.decrypt('code', sealed, `${row.user_id}:${row.purpose}`).toString('utf8'));
  };

  async function one(db: Queryable, sql: string, values: unknown[]): Promise<Code | undefined> {
    const { rows } = await db.query<Row>(sql, values);
    return rows[0] && open(rows[0]);
  }

  return {
    /** A new generation: all that was known of the one before is over. `id` is taken where there is no row yet. */
    async issue(tx: Tx, code: WantedCode & Pick<Code, 'id'>, lifetimeMs: number): Promise<Code> {
      const issued = await one(
        tx,
        `insert into codes as code (id, tenant_id, user_id, purpose, channel, length, action, action_message, locale,
                                      created_at, expires_at, workflow_due_at)
         select $1, $2, $3, $4, $5, $6, $8, $9, $10, at, at + $7 * interval '1 millisecond', at + interval '5 seconds'
           from clock_timestamp() at
         on conflict on constraint codes_one_a_purpose do update
            set generation = code.generation + 1, channel = excluded.channel, length = excluded.length, attempts = 0,
                action = excluded.action, action_message = excluded.action_message, locale = excluded.locale,
                state = 'open', delivery_state = 'waiting', created_at = excluded.created_at,
                expires_at = excluded.expires_at, workflow_due_at = excluded.workflow_due_at
         returning ${READ}`,
        [
          ...[code.id, code.tenantId, code.userId, code.purpose, code.channel, code.length, lifetimeMs],
          code.action,
          code.actionMessage === null
            ? null
            : keyring.encrypt('code', code.actionMessage, `${code.userId}:${code.purpose}`),
          code.locale,
        ],
      );
      return issued!;
    },

    find: (db: Queryable, { tenantId, userId, purpose }: CodeOwner) =>
      one(db, `select ${READ} from codes where tenant_id = $1 and user_id = $2 and purpose = $3`, [
        tenantId,
        userId,
        purpose,
      ]),

    /**
     * Counts a guess at an open code and reads it, in one statement: of any number at once, no more than five get it.
     * Undefined when there is no open code, or no guess is left.
     */
    countAttempt: (tx: Tx, { tenantId, userId, purpose }: CodeOwner) =>
      one(
        tx,
        `update codes set attempts = attempts + 1
          where tenant_id = $1 and user_id = $2 and purpose = $3 and state = 'open' and attempts < ${MOST_ATTEMPTS}
          returning ${READ}`,
        [tenantId, userId, purpose],
      ),

    /** In the transaction that counted it. */
    async returnAttempt(tx: Tx, { tenantId, id }: Pick<Code, 'tenantId' | 'id'>): Promise<void> {
      await tx.query(`update codes set attempts = attempts - 1 where tenant_id = $1 and id = $2`, [tenantId, id]);
    },

    /** In the transaction that counted the right guess, which holds the row. */
    async accept(tx: Tx, { tenantId, id }: Pick<Code, 'tenantId' | 'id'>): Promise<void> {
      await tx.query(`update codes set state = 'accepted', workflow_due_at = null where tenant_id = $1 and id = $2`, [
        tenantId,
        id,
      ]);
    },

    /**
     * Counts a guess of a user in the running hour, in one statement. Undefined when none is left.
     * Answers how many are left after it.
     */
    async countInWindow(tx: Tx, tenantId: string, userId: string): Promise<number | undefined> {
      const { rows } = await tx.query<{ attempts: number }>(
        `insert into code_windows as hour (tenant_id, user_id, window_started_at, attempts)
         values ($1, $2, clock_timestamp(), 1)
         on conflict on constraint code_windows_one_a_user do update
            set attempts = case when ${IS_OVER} then 1 else hour.attempts + 1 end,
                window_started_at = case when ${IS_OVER} then excluded.window_started_at else hour.window_started_at end
          where hour.attempts < ${MOST_ATTEMPTS_AN_HOUR} or ${IS_OVER}
         returning attempts`,
        [tenantId, userId],
      );
      return rows[0] && MOST_ATTEMPTS_AN_HOUR - rows[0].attempts;
    },

    /** In the transaction that counted it: a right guess costs nothing. */
    async returnToWindow(tx: Tx, tenantId: string, userId: string): Promise<void> {
      await tx.query(`update code_windows set attempts = attempts - 1 where tenant_id = $1 and user_id = $2`, [
        tenantId,
        userId,
      ]);
    },

    /** How long the running hour of a user still lasts, in ms. */
    async windowEndsInMs(tx: Tx, tenantId: string, userId: string): Promise<number> {
      const { rows } = await tx.query<{ ms: number }>(
        `select (extract(epoch from window_started_at + interval '1 hour' - clock_timestamp()) * 1000)::float8 as ms
           from code_windows where tenant_id = $1 and user_id = $2`,
        [tenantId, userId],
      );
      return Math.max(0, rows[0]?.ms ?? 0);
    },

    /** Reads one generation; a workflow that reads it was heard from. Undefined once there is a later one. */
    touch: (db: Queryable, { tenantId, codeId, generation }: CodeKey) =>
      one(
        db,
        `update codes
            set workflow_due_at = case when state = 'open' and delivery_state = 'waiting'
                                       then clock_timestamp() + interval '150 seconds' end
          where tenant_id = $1 and id = $2 and generation = $3 returning ${READ}`,
        [tenantId, codeId, generation],
      ),

    /** Notes once how the message of a generation fared; false when that is known, or there is a later one. */
    async recordDelivery(tx: Tx, { tenantId, codeId, generation }: CodeKey, state: 'sent' | 'failed') {
      const { rowCount } = await tx.query(
        `update codes set delivery_state = $4, workflow_due_at = null
          where tenant_id = $1 and id = $2 and generation = $3 and delivery_state = 'waiting'`,
        [tenantId, codeId, generation, state],
      );
      return rowCount === 1;
    },

    /** Codes whose workflow was not heard from in time, due again in ten seconds. */
    async takeOverdue(db: Queryable, limit: number): Promise<Code[]> {
      const { rows } = await db.query<Row>(takingOverdue('codes', READ), [limit]);
      return rows.map(open);
    },

    /** Forgets all codes of a user, and how often they were guessed. */
    async remove(tx: Tx, tenantId: string, userId: string): Promise<void> {
      await tx.query(`delete from codes where tenant_id = $1 and user_id = $2`, [tenantId, userId]);
      await tx.query(`delete from code_windows where tenant_id = $1 and user_id = $2`, [tenantId, userId]);
    },
  };
}
export type CodeRows = ReturnType<typeof createCodeRows>;
