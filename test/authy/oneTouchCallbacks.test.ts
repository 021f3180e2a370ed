import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Parameters } from '../../channels/authy/canonical';
import { signAuthy } from '../../channels/authy/sign';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { message, startOneTouch } from '../support/oneTouch';
import type { OneTouchApp } from '../support/oneTouch';
import { startReceiver } from '../support/receiver';
import type { Received, Receiver } from '../support/receiver';
import { until } from '../support/until';

/** How a back end learns an answer. */
let app: OneTouchApp;
let receiver: Receiver;
beforeAll(async () => {
  app = await startOneTouch({ workflows: true });
  receiver = await startReceiver();
}, 60_000);
beforeEach(async () => {
  receiver.received.length = 0;
  await set({ url: receiver.url, method: 'POST' });
});
afterAll(async () => {
  await app?.close();
  await receiver?.close();
});

const set = (settings: { url?: string | null; method?: 'GET' | 'POST' }) =>
  createTenants(app.pool, createTenantRows(createKeyring(app.config.masterKeys))).setAuthyCallback(
    app.tenant.id,
    settings,
  );
const answer = async (uuid: string, decision: 'approved' | 'denied', reason?: 'not_me') =>
  app.user.phone.answer(
    (await app.inbox()).find(({ id }) => id === uuid)!,
    decision,
    reason,
  );
const callbackState = async (uuid: string) => (await app.readNative(uuid)).callback.state as string;
const closed = (uuid: string, state: string) =>
  until(async () => (await callbackState(uuid)) === state, { what: `callback ${state}` });

/** What signs a callback, checked; by the bytes of the query where there is one. */
function verified({ method, path, headers, body }: Received): Record<string, unknown> {
  const nonce = headers['x-authy-signature-nonce'] as string;
  const key = app.tenant.authyApiKey;
  const [, query] = path.split('?');
  const expected =
    query === undefined
      ? signAuthy(key, { nonce, method, url: receiver.url, parameters: JSON.parse(body) as Parameters })
      : createHmac('sha256', key).update(`${nonce}|${method}|${receiver.url}|${query}`).digest('base64');
  expect(headers['x-authy-signature']).toBe(expected);
  return (query === undefined ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(query))) as never;
}

test.each(['approved', 'denied'] as const)('%s is told with the documented body, signed', async (decision) => {
  const logos = [
    { res: 'default', url: 'https://example.com/l.png' },
    { res: 'low', url: 'https://example.com/s.png' },
  ];
  const text = message();
  const uuid = await app.ask({
    json: {
      message: `${text} "Café" & Co?`,
      details: { zeta: 'a=b;c,d (e)!', amount: '10 € + tip' },
      hidden_details: { ip_address: '198.51.100.4', tags: ['a', 'b'], session: { id: 7 } },
      logos,
      seconds_to_expire: 600,
    },
  });
  await answer(uuid, decision);
  const [call] = (await receiver.wait()) as [Received];
  expect(call).toMatchObject({ method: 'POST', path: '/callbacks' });
  const body = verified(call);
  const { body: read } = await app.read(uuid);
  const { rows } = await app.pool.query(
    `select d.id, d.authy_id, a.jws, extract(epoch from d.created_at)::int as registered,
            floor(extract(epoch from a.received_at))::int as answered, floor(extract(epoch from p.created_at))::int as asked
       from answers a join devices d on d.id = a.device_id join approvals p on p.id = a.approval_id
      where a.approval_id = $1`,
    [uuid],
  );
  const row = rows[0] as Record<string, string>;
  expect(body).toEqual({
    authy_id: app.authyId,
    device_uuid: row['id'],
    callback_action: 'approval_request_status',
    uuid,
    status: decision,
    approval_request: {
      transaction: {
        details: { zeta: 'a=b;c,d (e)!', amount: '10 € + tip' },
        device_details: {},
        device_geolocation: '',
        device_signing_time: row['answered'],
        encrypted: false,
        flagged: false,
        hidden_details: { ip_address: '198.51.100.4', tags: ['a', 'b'], session: { id: 7 } },
        message: `${text} "Café" & Co?`,
        reason: '',
        requester_details: null,
        status: decision,
        uuid,
        created_at_time: row['asked'],
        customer_uuid: read.approval_request._app_serial_id,
      },
      expiration_timestamp: Number(row['asked']) + 600,
      logos,
      app_id: read.approval_request.app_id,
    },
    signature: Buffer.from(row['jws']!.split('.')[2]!, 'base64url').toString('base64'),
    device: expect.objectContaining({ id: row['authy_id'], os_type: 'test', registration_method: null }),
  });
  expect(sorted(body)).toBe(call.body); // for verifiers that take the keys as they come
  const names = call.rawHeaders.filter((_, index) => index % 2 === 0);
  expect(names).toEqual(expect.arrayContaining(['X-Authy-Signature', 'X-Authy-Signature-Nonce', 'Content-Type']));
  await closed(uuid, 'delivered');
});

