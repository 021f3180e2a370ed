import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createRetentionActivities } from '../../activities/retention';
import { removalOf, RETAINED_KINDS } from '../../db/retention';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';

const quietly = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

describe('what is kept for a while only', () => {
  let program: TestProgram;
  let userId: string;
  let deviceId: string;
  beforeAll(async () => {
    program = await startTestProgram();
    const user = await addUser(program);
    userId = user.id;
    deviceId = user.devices[0]!.id;
  }, 60_000);
  afterAll(() => program?.close());

  /** Rows of every kind, so old; named so that they can be told apart. */
  async function plant(name: string, count: number, ages: { key: string; proof: string; token: string }) {
    const { pool, tenant } = program;
    await pool.query(
      `insert into idempotency_keys (tenant_id, key, request_digest, status, reply, created_at)
       select $1, $2 || n, '', 201, '', now() - $3::interval from generate_series(1, $4) n`,
      [tenant.id, name, ages.key, count],
    );
    await pool.query(
      `insert into device_proofs (device_id, jti, used_at)
       select $1, $2 || n, now() - $3::interval from generate_series(1, $4) n`,
      [deviceId, name, ages.proof, count],
    );
    await pool.query(
      `insert into registration_tokens (id, tenant_id, user_id, expires_at)
       select gen_random_uuid(), $1, $2, now() - $3::interval from generate_series(1, $4)`,
      [tenant.id, userId, ages.token, count],
    );
  }
  const OLD = { key: '48 hours 1 second', proof: '61 minutes', token: '24 hours 1 second' };
  const YOUNG = { key: '47 hours 59 minutes', proof: '59 minutes', token: '23 hours 59 minutes' };

  async function counts() {
    const { rows } = await program.pool.query<{ keys: number; proofs: number; tokens: number }>(
      `select (select count(*)::int from idempotency_keys) as keys,
              (select count(*)::int from device_proofs where jti ~ '^(old|young)') as proofs,
              (select count(*)::int from registration_tokens where device_id is null) as tokens`,
    );
    return rows[0]!;
  }

  test('goes in batches when it is old, and stays while it is young', async () => {
    await plant('old', 25, OLD);
    await plant('young', 7, YOUNG);
    const statements: string[] = [];
    const pool = {
      query: (text: string, values: unknown[]) => {
        statements.push(text);
        return program.pool.query(text, values);
      },
    } as unknown as TestProgram['pool'];
    const { removeExpiredRows } = createRetentionActivities({ pool, batch: 10 });
    const removed = await quietly().run(removeExpiredRows);
    expect(removed).toEqual({ idempotencyKeys: 25, deviceProofs: 25, registrationTokens: 25 });
    expect(statements).toHaveLength(3 * 3);
    expect(await counts()).toEqual({ keys: 7, proofs: 7, tokens: 7 });
    // Safe to repeat.
    expect(await quietly().run(removeExpiredRows)).toEqual({
      idempotencyKeys: 0,
      deviceProofs: 0,
      registrationTokens: 0,
    });
  });

  test('is removed by the schedule', async () => {
    await plant('old', 3, OLD);
    const before = await counts();
    const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
    try {
      const client = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE']! });
      const schedule = client.schedule.getHandle(`${program.config.taskQueuePrefix}-retention`);
      const { spec } = await schedule.describe();
      expect(spec.intervals).toEqual([expect.objectContaining({ every: 3_600_000 })]);
      await schedule.trigger();
    } finally {
      await connection.close();
    }
    const left = { keys: before.keys - 3, proofs: before.proofs - 3, tokens: before.tokens - 3 };
    await until(async () => JSON.stringify(await counts()) === JSON.stringify(left), { what: 'the removal' });
  });

  test('is found by the index on its age, not by reading the table', async () => {
    await plant('young-', 5_000, { ...YOUNG, token: '1 second' });
    await program.pool.query('analyze');
    for (const kind of RETAINED_KINDS) {
      const { rows } = await program.pool.query<{ 'QUERY PLAN': string }>(`explain ${removalOf(kind)}`, [100]);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index Scan using \w+_age on .*\n\s*Index Cond/);
      expect(plan).not.toContain('Seq Scan');
    }
  });
});
