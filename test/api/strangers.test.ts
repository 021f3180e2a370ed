import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createWebCryptoKey } from '../../sdk/device';
import { mintApiKey } from '../../platform/keys/apiKey';
import { expectProblem } from '../support/expectProblem';
import { asTenant, countRows, send, startApi } from '../support/http';
import type { RawReply } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { createRouteCalls, nameOf, READING_ROUTES } from '../support/routes';
import { ask, callAs, sendAnswer, signAnswer } from '../support/signing';

let program: TestProgram;
let mine: TestUser;
let neighbour: TestUser;
let neighbours: { approvalId: string };
/** The same program, seen by another tenant. */
let foreign: TestProgram;
let theirs: { user: TestUser; approvalId: string; deviceId: string; onboardingId: string };

beforeAll(async () => {
  program = await startApi();
  foreign = await asOtherTenant(program, 'another tenant');
  mine = await addUser(program);
  neighbour = await addUser(program);
  neighbours = { approvalId: (await ask(program, neighbour)).id };
  const user = await addUser(foreign);
  const onboarding = await foreign.call('POST', `/v1/users/${user.id}/onboardings`, {});
  const onboardingId = onboarding.body.id as string;
  theirs = { user, approvalId: (await ask(foreign, user)).id, deviceId: user.devices[0]!.id, onboardingId };
}, 60_000);
afterAll(() => program?.close());