test('by GET everything is in the query, which is the text that is signed', async () => {
  await set({ method: 'GET' });
  const uuid = await app.ask({
    json: { message: `${message()} (10 €)`, details: { long: 'x'.repeat(500), b: 'y'.repeat(500) } },
  });
  await answer(uuid, 'approved');
  const [call] = (await receiver.wait()) as [Received];
  expect(call).toMatchObject({ method: 'GET', body: '' });
  expect(verified(call)).toMatchObject({
    uuid,
    status: 'approved',
    authy_id: String(app.authyId),
    'approval_request[transaction][details][long]': 'x'.repeat(500),
    'approval_request[logos]': '',
  });
  await closed(uuid, 'delivered');
});

test('a refused attempt is repeated, with another nonce and the same uuid', async () => {
  receiver.answers.push(500, 503);
  const uuid = await app.ask({ json: { message: message() } });
  await answer(uuid, 'approved');
  const calls = await receiver.wait(3);
  expect(calls.map((call) => verified(call)['uuid'])).toEqual([uuid, uuid, uuid]);
  expect(new Set(calls.map(({ headers }) => headers['x-authy-signature-nonce'])).size).toBe(3);
  await closed(uuid, 'delivered');
});

test('who says that it was not them flags it', async () => {
  const uuid = await app.ask({ json: { message: message() } });
  await answer(uuid, 'denied', 'not_me');
  const [call] = (await receiver.wait()) as [Received];
  expect(verified(call)).toMatchObject({ approval_request: { transaction: { flagged: true, reason: 'not_me' } } });
});

test('where no URL is set nobody is told; one that is set later is for new requests', async () => {
  await set({ url: null });
  const uuid = await app.ask({ json: { message: message() } });
  await set({ url: receiver.url });
  await answer(uuid, 'approved');
  expect(await callbackState(uuid)).toBe('none');
});

describe('what nobody answered', () => {
  const cancel = async () => {
    const uuid = await app.ask({ json: { message: message() } });
    await app.call('POST', `/v1/approvals/${uuid}/cancel`);
    return uuid;
  };

  test('is not told: clients refuse such callbacks', async () => {
    expect(await callbackState(await cancel())).toBe('none');
    const uuid = await app.ask({ json: { message: message(), seconds_to_expire: 1 } });
    await until(async () => (await app.readNative(uuid)).status === 'expired', { what: 'the expiry' });
    expect(await callbackState(uuid)).toBe('none');
    const { rows } = await app.pool.query('select callback_state from approvals where id = $1', [uuid]);
    expect(rows[0].callback_state).toBe('none');
    expect(receiver.received).toEqual([]);
  });

  test('is told as expired where the tenant wants it', async () => {
    await app.pool.query(`update tenants set switches = '{"callbackOnExpiry":true}' where id = $1`, [app.tenant.id]);
    const uuid = await cancel();
    const [call] = (await receiver.wait()) as [Received];
    expect(verified(call)).toMatchObject({
      uuid,
      status: 'expired',
      device_uuid: '',
      signature: '',
      device: {},
      approval_request: { transaction: { status: 'expired', device_signing_time: 0 } },
    });
    await app.pool.query(`update tenants set switches = '{}' where id = $1`, [app.tenant.id]);
  });
});

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
