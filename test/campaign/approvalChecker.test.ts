import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { judge, readRows } from './approvalChecker';
import type { Row } from './approvalChecker';
import type { ToldOfApproval as Told } from './told';
import type { Outage } from './verdict';

const EXPIRES = 40_000;
const LONG_AFTER = 1_000_000;

const row = (changes: Partial<Row> = {}): Row => ({
  id: 'one',
  status: 'approved',
  expiresAtMs: EXPIRES,
  decidedAtMs: 5_000,
  required: 1,
  people: 1,
  events: ['approval_created', 'approval_approved'],
  answers: [{ deviceId: 'phone', decision: 'approved' }],
  ...changes,
});
const pending = row({ status: 'pending', decidedAtMs: null, events: ['approval_created'], answers: [] });

const created: Told = {
  what: 'created',
  key: 'key',
  approvalId: 'one',
  status: 'pending',
  expiresAtMs: EXPIRES,
  callback: true,
};
const answered: Told = {
  what: 'answered',
  approvalId: 'one',
  deviceId: 'phone',
  decision: 'approved',
  status: 'approved',
};
const callback: Told = { what: 'callback', approvalId: 'one', webhookId: 'cb_one', outcome: 'approved' };
const refused = {
  what: 'refused',
  call: 'answer',
  subject: 'one',
  code: 'already_answered',
  deviceId: 'another phone',
  decision: 'denied',
} satisfies Told;
const good = [created, answered, callback];

const at = (...outages: Outage[]) => ({ outages, nowMs: LONG_AFTER });
const faults = (told: Told[], rows: Row[], nowMs = LONG_AFTER) =>
  judge(told, rows, { outages: [], nowMs }).faults.map(({ kind, rule }) => `${kind}: ${rule}`);

test('a history in which everything is right has no faults', () => {
  expect(judge(good, [row()], at())).toEqual({ counts: { approvals: 1, repeats: 0 }, faults: [] });
});

test.each<[string, Told[], Row[]]>([
  ['lost: an acknowledged approval is not in the database', good, []],
  ['lost: the event of the creation is missing', good, [row({ events: ['approval_approved'] })]],
  ['lost: the event of the decision is missing', good, [row({ events: ['approval_created'] })]],
  [
    'lost: an acknowledged answer is not in the database',
    good,
    [row({ answers: [{ deviceId: 'another phone', decision: 'approved' }] })],
  ],
  [
    'lost: an answer was refused that counts',
    [...good, { ...refused, deviceId: 'phone', decision: 'approved' }],
    [row()],
  ],
  ['lost: the callback never arrived', [created, answered], [row()]],
  ['lost: not final by its deadline and 30 seconds', good, [row({ decidedAtMs: EXPIRES + 30_001 })]],
])('found: %s', (fault, told, rows) => {
  expect(faults(told, rows)).toEqual([fault]);
});

test('found: an outcome that was told and an answer that was acknowledged, and an approval that still waits', () => {
  expect(faults([created, answered], [pending], EXPIRES)).toEqual([
    'lost: an outcome was told that is not in the database',
    'lost: an acknowledged answer is not in the database',
  ]);
});

test.each<[string, Row['answers']]>([
  ['is gone', []],
  ['says something else', [{ deviceId: 'phone', decision: 'denied' }]],
])('found: an outcome whose answer %s', (_what, answers) => {
  expect(faults(good, [row({ answers })])).toEqual([
    'doubled: the outcome is not that of the answers',
    'lost: an acknowledged answer is not in the database',
  ]);
});

const said = (...decisions: string[]) => decisions.map((decision, index) => ({ deviceId: `phone ${index}`, decision }));

test.each<[Row['status'], Row['answers'], boolean]>([
  ['approved', said('approved', 'denied', 'approved'), true],
  ['approved', said('approved', 'denied'), false],
  ['approved', said('approved', 'approved', 'denied', 'denied'), false],
  ['denied', said('denied', 'approved', 'denied'), true],
  ['denied', said('denied', 'approved', 'approved'), false],
  ['cancelled', said('approved', 'denied'), true],
  ['cancelled', said('approved', 'approved'), false],
])('two of three: %s by %j is right: %s', (status, answers, right) => {
  const several = row({ required: 2, people: 3, status, answers, events: ['approval_created', `approval_${status}`] });
  const told: Told[] = [created, { ...callback, outcome: status as Exclude<Row['status'], 'pending'> }];
  expect(faults(told, [several])).toEqual(right ? [] : ['doubled: the outcome is not that of the answers']);
});

test('found: an approval that is never final', () => {
  expect(faults([created], [pending])).toEqual([
    'lost: not final by its deadline and 30 seconds',
    'lost: the callback never arrived',
  ]);
});

