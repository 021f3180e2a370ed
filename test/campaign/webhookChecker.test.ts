import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import type { ToldOfWebhook as Told } from './told';
import type { Outage } from './verdict';
import { judgeWebhooks } from './webhookChecker';
import { nothingIsDue, readWebhookRows } from './webhookRows';
import type { DeliveryRow, EventRow, WebhookRows } from './webhookRows';

const LONG_AFTER = 1_000_000;
const CREATED = 1_000;

const created: Told = {
  about: 'webhook',
  endpoint: 'one',
  atMs: CREATED,
  what: 'created',
  endpointId: 'id one',
  secret: 'first',
  eventTypes: null,
};
const of = (atMs: number) => ({ about: 'webhook', endpoint: 'one', atMs }) as const;
const event = (number: number, changes: Partial<EventRow> = {}): EventRow => ({
  number,
  type: 'approval_created',
  atMs: CREATED + number,
  endpointId: null,
  ...changes,
});
const delivery = (number: number, changes: Partial<DeliveryRow> = {}): DeliveryRow => ({
  id: `id one_${number}`,
  endpointId: 'id one',
  number,
  state: 'delivered',
  dueAtMs: null,
  failures: 0,
  ...changes,
});
type Arrival = Extract<Told, { what: 'arrived' }>;
const arrived = (number: number, changes: Partial<Arrival> = {}): Arrival => ({
  ...of(CREATED + 10 * number),
  what: 'arrived',
  eventId: `evt_tenant_${number}`,
  type: 'approval_created',
  eventAtMs: CREATED + number,
  data: {},
  digest: `body ${number}`,
  secrets: [0],
  ...changes,
});
const ENDPOINT = { id: 'id one', endpoint: 'one', state: 'enabled', removed: false };
const rows = (changes: Partial<WebhookRows> = {}): WebhookRows => ({
  endpoints: [ENDPOINT],
  events: [event(1), event(2)],
  deliveries: [delivery(1), delivery(2)],
  ...changes,
});
const good = [created, arrived(1), arrived(2)];

const at = (...outages: Outage[]) => ({ outages, nowMs: LONG_AFTER });
const faults = (told: Told[], changes: Partial<WebhookRows> = {}, nowMs = LONG_AFTER) =>
  judgeWebhooks(told, rows(changes), { outages: [], nowMs }).faults.map(({ kind, rule }) => `${kind}: ${rule}`);

test('a history in which everything is right has no faults', () => {
  expect(judgeWebhooks(good, rows(), at())).toEqual({ counts: { webhooks: 2, webhookRepeats: 0 }, faults: [] });
});

const due = delivery(2, { state: 'due', dueAtMs: CREATED + 2 });
const dead = delivery(2, { state: 'dead' });
const without = [created, arrived(1)];
const removed = { endpoints: [{ ...ENDPOINT, removed: true }] };
const ping = { ...event(3), type: 'webhook_pinged', endpointId: 'id one' };
const pinged: Told = { ...of(CREATED + 50), what: 'pinged', begunMs: CREATED + 3 };
const redelivered: Told = { ...of(CREATED + 50), what: 'redelivered', begunMs: CREATED + 40, sinceMs: 0 };
const again = [arrived(1, { atMs: CREATED + 45 }), arrived(2, { atMs: CREATED + 46 })];
const rotated: Told = { ...of(CREATED + 1), what: 'rotated' };

test.each<[string, Told[], Partial<WebhookRows>?]>([
  ['lost: an event never arrived', without],
  ['lost: an event never arrived', without, { deliveries: [delivery(1)] }],
  ['lost: a delivery stays due', good, { deliveries: [delivery(1), due] }],
  ['lost: a delivery is dead', good, { deliveries: [delivery(1), dead] }],
  ['lost: a delivery is dead', good, { deliveries: [delivery(1), { ...dead, endpointId: null, number: null }] }],
  ['doubled: one event, different bodies', [...good, arrived(2, { digest: 'another body' })]],
  ['doubled: one event, different bodies', [...good, arrived(2, { endpoint: 'two', digest: 'another body' })]],
  ['lost: an event was told that is not in the database', [...good, arrived(3)]],
  ['lost: an event was told that is not in the database', [created, arrived(1), arrived(2, { type: 'user_created' })]],
  [
    'lost: an event was told that is of no concern here',
    [{ ...created, eventTypes: ['approval_created'] }, arrived(1), arrived(2), arrived(3, { type: 'user_removed' })],
    { events: [event(1), event(2), event(3, { type: 'user_removed' })] },
  ],
  [
    'lost: an event was told that is of no concern here',
    [...good, arrived(3, { type: 'webhook_pinged' })],
    { events: [event(1), event(2), { ...ping, endpointId: 'another' }] },
  ],
  ['lost: events arrived out of their order', [created, arrived(2), arrived(1)]],
  ['lost: a call was refused', [...good, { ...of(9), what: 'refused', call: 'ping', code: 'webhook_not_found' }]],
  ['doubled: one idempotency key, more than one secret', [...good, { ...created, secret: 'another' }]],
  [
    'doubled: one idempotency key, more than one endpoint',
    good,
    { endpoints: [ENDPOINT, { ...ENDPOINT, id: 'id two' }] },
  ],
  ['lost: an acknowledged endpoint is not in the database', [created], { endpoints: [], deliveries: [] }],
  ['lost: a removed endpoint is there', [...good, { ...of(LONG_AFTER), what: 'removed' }]],
  ['lost: an endpoint that is well was disabled', good, { endpoints: [{ ...ENDPOINT, state: 'disabled' }] }],
  ['lost: an acknowledged ping is not in the database', [...good, pinged]],
  ['lost: an acknowledged ping never arrived', [...good, pinged], { ...removed, events: [event(1), event(2), ping] }],
  ['lost: an event was not told once more', [...good, redelivered, again[0]!]],
  ['lost: an event was not told once more', [...good, redelivered, again[0]!], removed],
  [
    'lost: not signed with every secret that counts',
    [created, arrived(1, { secrets: [0, 1] }), rotated, arrived(2, { secrets: [1] })],
  ],
])('found: %s', (fault, told, changes = {}) => {
  expect(faults(told, changes)).toEqual([fault]);
});

