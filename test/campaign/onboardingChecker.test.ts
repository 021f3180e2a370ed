import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { readRows } from './approvalChecker';
import type { Row } from './approvalChecker';
import { judgeOnboardings } from './onboardingChecker';
import { nothingIsOpen, readOnboardingRows } from './onboardingRows';
import type { OnboardingRow } from './onboardingRows';
import type { ToldOfOnboarding as Told } from './told';
import type { Outage } from './verdict';

const EXPIRES = 20_000;
const LONG_AFTER = 1_000_000;

const EVENTS = [
  { type: 'onboarding_started' },
  { type: 'method_chosen', method: 'push' },
  { type: 'device_registration_complete', deviceId: 'phone' },
  { type: 'approval_created' },
  { type: 'approval_approved' },
  { type: 'two_factor_enabled', method: 'push' },
];
/** Begun as usual, and ended so. */
const endedBy = (...types: string[]) => [...EVENTS.slice(0, 4), ...types.map((type) => ({ type }))];

const row = (changes: Partial<OnboardingRow> = {}): OnboardingRow => ({
  id: 'one',
  userId: 'user',
  status: 'enabled',
  reason: null,
  method: 'push',
  createdAtMs: 0,
  expiresAtMs: EXPIRES,
  closedAtMs: 5_000,
  linkRound: 1,
  events: EVENTS,
  confirmations: [{ id: 'approval', status: 'approved' }],
  links: ['install:one:1'],
  devices: ['phone'],
  isUserRemoved: false,
  methods: ['push'],
  ...changes,
});
const cancelled = row({
  status: 'cancelled',
  reason: 'requested',
  methods: [],
  events: endedBy('onboarding_cancelled'),
  confirmations: [{ id: 'approval', status: 'cancelled' }],
});
const open = row({
  status: 'waiting_for_device',
  closedAtMs: null,
  methods: [],
  events: EVENTS.slice(0, 2),
  confirmations: [],
  devices: [],
});
const another = (changes: Partial<OnboardingRow>) => ({ ...cancelled, id: 'two', confirmations: [], ...changes });

const of = { about: 'onboarding', onboardingId: 'one' } as const;
const started: Told = {
  ...of,
  what: 'started',
  key: 'key',
  userId: 'user',
  status: 'waiting_for_device',
  expiresAtMs: EXPIRES,
};
const chosen: Told = { ...of, what: 'chosen', method: 'push', status: 'waiting_for_device' };
const registered: Told = { ...of, what: 'registered', deviceId: 'phone' };
const answered: Told = { ...of, what: 'answered', deviceId: 'phone', decision: 'approved', status: 'approved' };
const seen: Told = { ...of, what: 'seen', status: 'enabled' };
const texted = (messageId: string, text: string): Told => ({ ...of, what: 'texted', messageId, text });
const refused = (call: 'start' | 'code' | 'link', code: string, subject = 'one'): Told => ({
  about: 'onboarding',
  what: 'refused',
  call,
  subject,
  code,
});
const good = [started, chosen, registered, answered, seen];

const judge = (told: Told[], rows: OnboardingRow[], nowMs = LONG_AFTER, outages: Outage[] = []) =>
  judgeOnboardings(told, { rows, confirmations: [] }, { outages, nowMs }).faults.map(
    ({ kind, rule }) => `${kind}: ${rule}`,
  );

test('a history in which everything is right has no faults', () => {
  expect(judgeOnboardings(good, { rows: [row()], confirmations: [] }, { outages: [], nowMs: LONG_AFTER })).toEqual({
    counts: { onboardings: 1 },
    faults: [],
  });
});

