import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { BEHAVIOURS, startBadEndpoint } from '../faults/badEndpoint';
import type { BadEndpoint } from '../faults/badEndpoint';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { until } from '../support/until';

jest.setTimeout(60_000);

const MIB = 1024 * 1024;
const { refuses: _, ...BAD } = BEHAVIOURS;

describe('an endpoint for webhooks that', () => {
  let program: TestProgram;
  const made: { name: string; endpoint: BadEndpoint; id: string }[] = [];
  let healthy: BadEndpoint;
  beforeAll(async () => {
    program = await startTestProgram();
    const create = async (url: string) =>
      (await program.call('POST', '/v1/webhooks', { url, eventTypes: ['user_created'] })).body.id as string;
    for (const [name, behave] of Object.entries(BAD)) {
      const endpoint = await startBadEndpoint(behave);
      made.push({ name, endpoint, id: await create(endpoint.url) });
    }
    healthy = await startBadEndpoint();
    await create(healthy.url);
    await program.call('POST', '/v1/users', { externalId: 'told' });
  });
  afterAll(async () => {
    await program?.close();
    await Promise.all([healthy, ...made.map(({ endpoint }) => endpoint)].map((endpoint) => endpoint?.close()));
  });

  test('is well is told, while all the others are ill', async () => {
    await healthy.wait(1);
  });

  test.each(Object.keys(BAD))(
    '%s is told in the end, under the same id, and its log says what it did',
    async (name) => {
      const { endpoint, id } = made.find((one) => one.name === name)!;
      const [entry] = await until(
        async () => {
          const { deliveries } = (await program.call('GET', `/v1/webhooks/${id}/deliveries`)).body;
          return deliveries[0]?.state === 'delivered' && deliveries;
        },
        { withinMs: 40_000, what: 'the delivery' },
      );
      expect(endpoint.ids).toEqual([entry.eventId, entry.eventId]);
      expect(endpoint.paths).toEqual(['/callbacks', '/callbacks']); // no redirect was followed
      expect(entry.attempts).toHaveLength(2);
      expect(entry.attempts[0].error).toMatch(/^(status \d{3}|timeout|connection_lost|protocol_error)$/);
      expect(entry.attempts[0].tookMs).toBeLessThan(15_000);
      expect((await program.call('GET', `/v1/webhooks/${id}`)).body).toMatchObject({
        state: 'enabled',
        failingSince: null,
      });
      await endpoint.close();
      expect(endpoint.bytesSent()).toBeLessThan(64 * MIB);
    },
  );

  test('is counted by result, never by whom', async () => {
    const { text } = await program.call('GET', '/metrics');
    const counted = text.match(/^countersign_webhook_attempts_total.*$/gm);
    expect(counted?.map((line) => line.replace(/ \d+$/, '')).sort()).toEqual([
      'countersign_webhook_attempts_total{result="delivered"}',
      'countersign_webhook_attempts_total{result="later"}',
    ]);
  });
});

describe('what nobody was told to send', () => {
  let away: TestProgram;
  let program: TestProgram;
  const receiver = startReceiver();
  let id: string;
  beforeAll(async () => {
    away = await startTestProgram({ temporalAddress: '127.0.0.1:1' }); // Temporal is away
    id = (await away.call('POST', '/v1/webhooks', { url: (await receiver).url })).body.id;
  });
  afterAll(async () => {
    await program?.close();
    await away?.close();
    await (await receiver).close();
  });

  test('while Temporal was away is told once it is back, in order', async () => {
    await addUser(away, { push: false });
    const { databaseUrl, masterKeys, taskQueuePrefix } = away.config;
    await away.pool.query(`update deliveries set due_at = due_at - interval '6 seconds'`);
    program = await startTestProgram({
      databaseUrl,
      env: {
        COUNTERSIGN_MASTER_KEYS: masterKeys.map(({ id: keyId, key }) => `${keyId}:${key.toString('base64')}`).join(),
        COUNTERSIGN_TASK_QUEUE_PREFIX: taskQueuePrefix,
      },
    });
    const told = (await (await receiver).wait(3)).map(({ body }) => (JSON.parse(body) as { type: string }).type);
    expect(told).toEqual(['user_created', 'registration_token_created', 'device_registered']);
  });

  test('because its notification was lost is told by reconcile', async () => {
    await away.pool.query(
      `with counter as (
         update event_counters set last_number = last_number + 1 where tenant_id = $1 returning last_number
       ), written as (
         insert into events (tenant_id, number, type) select $1, last_number, 'user_removed' from counter returning number
       )
       insert into deliveries (id, tenant_id, kind, target, endpoint_id, event_number, due_at)
       select $2 || '_' || number, $1, 'event', $2, $2::uuid, number, now() - interval '6 seconds' from written`,
      [away.tenant.id, id],
    );
    const all = await (await receiver).wait(4);
    expect(JSON.parse(all[3]!.body)).toMatchObject({ type: 'user_removed' });
  });

  test('while it was disabled is told as soon as it is enabled', async () => {
    await away.call('PUT', `/v1/webhooks/${id}`, { state: 'disabled' });
    await away.pool.query(`update deliveries set state = 'due', due_at = now() where endpoint_id = $1`, [id]);
    const before = (await receiver).received.length;
    await away.call('POST', '/v1/users', { externalId: randomUUID() }); // not told: it is disabled
    await away.call('PUT', `/v1/webhooks/${id}`, { state: 'enabled' });
    const again = (await (await receiver).wait(before + 4)).slice(before);
    expect(again.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
      'user_created',
      'registration_token_created',
      'device_registered',
      'user_removed',
    ]);
  });
});
