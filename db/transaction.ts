import { Pool } from 'pg';
import type { PoolClient } from 'pg';
import { isSilence } from './violations';

/** One connection inside a transaction. Functions that take it belong to somebody's transaction. */
export type Tx = PoolClient;

/** What one statement can be sent to: the pool, or a transaction's connection. */
export type Queryable = Pick<PoolClient, 'query'>;

/** Longest run of one statement, in ms: below the 3 s of the local activities, or two attempts would run at once. */
const STATEMENT_TIMEOUT_MS = 2_500;
/** A server that says nothing at all any more (its machine is gone) is not waited for longer than that. */
const SILENCE_MS = 2_800;

/** The connections of one process. */
export function createPool(databaseUrl: string, options: { size?: number } = {}): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: options.size ?? 20,
    connectionTimeoutMillis: 2_500,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: SILENCE_MS,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'countersign',
    keepAlive: true,
  });
  // A connection that breaks, idle or in use, fails its query and is replaced; without listeners it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs `work` in one transaction: all of it is written, or nothing. */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  let broken = false;
  try {
    await tx.query('begin');
    const result = await work(tx);
    await tx.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given to the next caller.
    if (isSilence(error)) broken = true;
    else await tx.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    tx.release(broken);
  }
}

/** The database's clock now, in ms: not `now()`, which is the time of the transaction's beginning. */
export async function readClock(tx: Queryable): Promise<number> {
  const { rows } = await tx.query<{ now: Date }>('select clock_timestamp() as now');
  return rows[0]!.now.getTime();
}
