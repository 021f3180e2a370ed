import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';
import { createHmac, randomUUID } from 'node:crypto';
import { createTenantRows } from '../../db/tenants';
import { AUTHY_EVENT_NAMES } from '../../domain/authyEvents';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { startAuthy } from '../support/authy';
import { addUser } from '../support/phone';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { createDashboard } from './dashboardClient';
import type { Dashboard } from './dashboardClient';

const WEBHOOKS = '/dashboard/json/application/webhooks';

let bench: Awaited<ReturnType<typeof startAuthy>>;
let dashboard: Dashboard;
let other: Dashboard;
beforeAll(async () => {
  bench = await startAuthy({ workflows: true });
  const tenants = createTenants(bench.pool, createTenantRows(createKeyring(bench.config.masterKeys)));
  const clientOf = async (tenantId: string) =>
    createDashboard(bench.program, await tenants.ensureDashboardKeys(tenantId));
  dashboard = await clientOf(bench.tenant.id);
  other = await clientOf((await bench.program.addTenant('other')).id);
}, 60_000);
afterAll(() => bench?.close());

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const { id } of (await dashboard('GET', WEBHOOKS)).body.webhooks) await dashboard('DELETE', `${WEBHOOKS}/${id}`);
  await receiver.close();
});

const create = async (events: string[], name = 'my hook') =>
  (await dashboard('POST', WEBHOOKS, { url: receiver.url, name, events })).body.webhook as {
    id: string;
    signing_key: string;
  };

