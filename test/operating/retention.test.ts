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

  type Ages = Record<
    'key' | 'proof' | 'token' | 'delivery' | 'code' | 'window' | 'secret' | 'verification' | 'act' | 'sentDays',
    string
  >;

  /** Rows of every kind, so old; named so that they can be told apart. */
  async function plant(name: string, count: number, ages: Ages) {
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
    // Dead and due ones stay, however old.
    await pool.query(
      `with planted as (
         insert into deliveries (id, tenant_id, kind, target, state, due_at, delivered_at)
         select $2 || gen_random_uuid(), $1, 'event', 'nowhere', state, case state when 'due' then now() + '1 year' end,
                now() - $3::interval
           from generate_series(1, $4) n, unnest(array['delivered', 'dead', 'due']) state
         returning id
       ) insert into delivery_attempts (delivery_id, number, took_ms) select id, 1, 5 from planted`,
      [tenant.id, name, ages.delivery, count],
    );
    // One of each a user; of the secrets every other one is confirmed, and stays.
    await pool.query(
      `with people as (
         insert into users (id, tenant_id) select gen_random_uuid(), $1 from generate_series(1, $2) returning id
       ), planted_codes as (
         insert into codes (id, tenant_id, user_id, purpose, channel, length, created_at, expires_at)
         select id, $1, id, 'login', 'sms', 6, now(), now() - $3::interval from people
       ), planted_windows as (
         insert into code_windows (user_id, tenant_id, window_started_at, attempts)
         select id, $1, now() - $4::interval, 1 from people
       ) insert into totp_secrets (id, tenant_id, user_id, secret, created_at, confirmed_at)
         select id, $1, id, '', now() - $5::interval, case row_number() over () % 2 when 0 then now() end from people`,
      [tenant.id, count * 2, ages.code, ages.window, ages.secret],
    );
    await pool.query(
      `insert into phone_verifications
         (id, tenant_id, phone, phone_index, channel, locale, code_length, created_at, expires_at)
       select gen_random_uuid(), $1, '', uuid_send(gen_random_uuid()), 'sms', 'en', 4, now(), now() - $2::interval
         from generate_series(1, $3)`,
      [tenant.id, ages.verification, count],
    );
    await pool.query(
      `insert into recent_acts (tenant_id, subject, at, last_at)
       select $1, uuid_send(gen_random_uuid()), '{}', now() - $2::interval from generate_series(1, $3)`,
      [tenant.id, ages.act, count],
    );
    await pool.query(
      `insert into sent_codes (tenant_id, country, day, sent)
       select $1, gen_random_uuid(), current_date - $2::int, 1 from generate_series(1, $3)`,
      [tenant.id, ages.sentDays, count],
    );
  }
  const OLD = {
    key: '48 hours 1 second',
    proof: '61 minutes',
    token: '24 hours 1 second',
    delivery: '30 days 1 second',
    code: '24 hours 1 second',
    window: '1 hour 1 second',
    secret: '48 hours 1 second',
    verification: '24 hours 1 second',
    act: '2 hours 1 second',
    sentDays: '3',
  };
  const YOUNG = {
    key: '47 hours 59 minutes',
    proof: '59 minutes',
    token: '23 hours 59 minutes',
    delivery: '29 days 23 hours',
    code: '23 hours 59 minutes',
    window: '59 minutes',
    secret: '47 hours 59 minutes',
    verification: '23 hours 59 minutes',
    act: '1 hour 59 minutes',
    sentDays: '2',
  };

  async function counts() {
    const { rows } = await program.pool.query<
      Record<
        | 'keys'
        | 'proofs'
        | 'tokens'
        | 'deliveries'
        | 'attempts'
        | 'codes'
        | 'windows'
        | 'secrets'
        | 'verifications'
        | 'acts'
        | 'sent',
        number
      >
    >(
      `select (select count(*)::int from idempotency_keys) as keys,
              (select count(*)::int from device_proofs where jti ~ '^(old|young)') as proofs,
              (select count(*)::int from registration_tokens where device_id is null) as tokens,
              (select count(*)::int from deliveries where target = 'nowhere') as deliveries,
              (select count(*)::int from delivery_attempts) as attempts,
              (select count(*)::int from codes) as codes,
              (select count(*)::int from code_windows) as windows,
              (select count(*)::int from totp_secrets) as secrets,
              (select count(*)::int from phone_verifications) as verifications,
              (select count(*)::int from recent_acts) as acts,
              (select count(*)::int from sent_codes) as sent`,
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
    const expected = {
      idempotencyKeys: 25,
      deviceProofs: 25,
      registrationTokens: 25,
      codes: 50,
      codeWindows: 50,
      recentActs: 25,
      sentCodes: 25,
      phoneVerifications: 25,
      totpSecrets: 25,
      deliveries: 25,
    };
    expect(removed).toEqual(expected);
    expect(statements).toHaveLength(8 * 3 + 2 * 6);
    expect(await counts()).toEqual({
      keys: 7,
      proofs: 7,
      tokens: 7,
      deliveries: 2 * 25 + 3 * 7,
      attempts: 2 * 25 + 3 * 7,
      codes: 14,
      windows: 14,
      secrets: 25 + 14,
      verifications: 7,
      acts: 7,
      sent: 7,
    });
    // Safe to repeat.
    expect(await quietly().run(removeExpiredRows)).toEqual(
      Object.fromEntries(Object.keys(expected).map((kind) => [kind, 0])),
    );
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
    const left = {
      keys: before.keys - 3,
      proofs: before.proofs - 3,
      tokens: before.tokens - 3,
      deliveries: before.deliveries - 3,
      attempts: before.attempts - 3,
      codes: before.codes - 6,
      windows: before.windows - 6,
      secrets: before.secrets - 3,
      verifications: before.verifications - 3,
      acts: before.acts - 3,
      sent: before.sent - 3,
    };
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