test.each<[string, Told[], Row[]]>([
  [
    'doubled: the creation is recorded more than once',
    good,
    [row({ events: ['approval_created', 'approval_created', 'approval_approved'] })],
  ],
  [
    'doubled: more than one decision is recorded',
    good,
    [row({ events: ['approval_created', 'approval_approved', 'approval_approved'] })],
  ],
  ['doubled: different outcomes: approved, denied', [...good, { ...callback, outcome: 'denied' }], [row()]],
  [
    'doubled: different outcomes: approved, denied',
    [...good, { what: 'seen', approvalId: 'one', status: 'denied' }],
    [row()],
  ],
  [
    'doubled: different outcomes: approved, cancelled',
    [...good, { what: 'cancelled', approvalId: 'one', status: 'cancelled' }],
    [row()],
  ],
  ['doubled: different outcomes: approved, expired', [...good, { ...refused, code: 'approval_expired' }], [row()]],
  ['doubled: callbacks with different ids', [...good, { ...callback, webhookId: 'cb_two' }], [row()]],
  [
    'doubled: one idempotency key, more than one approval',
    [...good, { ...created, approvalId: 'two', callback: false }],
    [row(), row({ id: 'two' })],
  ],
  ['doubled: an approval that nobody asked for', good, [row(), row({ id: 'two' })]],
])('found: %s', (fault, told, rows) => {
  expect(faults(told, rows)).toEqual([fault]);
});

test('found: two decisions of which one was written over the other', () => {
  expect(faults(good, [row({ events: ['approval_created', 'approval_approved', 'approval_cancelled'] })])).toEqual([
    'doubled: more than one decision is recorded',
    'doubled: different outcomes: approved, cancelled',
  ]);
});

test('a request without an answer may have made one approval, not two', () => {
  const unanswered: Told = { what: 'unanswered', call: 'create', subject: 'another key' };
  expect(faults([...good, unanswered], [row(), row({ id: 'two' })])).toEqual([]);
  expect(faults([...good, unanswered], [row(), row({ id: 'two' }), row({ id: 'three' })])).toEqual([
    'doubled: an approval that nobody asked for',
  ]);
});

test('the same callback once more is a repeat, not a fault', () => {
  expect(judge([...good, callback, callback], [row()], at())).toEqual({
    counts: { approvals: 1, repeats: 2 },
    faults: [],
  });
});

test('nothing is late before its time', () => {
  expect(faults([created], [pending], EXPIRES + 30_000)).toEqual([]);
  expect(faults([created, answered], [row()], EXPIRES + 45_000)).toEqual([]);
});

test('an outage puts off what is due in it, and only that', () => {
  const outage = { fromMs: EXPIRES + 20_000, untilMs: EXPIRES + 25_000 };
  const late = row({ decidedAtMs: EXPIRES + 55_000 });
  expect(judge(good, [late], at(outage)).faults).toEqual([]);
  expect(judge(good, [row({ decidedAtMs: EXPIRES + 55_001 })], at(outage)).faults).toHaveLength(1);
  expect(judge(good, [late], at({ fromMs: 0, untilMs: EXPIRES })).faults).toHaveLength(1);
});

test('a decision that is refused because another one counts is no fault', () => {
  expect(faults([...good, refused], [row()])).toEqual([]);
});

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('the rows of one tenant are read with their events and answers', async () => {
  const [tenantId, other, userId, deviceId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  for (const id of [tenantId, other]) {
    await pool.query(`insert into tenants (id, name, signing_key) values ($1, $2, '')`, [id, id]);
  }
  await pool.query('insert into users (id, tenant_id) values ($1, $2)', [userId, tenantId]);
  await pool.query(
    `insert into devices (id, tenant_id, user_id, name, platform, public_jwk, thumbprint, registration_proof)
     values ($1, $2, $3, '', '', '{}', '', '')`,
    [deviceId, tenantId, userId],
  );
  const [decided, open, foreign] = [randomUUID(), randomUUID(), randomUUID()];
  for (const [id, tenant] of [
    [decided, tenantId],
    [open, tenantId],
    [foreign, other],
  ]) {
    await pool.query(
      `insert into approvals (id, tenant_id, mode, required, shown, shown_digest, nonce, push_by, created_at, expires_at)
       values ($1, $2, 'login', 1, '', '', '', 'none', to_timestamp(1), to_timestamp(40))`,
      [id, tenant],
    );
  }
  await pool.query(`update approvals set status = 'denied', decided_at = to_timestamp(5) where id = $1`, [decided]);
  await pool.query(
    `insert into answers (approval_id, user_id, tenant_id, device_id, decision, jws, received_at, position)
     values ($1, $2, $3, $4, 'denied', '', to_timestamp(5), 1)`,
    [decided, userId, tenantId, deviceId],
  );
  const another = randomUUID();
  await pool.query('insert into users (id, tenant_id) values ($1, $2)', [another, tenantId]);
  for (const [position, id] of [userId, another].entries()) {
    await pool.query('insert into approvers (approval_id, user_id, tenant_id, position) values ($1, $2, $3, $4)', [
      decided,
      id,
      tenantId,
      position,
    ]);
  }
  for (const [number, type] of [
    [2, 'approval_denied'],
    [1, 'approval_created'],
  ]) {
    await pool.query('insert into events (tenant_id, number, type, approval_id) values ($1, $2, $3, $4)', [
      tenantId,
      number,
      type,
      decided,
    ]);
  }

  const rows = await readRows(pool, tenantId, 'asked for');
  expect(rows).toHaveLength(2);
  expect(rows).toContainEqual({
    id: decided,
    status: 'denied',
    expiresAtMs: 40_000,
    decidedAtMs: 5_000,
    required: 1,
    people: 2,
    events: ['approval_created', 'approval_denied'],
    answers: [{ deviceId, decision: 'denied' }],
  });
  expect(rows).toContainEqual({
    id: open,
    status: 'pending',
    expiresAtMs: 40_000,
    decidedAtMs: null,
    required: 1,
    people: 0,
    events: [],
    answers: [],
  });
});
