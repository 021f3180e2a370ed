import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ALL, startReporting } from './reportingHistory';

let world: Awaited<ReturnType<typeof startReporting>>;
beforeAll(async () => {
  world = await startReporting();
}, 60_000);
afterAll(async () => world?.program.close());

const report: typeof world.report = (...call) => world.report(...call);
const namesOf = async (query: Record<string, string> = {}) => {
  const { status, text, body } = await report('events', query);
  if (status !== 200) throw new Error(text);
  return (body.events as { event: string }[]).map(({ event }) => event);
};

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
          user: expect.objectContaining({ s_authy_id: String(world.bert.authyId) }),
          onetouch_request: expect.objectContaining({ s_uuid: world.approvals[0], s_status: 'approved' }),
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
    const ofAnna = { 'query[objects.user.s_authy_id][eq]': String(world.anna.authyId) };
    expect(await namesOf(ofAnna)).toEqual(ALL.slice(4));
    expect(await namesOf({ ...ofAnna, per_page: '2', page: '2' })).toEqual(ALL.slice(6, 8));
    // That one was decided names no user in our events: it is found by its approver.
    expect(await namesOf({ 'query[objects.user.s_authy_id][eq]': String(world.bert.authyId) })).toEqual([
      'totp_token_sent',
      'one_touch_request_responded',
      'user_added',
    ]);
    const asked = { 'query[objects.onetouch_request.s_uuid][eq]': world.approvals[0]! };
    expect(await namesOf(asked)).toEqual(['one_touch_request_responded']);
    expect(await namesOf({ 'query[objects.user.authy_id][eq]': '1' })).toEqual([]);
    expect(await namesOf({ 'query[objects.onetouch_request.uuid][eq]': 'x' })).toEqual([]);
  });

  test('of a user who was removed are found by the id that they are told with', async () => {
    const gone = (await world.program.call('POST', '/v1/users', { externalId: 'gone' })).body;
    await world.program.call('DELETE', `/v1/users/${gone.id}`);
    const ofGone = { 'query[objects.user.s_authy_id][eq]': String(gone.authyId) };
    expect(await namesOf(ofGone)).toEqual(['user_removed', 'user_added']);
    await world.program.pool.query('delete from events where user_id = $1', [gone.id]);
  });

  test('are spelled as they were asked for', async () => {
    expect(await namesOf({ 'query[event][eq]': 'device_registration_complete' })).toEqual([
      'device_registration_complete',
    ]);
  });

  test('are told with plain attributes to those who want them', async () => {
    await world.program.pool.query(
      `update tenants set switches = switches || '{"plainAttributes":true}' where id = $1`,
      [world.program.tenant.id],
    );
    const { body } = await report('events', { 'query[objects.user.s_country_code][eq]': '1', per_page: '1' });
    expect(body.events[0].objects.user).toMatchObject({ authy_id: world.bert.authyId, country_code: 1 });
    await world.program.pool.query(`update tenants set switches = switches - 'plainAttributes' where id = $1`, [
      world.program.tenant.id,
    ]);
  });

  test('of one tenant are nothing to another', async () => {
    const { authyApiKey } = await world.program.addTenant('other');
    expect((await report('events', {}, authyApiKey)).body.events).toEqual([]);
    const theirs = { 'query[objects.user.authy_id][eq]': String(world.anna.authyId) };
    expect((await report('events', theirs, authyApiKey)).body.events).toEqual([]);
  });
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