/** Everything of a reply that a caller can see, without what is new in every reply. */
const seen = ({ status, headers, text }: RawReply) => {
  const { 'x-request-id': _, date: __, 'dpop-nonce': ___, ...rest } = headers;
  return { status, headers: rest, text: text.replace(/"requestId":"[^"]*"/, '') };
};

describe('what is not yours answers the same bytes as what is not there', () => {
  const cases: [string, string, () => string, object?][] = [
    ['an onboarding', 'GET', () => `/v1/onboardings/${theirs.onboardingId}`],
    ['an onboarding to wait for', 'GET', () => `/v1/onboardings/${theirs.onboardingId}?wait=1`],
    ['the stream of an onboarding', 'GET', () => `/v1/onboardings/${theirs.onboardingId}/stream`],
    ['an onboarding to cancel', 'POST', () => `/v1/onboardings/${theirs.onboardingId}/cancel`],
    ['a token for an onboarding', 'POST', () => `/v1/onboardings/${theirs.onboardingId}/registration-tokens`],
    ['an onboarding to choose for', 'POST', () => `/v1/onboardings/${theirs.onboardingId}/method`, { method: 'sms' }],
    [
      'an onboarding to enter a code for',
      'POST',
      () => `/v1/onboardings/${theirs.onboardingId}/code`,
      { code: '123456' },
    ],
    ['the onboardings of a user', 'GET', () => `/v1/users/${theirs.user.id}/onboardings`],
    ['an onboarding to start', 'POST', () => `/v1/users/${theirs.user.id}/onboardings`, {}],
    ['a user', 'GET', () => `/v1/users/${theirs.user.id}`],
    ['a user to remove', 'DELETE', () => `/v1/users/${theirs.user.id}`],
    ['the devices of a user', 'GET', () => `/v1/users/${theirs.user.id}/devices`],
    ['a token for a user', 'POST', () => `/v1/users/${theirs.user.id}/registration-tokens`],
    ['the methods of a user', 'GET', () => `/v1/users/${theirs.user.id}/methods`],
    ['a method to remove', 'DELETE', () => `/v1/users/${theirs.user.id}/methods/totp`],
    ['a TOTP secret for a user', 'POST', () => `/v1/users/${theirs.user.id}/totp`],
    ['a device of a foreign user', 'DELETE', () => `/v1/users/${theirs.user.id}/devices/${theirs.deviceId}`],
    ['a foreign device', 'DELETE', () => `/v1/users/${mine.id}/devices/${theirs.deviceId}`],
    ["another user's device", 'DELETE', () => `/v1/users/${mine.id}/devices/${neighbour.devices[0]!.id}`],
    ['an approval', 'GET', () => `/v1/approvals/${theirs.approvalId}`],
    ['an approval to wait for', 'GET', () => `/v1/approvals/${theirs.approvalId}?wait=1`],
    ['the stream of an approval', 'GET', () => `/v1/approvals/${theirs.approvalId}/stream`],
    ['the evidence of an approval', 'GET', () => `/v1/approvals/${theirs.approvalId}/evidence`],
    ['an approval to cancel', 'POST', () => `/v1/approvals/${theirs.approvalId}/cancel`],
    ['an approval to resend', 'POST', () => `/v1/approvals/${theirs.approvalId}/resend`],
  ];

  // Always four: in the place of one that is missing jest would put its `done`.
  const rows = cases.map(([what, method, path, json = null]) => [what, method, path, json] as const);
  test.each(rows)('%s: %s', async (_what, method, path, json) => {
    const before = await countRows(program);
    const known = path();
    const last = known.match(/[\da-f-]{36}(?!.*[\da-f-]{36})/)![0];
    // The last id is the one that nobody has; where the user is foreign, any device of theirs is as unknown.
    const unknown = known.includes(theirs.user.id)
      ? known.replace(theirs.user.id, randomUUID())
      : known.replace(last, randomUUID());
    const headers = asTenant(program);
    const body = json && { body: JSON.stringify(json) };
    const notYours = await send(program, { method, path: known, headers, ...body });
    const notThere = await send(program, { method, path: unknown, headers, ...body });
    expect(notYours.status).toBe(404);
    expect(seen(notYours)).toEqual(seen(notThere));
    expect(await countRows(program)).toEqual(before);
  });

  test('a user who is asked for approval', async () => {
    const askFor = (userId: string) =>
      send(program, {
        method: 'POST',
        path: '/v1/approvals',
        headers: asTenant(program),
        body: JSON.stringify({ userId, title: 'x' }),
      });
    const notYours = await askFor(theirs.user.id);
    expectProblem(notYours, 'user_not_found', { field: 'userId' });
    expect(seen(notYours)).toEqual(seen(await askFor(randomUUID())));
  });

  test.each([
    ["another user's approval", () => neighbours.approvalId],
    ["another tenant's approval", () => theirs.approvalId],
  ])("%s, on somebody's phone", async (_what, id) => {
    const phone = mine.devices[0]!;
    const show = (approvalId: string) => callAs(program, phone, { path: `/v1/device/approvals/${approvalId}` });
    const notYours = await show(id());
    expectProblem(notYours, 'approval_not_found');
    expect(seen(notYours)).toEqual(seen(await show(randomUUID())));
  });

  test('lists of what is not yours are empty', async () => {
    const approvals = await program.call('GET', `/v1/approvals?userId=${theirs.user.id}`);
    expect(approvals.body).toEqual({ approvals: [], nextCursor: null });
    const { externalId } = (await foreign.call('GET', `/v1/users/${theirs.user.id}`)).body;
    const users = await program.call('GET', `/v1/users?externalId=${externalId}x`);
    expect(users.body).toEqual({ users: [], nextCursor: null });
  });
});

describe('an answer to what is not yours is refused as to what is not there', () => {
  const phones = [
    ['a phone of this tenant', async () => ({ phone: mine.devices[0]!, key: mine.devices[0]!.key })],
    ['a phone of another tenant', async () => ({ phone: theirs.user.devices[0]!, key: theirs.user.devices[0]!.key })],
    ['a stranger with the name of a phone', async () => ({ phone: mine.devices[0]!, key: await createWebCryptoKey() })],
    ['a stranger', async () => ({ phone: { ...mine.devices[0]!, id: randomUUID() }, key: await createWebCryptoKey() })],
  ] as const;

  test.each(phones)('from %s', async (_who, signer) => {
    const { phone, key } = await signer();
    const approval = await neighbour.phone.show(neighbours.approvalId);
    for (const tenantId of [program.tenant.id, foreign.tenant.id, randomUUID()]) {
      const answer = async (id: string) =>
        sendAnswer(
          program,
          id,
          await signAnswer(program, phone, { ...approval, id }, 'approved', { key, claims: { tenantId } }),
        );
      const notYours = await answer(approval.id);
      expect([401, 404]).toContain(notYours.status);
      expect(seen(notYours)).toEqual(seen(await answer(randomUUID())));
    }
  });
});

describe('a call without a valid key', () => {
  const refuses = async (headers: Record<string, string | string[]>) => {
    const routes = await createRouteCalls(program);
    const before = await countRows(program);
    for (const route of READING_ROUTES.filter(({ caller }) => caller === 'tenant')) {
      const reply = await routes.call(route, { headers });
      expect({ route: nameOf(route), status: reply.status }).toEqual({ route: nameOf(route), status: 401 });
      expectProblem(reply, 'unauthorized');
    }
    expect(await countRows(program)).toEqual(before);
  };

  test.each([
    ['none', () => []],
    ['an empty one', () => 'Bearer '],
    ['the key alone', () => program.tenant.apiKey],
    ['another scheme', () => `Basic ${Buffer.from(`${program.tenant.apiKey}:`).toString('base64')}`],
    ['a key of nobody', () => `Bearer ${mintApiKey()}`],
    ['a key that was cut off', () => `Bearer ${program.tenant.apiKey.slice(0, -1)}`],
    ['a key that goes on', () => `Bearer ${program.tenant.apiKey}x`],
    ['two keys', () => `Bearer ${program.tenant.apiKey}, Bearer ${foreign.tenant.apiKey}`],
    ['something long', () => `Bearer ${'x'.repeat(5_000)}`],
  ])('(%s) is refused on every route of tenants', async (_what, authorization) => {
    await refuses({ authorization: authorization() });
  });

  test('(one that has expired) is refused, and a minute before it was taken', async () => {
    const tenant = await program.addTenant('with a key that ends');
    const call = () => send(program, { path: '/v1/users', headers: { authorization: `Bearer ${tenant.apiKey}` } });
    const expireAt = (when: string) =>
      program.pool.query(`update api_keys set expires_at = clock_timestamp() + $2::interval where tenant_id = $1`, [
        tenant.id,
        when,
      ]);
    await expireAt('1 minute');
    expect((await call()).status).toBe(200);
    await expireAt('0 minutes');
    expectProblem(await call(), 'unauthorized');
  });
});

async function asOtherTenant(of: TestProgram, name: string): Promise<TestProgram> {
  const tenant = await of.addTenant(name);
  return {
    ...of,
    tenant,
    call: (method, path, body, headers = {}) =>
      of.call(method, path, body, { authorization: `Bearer ${tenant.apiKey}`, ...headers }),
  };
}
