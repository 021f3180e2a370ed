import type { Keyring } from '../platform/keys/keyring';
import type { Queryable, Tx } from './transaction';

export interface KeptReply {
  requestDigest: string;
  status: number;
  body: string;
}

/** Replies kept under their Idempotency-Key, sealed, because they hold what the caller sent. */
export function createIdempotencyRows(keyring: Keyring) {
  const context = (tenantId: string, key: string) => `${tenantId}:${key}`;
  return {
    async find(db: Queryable, tenantId: string, key: string): Promise<KeptReply | undefined> {
      const { rows } = await db.query<{ request_digest: string; status: number; reply: Buffer }>(
        `select request_digest, status, reply from idempotency_keys
          where tenant_id = $1 and key = $2 and created_at > clock_timestamp() - interval '48 hours'`,
        [tenantId, key],
      );
      const row = rows[0];
      return (
        row && {
          requestDigest: row.request_digest,
          status: row.status,
          body: keyring.decrypt('idempotency', row.reply, context(tenantId, key)).toString('utf8'),
        }
      );
    },

    /**
     * In the transaction of what the reply tells of. A second writer of the key waits here for the first and then gets
     * false; a key older than 48 hours is taken over.
     */
    async insert(tx: Tx, tenantId: string, key: string, reply: KeptReply): Promise<boolean> {
      const { rowCount } = await tx.query(
        `insert into idempotency_keys as kept (tenant_id, key, request_digest, status, reply)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint idempotency_keys_once do update
            set request_digest = excluded.request_digest, status = excluded.status, reply = excluded.reply,
                created_at = excluded.created_at
          where kept.created_at <= clock_timestamp() - interval '48 hours'`,
        [
          tenantId,
          key,
          reply.requestDigest,
          reply.status,
          keyring.encrypt('idempotency', reply.body, context(tenantId, key)),
        ],
      );
      return rowCount === 1;
    },
  };
}
export type IdempotencyRows = ReturnType<typeof createIdempotencyRows>;