/** What the official sample does with a delivery: `jwt.verify(req.body.body, key)`. */
function open(body: string, key: string) {
  const jwt = (JSON.parse(body) as { body: string }).body;
  const [header = '', payload = '', signature] = jwt.split('.');
  expect(signature).toBe(createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url'));
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  expect(read(header)).toEqual({ alg: 'HS256', typ: 'JWT' });
  return read(payload) as {
    url: string;
    method: string;
    iat: number;
    exp: number;
    nonce: string;
    params: { webhook_id: string; events: { event: string; objects: Record<string, object> }[] };
  };
}

describe('an endpoint', () => {
  test('is created, listed and deleted, with a key of its own', async () => {
    const created = await dashboard('POST', WEBHOOKS, {
      url: receiver.url,
      name: 'my hook',
      events: ['user_added', 'token_verified'],
    });
    expect(created.status).toBe(200);
    expect(created.body).toEqual({
      webhook: {
        id: expect.stringMatching(/^WH_[\da-f-]{36}$/),
        name: 'my hook',
        account_sid: expect.stringMatching(/^AC[\da-f]{32}$/),
        service_id: expect.any(String),
        url: receiver.url,
        signing_key: expect.stringMatching(/^WSK_[\w-]{43}$/),
        events: ['user_added', 'token_verified'],
        creation_date: expect.any(String),
      },
      message: 'Webhook created',
      success: true,
    });
    const { webhook } = created.body;
    const listed = await dashboard('GET', WEBHOOKS);
    expect(listed.body).toEqual({ webhooks: [webhook], message: expect.any(String), success: true });
    expect((await other('GET', WEBHOOKS)).body.webhooks).toEqual([]);
    const gone = await dashboard('DELETE', `${WEBHOOKS}/${webhook.id}`);
    expect([gone.status, gone.body]).toEqual([200, { message: 'Webhook deleted', success: true }]);
    expect((await dashboard('GET', WEBHOOKS)).body.webhooks).toEqual([]);
  });

  test('is deleted by its id in the body too', async () => {
    const { id } = await create(['user_added']);
    expect((await dashboard('DELETE', WEBHOOKS, { webhook_id: id })).body).toMatchObject({ success: true });
  });

  test('of another tenant, or of /v1, is not there', async () => {
    const { id } = await create(['user_added']);
    const native = await bench.call('POST', '/v1/webhooks', { url: receiver.url });
    const refusal = { success: false, error_code: '60100' };
    expect((await other('DELETE', `${WEBHOOKS}/${id}`)).body).toMatchObject(refusal);
    expect((await dashboard('DELETE', `${WEBHOOKS}/WH_${native.body.id}`)).body).toMatchObject(refusal);
    expect((await dashboard('DELETE', `${WEBHOOKS}/WH_nonsense`)).body).toMatchObject(refusal);
    await bench.call('DELETE', `/v1/webhooks/${native.body.id}`);
  });

  test('may subscribe to every event of the catalogue', async () => {
    expect(await create([...AUTHY_EVENT_NAMES])).toMatchObject({ events: AUTHY_EVENT_NAMES });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['without events', { url: 'https://example.com/', name: 'a' }, '60098'],
    ['with an unknown one', { url: 'https://example.com/', name: 'a', events: ['toString'] }, '60098'],
    ['without name', { url: 'https://example.com/', events: ['user_added'] }, '60004'],
    ['without URL', { name: 'a', events: ['user_added'] }, '60004'],
    ['with what is no URL', { url: 'nowhere', name: 'a', events: ['user_added'] }, '60098'],
    ['with a hash for a name', { url: 'https://example.com/', name: { a: 'b' }, events: ['user_added'] }, '60004'],
  ])('%s is refused', async (_, parameters, code) => {
    const refused = await dashboard('POST', WEBHOOKS, parameters);
    expect([refused.status, refused.body.error_code]).toEqual([400, code]);
  });

  test('is known to /v1, which does all but change its events', async () => {
    const { id } = await create(['totp_token_sent_via_call', 'user_added']);
    const path = `/v1/webhooks/${id.replace('WH_', '')}`;
    expect((await bench.call('GET', path)).body).toMatchObject({
      dialect: 'authy',
      eventTypes: ['code_sent', 'user_created'],
    });
    const changed = await bench.call('PUT', path, { eventTypes: ['user_created'] });
    expect([changed.status, changed.body.code]).toEqual([400, 'invalid_request']);
    expect((await bench.call('PUT', path, { description: 'renamed' })).status).toBe(200);
  });
});

test('a call that is not signed, or signed otherwise, is refused', async () => {
  const refused = await dashboard('GET', WEBHOOKS, {}, { signature: 'x' });
  expect([refused.status, refused.body.error_code]).toEqual([401, '60087']);
  const stranger = await bench.authy('GET', WEBHOOKS);
  expect([stranger.status, stranger.body.error_code]).toEqual([400, '60073']);
});

describe('a delivery', () => {
  test('is a JWT in `body`, signed with the key of the endpoint', async () => {
    const { id, signing_key: key } = await create(['user_added']);
    const phone = '+14155552671';
    const { authyId } = (await bench.call('POST', '/v1/users', { externalId: randomUUID(), phone })).body;
    await receiver.wait(1);
    const [delivery] = receiver.received;
    expect(delivery!.headers['content-type']).toBe('application/json');
    const told = open(delivery!.body, key);
    expect(told).toMatchObject({ url: receiver.url, method: 'POST', nonce: expect.any(String) });
    expect(told.exp - told.iat).toBe(600);
    expect(told.params).toEqual({
      webhook_id: id,
      events: [
        {
          event: 'user_added',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
          public: true,
          request: { id: expect.stringMatching(/^[\da-f]{32}$/), ip: null },
          objects: {
            app: {
              s_id: expect.stringMatching(/^\d+$/),
              s_account_sid: expect.stringMatching(/^AC/),
              s_device_app: null,
              s_type: 'full',
            },
            user: {
              s_authy_id: String(authyId),
              as_authy_ids: [String(authyId)],
              b_banned: false,
              s_country_code: '1',
              s_locale: 'en',
              s_phone_number: expect.stringMatching(/^[\da-f]{64}$/),
            },
          },
        },
      ],
    });
    expect(delivery!.body).not.toContain('5552671');
  });

  test('comes for what is subscribed to only, also where one of our events has two names there', async () => {
    const { signing_key: key } = await create(['totp_token_sent_via_call', 'device_registration_complete']);
    const { id } = (await bench.call('POST', '/v1/users', { externalId: randomUUID(), phone: '+436641000001' })).body;
    const sent = async (channel: string) => {
      await bench.call('POST', `/v1/users/${id}/codes`, { channel });
      await until(async () => {
        const { body } = await bench.call('GET', `/v1/events?type=code_sent&userId=${id}`);
        return (body.events as { data: { channel: string } }[]).some(({ data }) => data.channel === channel);
      });
    };
    await sent('sms');
    await sent('voice');
    await addUser(bench.program, { push: false });
    await receiver.wait(2);
    const told = receiver.received.map(({ body }) => open(body, key).params.events);
    expect(told.flat().map(({ event }) => event)).toEqual(['totp_token_sent_via_call', 'device_registration_complete']);
    expect(told[1]![0]!.objects).toMatchObject({
      device: { s_id: expect.stringMatching(/^\d+$/), s_name: expect.any(String) },
      user: { s_authy_id: expect.any(String) },
    });
  }, 30_000);

  test('tells who answered an approval, and how', async () => {
    const { signing_key: key } = await create(['one_touch_request_responded']);
    const user = await addUser(bench.program, { push: false });
    const asked = await bench.call('POST', '/v1/approvals', { userId: user.id, title: 'Log in?', mode: 'login' });
    await user.phone.answer(await user.phone.show(asked.body.id), 'denied');
    await receiver.wait(1);
    const { authyId } = (await bench.call('GET', `/v1/users/${user.id}`)).body;
    expect(open(receiver.received[0]!.body, key).params.events[0]).toMatchObject({
      event: 'one_touch_request_responded',
      objects: {
        onetouch_request: { s_uuid: asked.body.id, s_status: 'denied' },
        user: { s_authy_id: String(authyId) },
      },
    });
  });

  test('that fails comes again, with another nonce and the same request id', async () => {
    receiver.answers.push(500);
    const { signing_key: key } = await create(['user_added']);
    await bench.call('POST', '/v1/users', { externalId: randomUUID() });
    await receiver.wait(2); // five seconds later
    const [first, second] = receiver.received.map(({ body }) => open(body, key));
    expect(second!.params).toEqual(first!.params);
    expect(second!.nonce).not.toBe(first!.nonce);
  }, 30_000);

  test('can be asked for again, with a new key', async () => {
    const since = new Date().toISOString();
    const { id, signing_key: key } = await create(['totp_token_sent_via_call', 'user_added']);
    const path = `/v1/webhooks/${id.replace('WH_', '')}`;
    await bench.call('POST', '/v1/users', { externalId: randomUUID() });
    await receiver.wait(1);
    const { secret } = (await bench.call('POST', `${path}/rotate`, {})).body;
    expect(secret).toMatch(/^WSK_/);
    expect((await bench.call('POST', `${path}/redeliver`, { since })).body).toEqual({ deliveries: 1 });
    await receiver.wait(2);
    const [first, second] = receiver.received;
    expect(open(second!.body, secret as string).params).toEqual(open(first!.body, key).params);
  });
});
