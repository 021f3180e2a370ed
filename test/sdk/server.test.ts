import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCountersign } from '../../sdk/server';
import type { FakeApi } from './fakeApi';
import { refusal, startFakeApi } from './fakeApi';

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.close());

function setup() {
  const pauses: number[] = [];
  const countersign = createCountersign({
    baseUrl: api.url,
    apiKey: 'ck_test',
    pause: async (ms) => void pauses.push(ms),
  });
  return { countersign, pauses };
}

const idempotencyKeys = () => api.seen.map(({ headers }) => headers['idempotency-key']);
const ASK = { userId: 'user-1', title: 'Log in' };

describe('creating', () => {
  test('one key serves all attempts, and each request has its own', async () => {
    const { countersign } = setup();
    api.reply(
      { hangUp: true },
      refusal('internal_error', 500),
      { status: 201, body: { id: 'a' } },
      { status: 201, body: { id: 'b' } },
    );
    expect(await countersign.approvals.create(ASK)).toEqual({ id: 'a' });
    expect(await countersign.approvals.create(ASK)).toEqual({ id: 'b' });
    const [first, second, third, other] = idempotencyKeys();
    expect(first).toMatch(/^[\w-]{36}$/);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
    expect(api.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([ASK, ASK, ASK, ASK]);
    expect(api.seen[0]?.headers).toMatchObject({ authorization: 'Bearer ck_test', 'content-type': 'application/json' });
  });

  test('the caller’s own key is kept', async () => {
    const { countersign } = setup();
    api.reply({ status: 201, body: {} }, { status: 201, body: {} });
    await countersign.users.create({ externalId: 'u' }, { idempotencyKey: 'mine' });
    await countersign.users.createRegistrationToken('u', { idempotencyKey: 'mine-2' });
    api.reply({ status: 201, body: {} }, { status: 201, body: {} });
    await countersign.onboardings.start('u', { method: 'push' }, { idempotencyKey: 'mine-3' });
    await countersign.onboardings.createToken('o', { idempotencyKey: 'mine-4' });
    expect(idempotencyKeys()).toEqual(['mine', 'mine-2', 'mine-3', 'mine-4']);
    expect(api.seen[2]).toMatchObject({ url: '/v1/users/u/onboardings', body: '{"method":"push"}' });
    expect(api.seen[3]).toMatchObject({ url: '/v1/onboardings/o/registration-tokens', body: '' });
  });

  test('a refusal is not repeated', async () => {
    const { countersign } = setup();
    api.reply(refusal('no_device', 409));
    await expect(countersign.approvals.create(ASK)).rejects.toMatchObject({ status: 409, code: 'no_device' });
    expect(api.seen).toHaveLength(1);
  });
});

describe('waiting', () => {
  test('asks until the approval is final', async () => {
    const { countersign, pauses } = setup();
    const pending = { body: { id: 'a', status: 'pending' } };
    api.reply(pending, { hangUp: true }, pending, { body: { id: 'a', status: 'expired' } });
    expect(await countersign.approvals.wait('a')).toMatchObject({ status: 'expired' });
    expect(new Set(api.seen.map(({ url }) => url))).toEqual(new Set(['/v1/approvals/a?wait=30']));
    // Replies came at once: twice it waited before asking again, and once because there was none.
    expect(pauses).toHaveLength(3);
  });

  test.each<[object, string, string]>([
    [{}, 'enabled', '/v1/onboardings/o?wait=30'],
    [
      { leaves: 'waiting_for_device' },
      'waiting_for_confirmation',
      '/v1/onboardings/o?wait=30&status=waiting_for_device',
    ],
  ])('an onboarding is waited for to its end, or to its next step: %j', async (options, reached, url) => {
    const { countersign } = setup();
    const waiting = { body: { id: 'o', status: 'waiting_for_device' } };
    api.reply(waiting, waiting, { body: { id: 'o', status: reached } });
    expect(await countersign.onboardings.wait('o', options)).toMatchObject({ status: reached });
    expect(api.seen.map(({ url: asked }) => asked)).toEqual([url, url, url]);
  });

  test('an onboarding that is closed is not waited for, whatever it should leave', async () => {
    const { countersign } = setup();
    api.reply({ body: { id: 'o', status: 'expired' } });
    expect(await countersign.onboardings.wait('o', { leaves: 'expired' })).toMatchObject({ status: 'expired' });
    expect(api.seen).toHaveLength(1);
  });

  test('ends with the signal', async () => {
    const { countersign } = setup();
    const stop = new AbortController();
    api.reply({ silent: true });
    const arrived = api.arrival();
    const waiting = countersign.approvals.wait('a', { signal: stop.signal });
    await arrived;
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

type Countersign = ReturnType<typeof createCountersign>;

test.each<[string, string, (countersign: Countersign) => Promise<unknown>, object | undefined, unknown]>([
  ['GET', '/v1/users/u%2F1', (c) => c.users.get('u/1'), { id: 'u' }, { id: 'u' }],
  ['GET', '/v1/users?externalId=a%26b', (c) => c.users.list({ externalId: 'a&b' }), { users: [] }, { users: [] }],
  ['DELETE', '/v1/users/u', (c) => c.users.remove('u'), undefined, undefined],
  ['GET', '/v1/users/u/devices', (c) => c.users.listDevices('u'), { devices: [] }, []],
  ['DELETE', '/v1/users/u/devices/d', (c) => c.users.removeDevice('u', 'd'), undefined, undefined],
  ['GET', '/v1/approvals/a?wait=0', (c) => c.approvals.get('a'), { id: 'a' }, { id: 'a' }],
  [
    'GET',
    '/v1/approvals?status=pending',
    (c) => c.approvals.list({ status: 'pending' }),
    { approvals: [] },
    { approvals: [] },
  ],
  ['POST', '/v1/approvals/a/cancel', (c) => c.approvals.cancel('a'), { id: 'a' }, { id: 'a' }],
  ['POST', '/v1/approvals/a/resend', (c) => c.approvals.resend('a'), { id: 'a' }, { id: 'a' }],
  ['GET', '/v1/approvals/a/evidence', (c) => c.approvals.evidence('a'), { evidence: 'x.y.z' }, 'x.y.z'],
  ['GET', '/v1/users/u/onboardings', (c) => c.onboardings.list('u'), { onboardings: [] }, []],
  ['GET', '/v1/onboardings/o?wait=0', (c) => c.onboardings.get('o'), { id: 'o' }, { id: 'o' }],
  ['POST', '/v1/onboardings/o/method', (c) => c.onboardings.chooseMethod('o', 'sms'), { id: 'o' }, { id: 'o' }],
  ['POST', '/v1/onboardings/o/code', (c) => c.onboardings.enterCode('o', '123456'), { id: 'o' }, { id: 'o' }],
  ['POST', '/v1/onboardings/o/cancel', (c) => c.onboardings.cancel('o'), { id: 'o' }, { id: 'o' }],
  ['GET', '/.well-known/jwks.json', (c) => c.keys(), { keys: [] }, { keys: [] }],
])('%s %s', async (method, url, call, body, expected) => {
  api.reply(body === undefined ? { status: 204 } : { body });
  expect(await call(setup().countersign)).toEqual(expected);
  expect(api.seen[0]).toMatchObject({ method, url });
});