test.each<[string, Told[], OnboardingRow[]]>([
  ['lost: an acknowledged onboarding is not in the database', [started], []],
  ['lost: the event of the start is missing', good, [row({ events: EVENTS.slice(1) })]],
  ['doubled: the start is recorded more than once', good, [row({ events: [...EVENTS, EVENTS[0]!] })]],
  ['doubled: more than one end is recorded', good, [row({ events: [...EVENTS, EVENTS.at(-1)!] })]],
  ['lost: the event of the end is missing', good, [row({ events: EVENTS.slice(0, -1) })]],
  [
    'doubled: different ends: cancelled, enabled',
    [...good, { ...of, what: 'cancelled', status: 'cancelled' }],
    [row()],
  ],
  ['doubled: different ends: enabled, expired', [...good, refused('link', 'onboarding_expired')], [row()]],
  ['doubled: different ends: cancelled, enabled', [started, answered], [cancelled]],
  ['lost: open past its deadline and 30 seconds', good, [row({ closedAtMs: EXPIRES + 30_001 })]],
  ['lost: open past its deadline and 30 seconds', [started], [open]],
  ['lost: an enabled method is not there', good, [row({ methods: [] })]],
  ['doubled: a method that nobody enabled', [started], [{ ...cancelled, methods: ['push'] }]],
  [
    'doubled: more than one confirmation',
    good,
    [row({ confirmations: [...row().confirmations, { id: 'b', status: '' }] })],
  ],
  ['doubled: enabled without an approved confirmation', good, [row({ confirmations: [] })]],
  [
    'lost: a confirmation was approved, and nothing enabled',
    [started],
    [{ ...cancelled, confirmations: row().confirmations }],
  ],
  ['lost: a denial that does not fit', [started], [{ ...cancelled, reason: 'denied' }]],
  [
    'lost: a denial that does not fit',
    [started],
    [{ ...cancelled, confirmations: [{ id: 'approval', status: 'denied' }] }],
  ],
  [
    'lost: somebody is still asked to confirm what is over',
    [started],
    [{ ...cancelled, confirmations: [{ id: 'approval', status: 'pending' }] }],
  ],
  ['doubled: more than one device completed it', good, [row({ events: [...EVENTS, EVENTS[2]!] })]],
  [
    'doubled: it was reminded more than once',
    good,
    [row({ events: [...EVENTS, { type: 'onboarding_reminded' }, { type: 'onboarding_reminded' }] })],
  ],
  ['doubled: more text messages than rounds', good, [row({ links: ['install:one:1', 'again:one'] })]],
  ['lost: an acknowledged device is not in the database', good, [row({ devices: [] })]],
  ['lost: the event of a registration is missing', good, [row({ events: EVENTS.toSpliced(2, 1) })]],
  ['lost: an acknowledged method is not in the database', good, [row({ events: EVENTS.toSpliced(1, 1) })]],
  [
    'doubled: a wrong code was accepted',
    [...good, { ...of, what: 'entered', right: false, status: 'enabled' }],
    [row()],
  ],
  ['lost: the right code was refused', [...good, refused('code', 'code_wrong')], [row()]],
  ['lost: a start was refused', [...good, refused('start', 'user_not_found', 'another key')], [row()]],
  [
    'doubled: one idempotency key, more than one onboarding',
    [...good, { ...started, onboardingId: 'two' }],
    [row(), another({ createdAtMs: 6_000, userId: 'another' })],
  ],
  ['doubled: an onboarding that nobody asked for', good, [row(), another({ userId: 'another' })]],
  [
    'doubled: one code, more than one message',
    [...good, texted('a', 'Shop: Your code is 123.'), texted('b', 'Shop: Your code is 123.')],
    [row()],
  ],
])('found: %s', (fault, told, rows) => {
  expect(judge(told, rows)).toEqual([fault]);
});

test('found: an end that was told, of an onboarding that still waits', () => {
  expect(judge([started, seen], [open], EXPIRES)).toEqual(['lost: an end was told that is not in the database']);
});

const startedToo: Told = { ...started, key: 'another key', onboardingId: 'two' };
test.each([
  ['that overlap', [cancelled, another({ createdAtMs: 4_999 })]],
  ['that are both open', [open, { ...open, id: 'two', createdAtMs: 1 }]],
])('found: two of a user %s', (_what, rows) => {
  expect(judge([started, startedToo], rows, EXPIRES)).toEqual(['doubled: two of a user were open at once']);
});

test('found: what is wrong with the approval that confirms, which nobody else judges', () => {
  const confirmation: Row = {
    id: 'approval',
    status: 'approved',
    expiresAtMs: EXPIRES,
    decidedAtMs: 5_000,
    required: 1,
    people: 1,
    events: ['approval_created', 'approval_approved', 'approval_cancelled'],
    answers: [{ deviceId: 'phone', decision: 'approved' }],
  };
  const { faults } = judgeOnboardings(
    good,
    { rows: [row()], confirmations: [confirmation] },
    { outages: [], nowMs: LONG_AFTER },
  );
  expect(faults).toContainEqual({ kind: 'doubled', rule: 'more than one decision is recorded', subject: 'approval' });
});

