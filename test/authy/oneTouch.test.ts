import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKeyring } from '../../platform/keys/keyring';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { message, startOneTouch, uuidOf } from '../support/oneTouch';
import type { OneTouchApp } from '../support/oneTouch';

let app: OneTouchApp;
beforeAll(async () => void (app = await startOneTouch()), 60_000);
afterAll(() => app?.close());

test('an approval request is an approval like any other, and its phone sees it', async () => {
  const uuid = await app.ask({
    json: {
      message: 'Login requested\r\nfor "Café"',
      details: { username: 'Ärne', amount: 10.5, ok: true, nothing: null },
      hidden_details: { ip_address: '198.51.100.4', list: [1, true], empty: { inner: {} } },
    },
  });
  expect(await app.readNative(uuid)).toMatchObject({
    status: 'pending',
    mode: 'transaction',
    title: 'Login requested\nfor "Café"',
    details: [
      { label: 'username', value: 'Ärne' },
      { label: 'amount', value: '10.5' },
      { label: 'ok', value: 'true' },
      { label: 'nothing', value: '' },
    ],
    hiddenDetails: { ip_address: '198.51.100.4', list: [1, 'true'] },
    approvers: [{ userId: app.user.id }],
    callbackUrl: null,
    push: { by: 'us' },
  });
  expect((await app.inbox()).map(({ id }) => id)).toContain(uuid);
  const { rows } = await app.pool.query<{ one_touch: Buffer }>('select one_touch from approvals where id = $1', [uuid]);
  expect(rows[0]!.one_touch.includes('username')).toBe(false); // sealed
});

test('the reply is the documented one, and a message', async () => {
  const reply = await app.create({ json: { message: message() } });
  expect(reply.text).toBe(
    `{"approval_request":{"uuid":"${uuidOf(reply)}"},"message":"Approval request was created.","success":true}`,
  );
});

test.each([
  [undefined, 86_400],
  [0, 86_400],
  ['0', 86_400],
  [120, 120],
  ['5', 5],
  [1_000_000, 86_400],
])('seconds_to_expire %s: it lives for %i s', async (secondsToExpire, expected) => {
  const uuid = await app.ask({ json: { message: message(), seconds_to_expire: secondsToExpire } });
  const { createdAt, expiresAt } = await app.readNative(uuid);
  expect(Date.parse(expiresAt as string) - Date.parse(createdAt as string)).toBe(expected * 1_000);
  expect((await app.read(uuid)).body.approval_request.seconds_to_expire).toBe(expected);
});

test('more than five are open at the same time: clients ask for a day', async () => {
  const { authyId } = await app.addPerson();
  for (let n = 0; n < 7; n++) await app.ask({ json: { message: message() } }, authyId);
});

