import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startAuthy } from '../support/authy';
import { putEvents } from '../support/events';
import type { TestProgram } from '../support/program';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const START = Date.parse('2026-03-01T12:00:00Z');
const MONTH = { 'scope[time][gte]': '2026-03-01', 'scope[time][lt]': '2026-04-01' };

let running: Awaited<ReturnType<typeof startAuthy>>;
let program: TestProgram;
let anna: { id: string; authyId: number };
let bert: { id: string; authyId: number };
const device = randomUUID();
const approvals = [randomUUID(), randomUUID()];

beforeAll(async () => {
  running = await startAuthy();
  ({ program } = running);
  const addUser = async (phone: string) => (await program.call('POST', '/v1/users', { phone })).body;
  anna = await addUser('+4915112345678');
  bert = await addUser('+14155550123');
  // Their history, instead of what has just been recorded.
  await program.pool.query('delete from events where tenant_id = $1', [program.tenant.id]);
  await program.pool.query(
    `insert into approvals (id, tenant_id, mode, required, status, shown, shown_digest, nonce, push_by, created_at,
                            expires_at, decided_at)
     select id, $2, 'login', 1, 'approved', '', '', '', 'none', $3::timestamptz, $3::timestamptz + interval '2 minutes', $3
       from unnest($1::uuid[]) id`,
    [approvals, program.tenant.id, new Date(START)],
  );
  await program.pool.query(
    `insert into approvers (approval_id, user_id, tenant_id, position)
     select id, $2, $3, 1 from unnest($1::uuid[]) id`,
    [approvals, bert.id, program.tenant.id],
  );
  await program.pool.query(
    `insert into devices (id, tenant_id, user_id, name, platform, public_jwk, thumbprint, registration_proof)
     values ($1, $2, $3, 'Phone', 'android', '{}', 'thumbprint', '')`,
    [device, program.tenant.id, bert.id],
  );
  await program.pool.query(
    `insert into answers (approval_id, user_id, tenant_id, device_id, decision, jws, received_at, position)
     values ($1, $2, $3, $4, 'approved', '', $5, 1)`,
    [approvals[0], bert.id, program.tenant.id, device, new Date(START)],
  );
  const at = (days: number, minutes = 0) => new Date(START + days * DAY + minutes * MINUTE);
  await putEvents(program.pool, program.tenant.id, [
    { type: 'user_created', at: at(0), userId: anna.id },
    { type: 'device_registered', at: at(0, 1), userId: anna.id, deviceId: device },
    { type: 'device_registration_complete', at: at(0, 1), userId: anna.id },
    { type: 'code_sent', at: at(1), userId: anna.id, data: { channel: 'sms' } },
    { type: 'code_sent', at: at(1, 1), userId: anna.id, data: { channel: 'voice' } },
    { type: 'code_accepted', at: at(1, 2), userId: anna.id, data: { channel: 'voice' } },
    { type: 'user_created', at: at(3), userId: bert.id },
    { type: 'approval_created', at: at(3, 1), userId: bert.id, approvalId: approvals[0]! },
    { type: 'approval_approved', at: at(3, 2), approvalId: approvals[0]! },
    { type: 'approval_denied', at: at(4), approvalId: approvals[1]! },
    { type: 'code_sent', at: at(4, 1), userId: bert.id, data: { channel: 'sms' } },
  ]);
}, 60_000);
afterAll(async () => running?.program.close());

const report = (path: string, query: Record<string, string> = {}, key?: string) =>
  running.authy('GET', `/protected/json/reporting/${path}`, { query, ...(key !== undefined && { key }) });
const namesOf = async (query: Record<string, string> = {}) => {
  const { status, text, body } = await report('events', query);
  if (status !== 200) throw new Error(text);
  return (body.events as { event: string }[]).map(({ event }) => event);
};

// `totp_token_sent` is told of text messages, and another name of calls.
const ALL = [
  'totp_token_sent',
  'one_touch_request_responded',
  'one_touch_request_responded',
  'user_added',
  'token_verified',
  'totp_token_sent_via_call',
  'totp_token_sent',
  'device_registration_completed',
  'user_added',
];