test.each<[string, Told[], OnboardingRow[]]>([
  ['one after the other', [started, startedToo], [cancelled, another({ createdAtMs: 5_000 })]],
  ['without its method, because the user was removed', good, [row({ methods: [], isUserRemoved: true })]],
  [
    'whose start had no answer',
    [...good, { about: 'onboarding', what: 'unanswered', call: 'start', subject: 'another key' }],
    [row(), another({ userId: 'another' })],
  ],
  ['that was reminded by a second link', good, [row({ linkRound: 2, links: ['install:one:1', 'install:one:2'] })]],
  [
    'of which the same text was read twice',
    [...good, texted('a', 'Your code is 123.'), texted('a', 'Your code is 123.'), texted('b', 'Your code is 124.')],
    [row()],
  ],
])('no fault: an onboarding %s', (_what, told, rows) => {
  expect(judge(told, rows)).toEqual([]);
});

test('nothing is late before its time, which an outage puts off', () => {
  expect(judge([started], [open], EXPIRES + 30_000)).toEqual([]);
  expect(judge([started], [open], EXPIRES + 30_001)).toHaveLength(1);
  const outage = { fromMs: EXPIRES + 20_000, untilMs: EXPIRES + 25_000 };
  expect(judge([started], [open], EXPIRES + 55_000, [outage])).toEqual([]);
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

test('the onboardings of one tenant are read with all that belongs to them', async () => {
  const [tenantId, userId, id, approvalId, deviceId] = Array.from({ length: 5 }, () => randomUUID());
  await pool.query(`insert into tenants (id, name, signing_key) values ($1, $2, '')`, [tenantId, tenantId]);
  await pool.query('insert into users (id, tenant_id, removed_at) values ($1, $2, now())', [userId, tenantId]);
  await pool.query(
    `insert into devices (id, tenant_id, user_id, name, platform, public_jwk, thumbprint, registration_proof)
     values ($1, $2, $3, '', '', '{}', '', '')`,
    [deviceId, tenantId, userId],
  );
  await pool.query(
    `insert into onboardings (id, tenant_id, user_id, method, status, own_app, link_round, created_at, expires_at)
     values ($1, $2, $3, 'push', 'waiting_for_confirmation', false, 2, to_timestamp(1), to_timestamp(20))`,
    [id, tenantId, userId],
  );
  expect(await nothingIsOpen(pool, tenantId!)).toBe(false);
  await pool.query(
    `insert into approvals (id, tenant_id, onboarding_id, mode, required, shown, shown_digest, nonce, push_by, created_at, expires_at)
     values ($1, $2, $3, 'login', 1, '', '', '', 'none', to_timestamp(1), to_timestamp(20))`,
    [approvalId, tenantId, id],
  );
  await pool.query(
    `insert into events (tenant_id, number, type, device_id, onboarding_id, data)
     values ($1, 2, 'device_registration_complete', $2, $3, '{}'), ($1, 1, 'method_chosen', null, $3, '{"method":"push"}')`,
    [tenantId, deviceId, id],
  );
  await pool.query(
    `insert into simulator_messages (id, tenant_id, kind, recipient, text)
     values ($1, $3, 'sms', '', ''), ($2, $3, 'sms', '', '')`,
    [`install:${id}:1`, `code:${randomUUID()}:1`, tenantId],
  );
  await pool.query(`insert into user_methods (tenant_id, user_id, method) values ($1, $2, 'sms')`, [tenantId, userId]);
  expect(await readOnboardingRows(pool, tenantId!)).toEqual([
    {
      id,
      userId,
      status: 'waiting_for_confirmation',
      reason: null,
      method: 'push',
      createdAtMs: 1_000,
      expiresAtMs: 20_000,
      closedAtMs: null,
      linkRound: 2,
      events: [
        { type: 'method_chosen', method: 'push' },
        { type: 'device_registration_complete', deviceId },
      ],
      confirmations: [{ id: approvalId, status: 'pending' }],
      links: [`install:${id}:1`],
      devices: [deviceId],
      isUserRemoved: true,
      methods: ['sms'],
    },
  ]);
  // Only the onboarding checker knows that somebody asked for it.
  expect(await readRows(pool, tenantId!, 'asked for')).toEqual([]);
  expect(await readRows(pool, tenantId!, 'confirmations')).toMatchObject([{ id: approvalId }]);

  await pool.query(`update onboardings set status = 'expired', closed_at = to_timestamp(21)`);
  expect(await nothingIsOpen(pool, tenantId!)).toBe(false);
  await pool.query(`update approvals set status = 'expired', decided_at = to_timestamp(21)`);
  expect(await nothingIsOpen(pool, tenantId!)).toBe(true);
  expect(await readOnboardingRows(pool, randomUUID())).toEqual([]);
});