describe('reading', () => {
  test('gives the documented members, in their order', async () => {
    const uuid = await app.ask({ json: { message: message(), seconds_to_expire: 60 } });
    const { status, body } = await app.read(uuid);
    expect(status).toBe(200);
    const { approval_request: request } = body;
    expect(Object.keys(body as object)).toEqual(['approval_request', 'success']);
    expect(Object.keys(request as object)).toEqual([
      ...['_app_name', '_app_serial_id', '_authy_id', '_id', '_user_email', 'app_id', 'created_at', 'notified'],
      ...['processed_at', 'seconds_to_expire', 'status', 'updated_at', 'user_id', 'uuid'],
    ]);
    const hex = expect.stringMatching(/^[\da-f]{24}$/);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(request).toEqual({
      _app_name: expect.any(String),
      _app_serial_id: (await app.authy('GET', '/protected/json/app/details')).body.app.app_id,
      _authy_id: app.authyId,
      _id: hex,
      _user_email: `user-${app.authyId}@users.invalid.example.com`,
      app_id: hex,
      created_at: time,
      notified: false,
      processed_at: null,
      seconds_to_expire: 60,
      status: 'pending',
      updated_at: time,
      user_id: hex,
      uuid,
    });
    const again = (await app.read(await app.ask({ json: { message: message() } }))).body.approval_request;
    expect([again.app_id, again.user_id]).toEqual([request.app_id, request.user_id]);
    expect(again._id).not.toBe(request._id);
  });

  test.each([
    ['somebody@example.com', 'somebody@example.com'],
    ['a@localhost', undefined],
  ])('tells an address where it is complete: %s', async (email, told) => {
    const { body: person } = await app.call('POST', '/v1/users', { externalId: `with ${email}` });
    const sealed = createKeyring(app.config.masterKeys).encrypt('user', email, person.id as string);
    await app.pool.query('update users set email = $2 where id = $1', [person.id, sealed]);
    const token = await app.call('POST', `/v1/users/${person.id}/registration-tokens`);
    const device = createDevice({ baseUrl: app.url, key: await createWebCryptoKey() });
    await device.register(token.body.registrationToken as string, { name: 'Phone', platform: 'test' });
    const uuid = await app.ask({ json: { message: message() } }, person.authyId as number);
    expect((await app.read(uuid)).body.approval_request._user_email).toBe(
      told ?? `user-${person.authyId}@users.invalid.example.com`,
    );
  });

  test.each(['approved', 'denied'] as const)('%s by the phone', async (decision) => {
    const uuid = await app.ask({ json: { message: message() } });
    await app.user.phone.answer(
      (await app.inbox()).find(({ id }) => id === uuid)!,
      decision,
    );
    const { approval_request: request } = (await app.read(uuid)).body;
    expect(request).toMatchObject({ status: decision, processed_at: expect.any(String) });
    expect(request.updated_at).toBe(request.processed_at);
  });

  test('expired, and cancelled through /v1, which clients know as expired', async () => {
    const late = await app.ask({ json: { message: message() } });
    const withdrawn = await app.ask({ json: { message: message() } });
    await app.pool.query(`update approvals set expires_at = clock_timestamp() where id = $1`, [late]);
    expect((await app.call('POST', `/v1/approvals/${withdrawn}/cancel`)).body.status).toBe('cancelled');
    for (const uuid of [late, withdrawn]) {
      expect((await app.read(uuid)).body.approval_request).toMatchObject({ status: 'expired', processed_at: null });
    }
  });

  test('is possible after the user was removed', async () => {
    const { user, authyId } = await app.addPerson();
    const uuid = await app.ask({ json: { message: message() } }, authyId);
    expect((await app.call('DELETE', `/v1/users/${user.id}`)).status).toBe(204);
    expect((await app.read(uuid)).body.approval_request).toMatchObject({ _authy_id: authyId, status: 'expired' });
  });

  test.each(['8d031630-d15b-0134-b0a8-0a77bbe8093e', 'nonsense', '%00', '1'])('not found: %s', async (uuid) => {
    const reply = await app.read(uuid);
    expect(reply).toMatchObject({ status: 404, body: { success: false, error_code: '60049' } });
    expect(reply.body.message).toContain('Approval request not found: ');
  });

  test("another tenant's is not found, nor are its users", async () => {
    const { authyApiKey: key } = await app.addTenant('another');
    const uuid = await app.ask({ json: { message: message() } });
    const read = await app.authy('GET', `/onetouch/json/approval_requests/${uuid}`, { key });
    expect(read).toMatchObject({ status: 404, body: { error_code: '60049' } });
    expect(await app.create({ key, json: { message: 'm' } })).toMatchObject({
      status: 404,
      body: { error_code: '60026' },
    });
  });
});

describe('an equal request soon after', () => {
  const backdate = (uuid: string, ms: number) =>
    app.pool.query(`update approvals set created_at = created_at - $2 * interval '1 millisecond' where id = $1`, [
      uuid,
      ms,
    ]);

  test('is the same one, also of twenty at once; the person is asked once', async () => {
    const request = { json: { message: message(), details: { a: '1' } } };
    const uuids = await Promise.all(Array.from({ length: 20 }, () => app.ask(request)));
    const [uuid] = uuids as [string];
    expect(new Set(uuids).size).toBe(1);
    const { rows } = await app.pool.query(
      `select count(*)::int as count from events where type = 'approval_created' and approval_id = $1`,
      [uuid],
    );
    expect(rows[0].count).toBe(1);
    await backdate(uuid, 4_000);
    expect(await app.ask(request)).toBe(uuid);
    await backdate(uuid, 1_100);
    expect(await app.ask(request)).not.toBe(uuid);
  });

  test.each([
    ['message', { message: 'another', details: { a: '1' } }],
    ['detail', { message: 'one', details: { a: '2' } }],
    ['hidden detail', { message: 'one', details: { a: '1' }, hidden_details: { session: '2' } }],
    ['lifetime', { message: 'one', details: { a: '1' }, seconds_to_expire: 60 }],
  ])('with another %s is another one', async (_what, json) => {
    const { authyId } = await app.addPerson();
    const first = await app.ask({ json: { message: 'one', details: { a: '1' } } }, authyId);
    expect(await app.ask({ json }, authyId)).not.toBe(first);
  });

  test('of another person, or after an answer, is another one', async () => {
    const request = { json: { message: message() } };
    const { authyId: other } = await app.addPerson();
    const first = await app.ask(request);
    expect(await app.ask(request, other)).not.toBe(first);
    await app.user.phone.answer(
      (await app.inbox()).find(({ id }) => id === first)!,
      'approved',
    );
    const second = await app.ask(request);
    expect(second).not.toBe(first);
    expect((await app.read(second)).body.approval_request.status).toBe('pending');
  });

  test('is another one where the tenant has switched that off', async () => {
    const { id, apiKey, authyApiKey: key } = await app.addTenant('no repeats');
    await app.pool.query(`update tenants set switches = '{"repeatWindow":false}' where id = $1`, [id]);
    const { authyId } = await app.addPerson({ apiKey });
    const request = { key, json: { message: 'm' } };
    expect(await app.ask(request, authyId)).not.toBe(await app.ask(request, authyId));
  });
});
