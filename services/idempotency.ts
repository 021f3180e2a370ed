import type { Pool } from 'pg';
import type { IdempotencyRows, KeptReply } from '../db/idempotency';
import type { Tx } from '../db/transaction';
import { DomainError } from '../domain/errors';

/** Keeps the reply in the transaction of what it tells of, as the last thing before the events. */
export type Keep = (tx: Tx, status: number, body: string) => Promise<void>;

/** For whoever makes something without an Idempotency-Key. */
export const keepNothing = (): Promise<void> => Promise.resolve();

export interface CreatingCall {
  tenantId: string;
  key: string | undefined;
  /** Of everything that makes the call what it is: route, parameters, body. */
  requestDigest: string;
}

/** Thrown inside the transaction of the slower of two equal calls, to undo it. */
class KeyTaken extends Error {}

/** Lets a creating call with an Idempotency-Key happen once; every repeat gets the first reply. */
export function createIdempotency(pool: Pool, rows: IdempotencyRows) {
  async function find({ tenantId, key, requestDigest }: CreatingCall): Promise<KeptReply | undefined> {
    if (key === undefined) return undefined;
    const kept = await rows.find(pool, tenantId, key);
    if (kept && kept.requestDigest !== requestDigest) throw new DomainError('idempotency_key_reused');
    return kept;
  }

  return {
    /**
     * Runs `create`, which hands its reply to `keep`, unless the reply is known. Also after a refusal it is looked up once
     * more: the equal call that came first may be why this one was refused.
     */
    async once<T>(call: CreatingCall, create: (keep: Keep) => Promise<T>): Promise<{ made: T } | { kept: KeptReply }> {
      const before = await find(call);
      if (before) return { kept: before };
      const keep: Keep = async (tx, status, body) => {
        const { tenantId, key, requestDigest } = call;
        if (key === undefined) return;
        if (!(await rows.insert(tx, tenantId, key, { requestDigest, status, body }))) throw new KeyTaken();
      };
      try {
        return { made: await create(keep) };
      } catch (error) {
        if (!(error instanceof KeyTaken) && !(error instanceof DomainError)) throw error;
        const after = await find(call);
        if (after) return { kept: after };
        throw error;
      }
    },
  };
}
export type Idempotency = ReturnType<typeof createIdempotency>;