test.each<[string, Told[], Partial<WebhookRows>?]>([
  ['from before the endpoint', good, { events: [event(0), event(1), event(2)] }],
  [
    'that the endpoint did not ask for',
    [{ ...created, eventTypes: ['approval_created'] }, arrived(1), arrived(2)],
    { events: [event(1), event(2), event(3, { type: 'user_removed' })] },
  ],
  ['for an endpoint that was removed meanwhile', without, { ...removed, deliveries: [delivery(1), dead] }],
  [
    'that failed and came later',
    [created, arrived(2), arrived(1)],
    { deliveries: [delivery(1, { failures: 1 }), delivery(2)] },
  ],
  ['that was asked for once more', [...good, redelivered, ...again.toReversed()]],
  ['signed with both secrets', [created, arrived(1), rotated, arrived(2, { secrets: [0, 1] })]],
  ['told after the database was read', [...good, arrived(3, { atMs: LONG_AFTER })]],
])('no fault: an event %s', (_what, told, changes = {}) => {
  expect(faults(told, changes)).toEqual([]);
});

test('the same event once more is a repeat; one that was asked for is none', () => {
  const repeats = (told: Told[]) => judgeWebhooks(told, rows(), at()).counts.webhookRepeats;
  expect(repeats([...good, ...again])).toBe(2);
  expect(repeats([...good, redelivered, ...again])).toBe(0);
});

test('nothing is late before its time, which an outage puts off', () => {
  const waiting = { deliveries: [delivery(1), due] };
  const dueMs = CREATED + 2 + 60_000;
  expect(faults(without, waiting, dueMs)).toEqual([]);
  expect(faults(without, waiting, dueMs + 1)).toEqual(['lost: a delivery stays due', 'lost: an event never arrived']);
  const outages = [{ fromMs: CREATED + 20_000, untilMs: CREATED + 30_000 }];
  const judged = (nowMs: number) => judgeWebhooks(without, rows(waiting), { outages, nowMs }).faults;
  expect(judged(CREATED + 90_000)).toEqual([]);
  expect(judged(CREATED + 90_001)).toHaveLength(2);
});

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 3 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('endpoints, events and deliveries of one tenant are read', async () => {
  const [tenantId, endpointId] = [randomUUID(), randomUUID()];
  const deliveryId = `${endpointId}_1`;
  await pool.query(`insert into tenants (id, name, signing_key) values ($1, $2, '')`, [tenantId, tenantId]);
  await pool.query(
    `insert into webhook_endpoints (id, tenant_id, url, description, secret) values ($1, $2, '', 'one', '')`,
    [endpointId, tenantId],
  );
  await pool.query(
    `insert into events (tenant_id, number, type, data, at)
     values ($1, 1, 'webhook_pinged', jsonb_build_object('endpointId', $2::text), to_timestamp(5))`,
    [tenantId, endpointId],
  );
  await pool.query(
    `insert into deliveries (id, tenant_id, kind, target, endpoint_id, event_number, due_at)
     values ($1, $2, 'event', $3, $4, 1, to_timestamp(6))`,
    [deliveryId, tenantId, endpointId, endpointId],
  );
  await pool.query(
    `insert into delivery_attempts (delivery_id, number, status, error, took_ms)
     values ($1, 1, 500, 'status 500', 1), ($1, 2, 204, null, 1)`,
    [deliveryId],
  );
  expect(await readWebhookRows(pool, tenantId)).toEqual({
    endpoints: [{ id: endpointId, endpoint: 'one', state: 'enabled', removed: false }],
    events: [{ number: 1, type: 'webhook_pinged', atMs: 5_000, endpointId }],
    deliveries: [{ id: deliveryId, endpointId, number: 1, state: 'due', dueAtMs: 6_000, failures: 1 }],
  });
  expect(await nothingIsDue(pool, tenantId)).toBe(false);
  await pool.query('update webhook_endpoints set removed_at = now()');
  expect(await nothingIsDue(pool, tenantId)).toBe(true);
  expect(await readWebhookRows(pool, randomUUID())).toEqual({ endpoints: [], events: [], deliveries: [] });
});