describe('events', () => {
  test('come newest first, as webhooks tell them', async () => {
    const { status, body } = await report('events', { per_page: '1', page: '3' });
    expect([status, body.success]).toEqual([200, true]);
    expect(body.events).toEqual([
      {
        event: 'one_touch_request_responded',
        time: '2026-03-04T12:02:00Z',
        public: true,
        request: { id: expect.stringMatching(/^[\da-f]{32}$/), ip: null },
        objects: {
          app: expect.objectContaining({ s_type: 'full' }),
          user: expect.objectContaining({ s_authy_id: String(bert.authyId) }),
          onetouch_request: expect.objectContaining({ s_uuid: approvals[0], s_status: 'approved' }),
        },
      },
    ]);
    expect(await namesOf()).toEqual(ALL);
  });

  test('come in pages', async () => {
    expect(await namesOf({ per_page: '4' })).toEqual(ALL.slice(0, 4));
    expect(await namesOf({ per_page: '4', page: '3' })).toEqual(ALL.slice(8));
    expect(await namesOf({ per_page: '4', page: '4' })).toEqual([]);
  });

  test.each([
    ['one name', { 'query[event][eq]': 'token_verified' }, ['token_verified']],
    ['one of two that one type of ours stands for', { 'query[event][eq]': 'totp_token_sent' }, [ALL[0], ALL[6]]],
    ['the other one', { 'query[event][eq]': 'totp_token_sent_via_call' }, [ALL[5]]],
    ['a family of names', { 'query[event][gte]': 'to', 'query[event][lt]': 'tp' }, [ALL[0], ...ALL.slice(4, 7)]],
    ['a name that nobody knows', { 'query[event][eq]': 'hello' }, []],
    ['a name that nothing causes', { 'query[event][eq]': 'account_recovery_started' }, []],
    ['a time', { 'query[time][gte]': '2026-03-02', 'query[time][lt]': '2026-03-04T12:00:00.000Z' }, ALL.slice(4, 7)],
    ['a time before everything', { 'query[time][lt]': '2020-01-01' }, []],
    ['a time after everything', { 'query[time][gte]': '2036-01-01' }, []],
    ['a country, prefixed', { 'query[objects.user.s_country_code][eq]': '49' }, ALL.slice(4)],
    ['a country, plain', { 'query[objects.user.country_code][eq]': '1' }, [ALL[0], ALL[2], ALL[3]]],
    ['a status', { 'query[objects.onetouch_request.status][eq]': 'denied' }, [ALL[1]]],
    [
      'two things together',
      { 'query[objects.user.country_code][eq]': '1', 'query[event][eq]': 'user_added' },
      [ALL[3]],
    ],
  ])('are found by %s', async (_what, query, expected) => {
    expect(await namesOf(query as Record<string, string>)).toEqual(expected);
  });

  test('are found by a user or an approval request, in pages too', async () => {
    const ofAnna = { 'query[objects.user.s_authy_id][eq]': String(anna.authyId) };
    expect(await namesOf(ofAnna)).toEqual(ALL.slice(4));
    expect(await namesOf({ ...ofAnna, per_page: '2', page: '2' })).toEqual(ALL.slice(6, 8));
    // That one was decided names no user in our events: it is found by its approver.
    expect(await namesOf({ 'query[objects.user.s_authy_id][eq]': String(bert.authyId) })).toEqual([
      'totp_token_sent',
      'one_touch_request_responded',
      'user_added',
    ]);
    const asked = { 'query[objects.onetouch_request.s_uuid][eq]': approvals[0]! };
    expect(await namesOf(asked)).toEqual(['one_touch_request_responded']);
    expect(await namesOf({ 'query[objects.user.authy_id][eq]': '1' })).toEqual([]);
    expect(await namesOf({ 'query[objects.onetouch_request.uuid][eq]': 'x' })).toEqual([]);
  });

  test('are spelled as they were asked for', async () => {
    expect(await namesOf({ 'query[event][eq]': 'device_registration_complete' })).toEqual([
      'device_registration_complete',
    ]);
  });

  test('are told with plain attributes to those who want them', async () => {
    await program.pool.query(`update tenants set switches = switches || '{"plainAttributes":true}' where id = $1`, [
      program.tenant.id,
    ]);
    const { body } = await report('events', { 'query[objects.user.s_country_code][eq]': '1', per_page: '1' });
    expect(body.events[0].objects.user).toMatchObject({ authy_id: bert.authyId, country_code: 1 });
    await program.pool.query(`update tenants set switches = switches - 'plainAttributes' where id = $1`, [
      program.tenant.id,
    ]);
  });

  test('of one tenant are nothing to another', async () => {
    const { authyApiKey } = await program.addTenant('other');
    expect((await report('events', {}, authyApiKey)).body.events).toEqual([]);
    const theirs = { 'query[objects.user.authy_id][eq]': String(anna.authyId) };
    expect((await report('events', theirs, authyApiKey)).body.events).toEqual([]);
  });
});

