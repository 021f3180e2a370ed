import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import type { ImportedUser, UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import { createJudge } from '../domain/userImport';
import type { ImportOutcome, Judge } from '../domain/userImport';

export interface UserImportDeps {
  pool: Pool;
  users: Pick<UserRows, 'insertAll' | 'listHolders'>;
}

/** Takes over users with the Authy ids that they have: all of a batch that can be, in one transaction. */
export function createUserImport({ pool, users }: UserImportDeps) {
  return {
    /**
     * Adds who is not there yet, with the event of every creation; answers for each what became of it. Repeatable: who is
     * there already is left as it is. `tell`: whether webhooks hear of it.
     * @throws temporarily_unavailable where somebody else added one of them meanwhile; nothing is written then
     */
    add: (tenantId: string, batch: readonly ImportedUser[], { tell }: { tell: boolean }): Promise<ImportOutcome[]> =>
      inTransaction(pool, async (tx) => {
        // One import at a time: two that bring the same people in another order would wait for each other.
        await tx.query(`select pg_advisory_xact_lock(hashtext('import'))`);
        const judge = createJudge();
        for (const holder of await users.listHolders(tx, tenantId, batch)) judge.note(holder);
        const outcomes = batch.map((user) => judge.judge(user));
        const fresh = batch
          .filter((_, index) => outcomes[index] === 'added')
          .map((user) => ({ id: randomUUID(), ...user }));
        if (fresh.length === 0) return outcomes;
        if ((await users.insertAll(tx, tenantId, fresh)) < fresh.length) {
          throw new DomainError('temporarily_unavailable');
        }
        await recordEvents(
          tx,
          tenantId,
          fresh.map(({ id }) => ({ type: 'user_created', userId: id })),
          [],
          { tell },
        );
        return outcomes;
      }),

    /** What `add` would answer now; writes nothing. `judge` knows the batches before. */
    async rehearse(tenantId: string, batch: readonly ImportedUser[], judge: Judge): Promise<ImportOutcome[]> {
      for (const holder of await users.listHolders(pool, tenantId, batch)) judge.note(holder);
      return batch.map((user) => judge.judge(user));
    },
  };
}
export type UserImport = ReturnType<typeof createUserImport>;