describe('a histogram', () => {
  const histogram = async (query: Record<string, string>) => {
    const { status, text, body } = await report('date_histogram', { interval: 'day', ...MONTH, ...query });
    if (status !== 200) throw new Error(text);
    expect(body.success).toBe(true);
    return body as Record<string, { time: string; count: number }[]>;
  };
  const found = (buckets: { time: string; count: number }[]) =>
    buckets.filter(({ count }) => count > 0).map(({ time, count }) => `${time} ${count}`);

  test('counts each day of a month, also those on which nothing happened', async () => {
    const { installs } = await histogram({ 'report[installs][event][eq]': 'device_registration_complete' });
    expect(installs).toHaveLength(31);
    expect(installs![0]).toEqual({ time: '2026-03-01T00:00:00Z', count: 1 });
    expect(installs![30]).toEqual({ time: '2026-03-31T00:00:00Z', count: 0 });
  });

  test('counts several reports within one scope', async () => {
    const reports = {
      'report[sent][event][gte]': 'totp_token_sent',
      'report[sent][event][lt]': 'totp_token_t',
      'report[asked][event][eq]': 'one_touch_request_responded',
    };
    const all = await histogram(reports);
    expect(found(all['sent']!)).toEqual(['2026-03-02T00:00:00Z 2', '2026-03-05T00:00:00Z 1']);
    expect(found(all['asked']!)).toEqual(['2026-03-04T00:00:00Z 1', '2026-03-05T00:00:00Z 1']);
    const ofOne = await histogram({ ...reports, 'scope[objects.user.country_code][eq]': '49' });
    expect(found(ofOne['sent']!)).toEqual(['2026-03-02T00:00:00Z 2']);
    expect(found(ofOne['asked']!)).toEqual([]);
  });

  test.each(['minute', 'hour', 'day'])('by %s counts the same in the index and by reading events', async (interval) => {
    const query = { interval, 'scope[time][lt]': '2026-03-06', 'report[all][event][gte]': 'a' };
    for (const page of interval === 'minute' ? ['2', '3', '8'] : ['1']) {
      const counted = await histogram({ ...query, page });
      // Every event has an app: all are read, and all fit.
      const read = await histogram({ ...query, page, 'scope[objects.app.s_type][eq]': 'full' });
      expect(counted['all']).toEqual(read['all']);
      expect(counted['all']!.length).toBeGreaterThan(0);
    }
  });

  test('of many buckets comes in pages, which together are the whole', async () => {
    const query = { interval: 'minute', 'scope[time][lt]': '2026-03-06', 'report[all][event][gte]': 'a' };
    const buckets: { time: string; count: number }[] = [];
    for (let page = 1; page <= 9; page += 1)
      buckets.push(...(await histogram({ ...query, page: String(page) }))['all']!);
    expect(buckets).toHaveLength(5 * 24 * 60);
    expect(new Set(buckets.map(({ time }) => time)).size).toBe(buckets.length);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(ALL.length);
  });
});

test('terms counts names, and values of attributes, most first', async () => {
  const { body } = await report('terms', MONTH);
  expect((body.terms as unknown[]).slice(0, 3)).toEqual([
    { term: 'one_touch_request_responded', count: 2 },
    { term: 'totp_token_sent', count: 2 },
    { term: 'user_added', count: 2 },
  ]);
  const query = { ...MONTH, attribute: 'objects.user.s_country_code', 'report[codes][event][lk]': 'token' };
  expect((await report('terms', query)).body).toEqual({
    codes: [
      { term: '49', count: 3 },
      { term: '1', count: 1 },
    ],
    success: true,
  });
  expect((await report('terms', { ...query, per_page: '1' })).body.codes).toHaveLength(1);
});

test.each([
  ['events', { 'query[event][ne]': 'x' }, '60089'],
  ['events', { 'query[event]': 'x' }, '60089'],
  ['events', { 'query[event][eq][]': 'x' }, '60089'],
  ['events', { 'query[time][gte]': 'yesterday' }, '60089'],
  ['events', { 'query[objects.user.password][eq]': 'x' }, '60089'],
  ['events', { 'query[event][eq]': 'x'.repeat(201) }, '60089'],
  ['events', { query: 'x' }, '60004'],
  ['events', { page: '101' }, '60004'],
  ['events', { page: '0' }, '60004'],
  ['events', { per_page: '101' }, '60004'],
  ['date_histogram', { 'report[a][event][eq]': 'user_added' }, '60094'],
  ['date_histogram', { interval: 'year', 'report[a][event][eq]': 'user_added' }, '60094'],
  ['date_histogram', { interval: 'day' }, '60095'],
  ['date_histogram', { interval: 'day', 'report[success][event][eq]': 'user_added' }, '60095'],
  ['date_histogram', { interval: 'day', 'report[a]': 'user_added' }, '60095'],
  ['date_histogram', { interval: 'day', 'report[a][event][eq]': 'x', 'scope[x][eq]': 'x' }, '60089'],
  ['terms', { attribute: 'objects.user.password' }, '60004'],
] as const)('%s with %j is refused with %s', async (path, query, code) => {
  const { status, body } = await report(path, query);
  expect([status, body.success, body.error_code]).toEqual([400, false, code]);
});
