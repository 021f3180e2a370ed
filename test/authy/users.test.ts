import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { startAuthy } from '../support/authy';
import type { AuthyRequest } from '../support/authy';
import { textsTo } from '../support/texts';
import { until } from '../support/until';

let bench: Awaited<ReturnType<typeof startAuthy>>;
beforeAll(async () => {
  bench = await startAuthy({ workflows: true });
}, 60_000);
afterAll(() => bench.close());

let numbers = 0;
const nextNumber = () => `415555${String(2_000 + ++numbers)}`;
const authy = (method: string, path: string, request?: AuthyRequest) => bench.authy(method, path, request);

const formOf = (cellphone: string, more: Record<string, string> = {}) => ({
  'user[email]': 'jane@example.com',
  'user[cellphone]': cellphone,
  'user[country_code]': '1',
  ...more,
});
const NO_LINK = { send_install_link_via_sms: 'false' };

async function addUser(cellphone = nextNumber()) {
  const { body } = await authy('POST', '/protected/json/users/new', { form: formOf(cellphone, NO_LINK) });
  return { id: body.user.id as number, cellphone };
}

/** Becomes a device of this user, as an app of the tenant would. */
async function addDevice(authyId: number, platform = 'android') {
  const { body } = await authy('POST', '/protected/json/sdk/registrations', { form: { authy_id: String(authyId) } });
  const phone = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey() });
  await phone.register(body.registration_token as string, { name: 'Phone', platform });
}

const linkTo = (cellphone: string) =>
  until(async () => (await textsTo(bench.program, `+1${cellphone}`)).find(({ text }) => /\/install#il_/.test(text)), {
    what: 'the install link',
  });

describe('new', () => {
  test('answers the integer id, and the same for the same phone however it is written', async () => {
    const { id, cellphone } = await addUser();
    expect(Number.isInteger(id)).toBe(true);
    const dashed = cellphone.replace(/^(...)(...)/, '$1-$2.');
    const again = await authy('POST', '/protected/json/users/new', {
      json: {
        user: { email: 'other@example.com', cellphone: dashed, country_code: 1 },
        send_install_link_via_sms: false,
      },
    });
    expect(again.status).toBe(200);
    expect(again.text).toBe(`{"message":"User created successfully.","user":{"id":${id}},"success":true}`);
    const { body } = await authy('GET', `/protected/json/users/${id}/status`);
    expect(body.status.email).toBe('jane@example.com');
  });

  test('answers the id of a user whom the native API made, with an externalId too', async () => {
    const cellphone = nextNumber();
    const made = await bench.call('POST', '/v1/users', { externalId: `crm-${cellphone}`, phone: `+1${cellphone}` });
    expect((await addUser(cellphone)).id).toBe(made.body.authyId);
    const { body } = await authy('GET', `/protected/json/users/${made.body.authyId}/status`);
    expect(body.status.email).toBe('jane@example.com');
  });

  test('of one phone at once makes one user', async () => {
    const cellphone = nextNumber();
    const made = await Promise.all(Array.from({ length: 12 }, () => addUser(cellphone)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });

  test.each<[string, (cellphone: string) => AuthyRequest]>([
    ['by default', (cellphone) => ({ form: formOf(cellphone) })],
    ['for true in JSON', (cellphone) => ({ json: { ...jsonOf(cellphone), send_install_link_via_sms: true } })],
    ['for true in a form', (cellphone) => ({ form: formOf(cellphone, { send_install_link_via_sms: 'true' }) })],
    [
      'for true in the query',
      (cellphone) => ({ form: formOf(cellphone), query: { send_install_link_via_sms: 'true' } }),
    ],
    [
      'for 1 inside the user',
      (cellphone) => ({ query: formOf(cellphone, { 'user[send_install_link_via_sms]': '1' }) }),
    ],
  ])('sends the install link %s', async (_when, request) => {
    await bench.call('GET', '/v1/users'); // so that a slow start is not taken for a missing message
    const cellphone = nextNumber();
    expect((await authy('POST', '/protected/json/users/new', request(cellphone))).status).toBe(200);
    await linkTo(cellphone);
  });

  test.each<[string, (cellphone: string) => AuthyRequest]>([
    ['False in JSON', (cellphone) => ({ json: { ...jsonOf(cellphone), send_install_link_via_sms: false } })],
    ['false in a form', (cellphone) => ({ form: formOf(cellphone, NO_LINK) })],
    ['false in the query', (cellphone) => ({ form: formOf(cellphone), query: NO_LINK })],
    ['0 inside the user', (cellphone) => ({ query: formOf(cellphone, { 'user[send_install_link_via_sms]': '0' }) })],
  ])('starts no onboarding for %s', async (_what, request) => {
    const cellphone = nextNumber();
    await authy('POST', '/protected/json/users/new', request(cellphone));
    const { body } = await bench.call('GET', `/v1/users?phone=%2B1${cellphone}`);
    const { body: list } = await bench.call('GET', `/v1/users/${body.users[0].id}/onboardings`);
    expect(list.onboardings).toEqual([]);
  });

  test('again begins no second onboarding while the first one waits, and none where there is a device', async () => {
    const cellphone = nextNumber();
    const register = () => authy('POST', '/protected/json/users/new', { form: formOf(cellphone) });
    const { body } = await register();
    await register();
    const found = await bench.call('GET', `/v1/users?phone=%2B1${cellphone}`);
    const list = async () =>
      (await bench.call('GET', `/v1/users/${found.body.users[0].id}/onboardings`)).body.onboardings;
    expect(await list()).toHaveLength(1);
    await bench.call('POST', `/v1/onboardings/${(await list())[0].id}/cancel`);
    await addDevice(body.user.id as number);
    await register();
    expect(await list()).toHaveLength(1);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['cellphone', { 'user[cellphone]': '123' }, { cellphone: 'is invalid' }],
    ['cellphone', { 'user[country_code]': '41', 'user[cellphone]': '900123456' }, { cellphone: 'is not supported' }],
    ['cellphone', { 'user[cellphone]': '' }, { cellphone: "is invalid and can't be blank" }],
    ['email', { 'user[email]': 'nobody' }, { email: 'is invalid' }],
    ['email', { 'user[email]': 'a@b' }, { email: 'is invalid' }],
    ['country_code', { 'user[country_code]': '999' }, { country_code: 'is not supported' }],
    ['country_code', { 'user[country_code]': 'x' }, { country_code: 'is not supported' }],
  ])('refuses a wrong %s, naming it twice: %p', async (_field, wrong, fields) => {
    const { status, body } = await authy('POST', '/protected/json/users/new', { form: formOf(nextNumber(), wrong) });
    expect(status).toBe(400);
    expect(body).toEqual({
      ...fields,
      message: 'User was not valid',
      success: false,
      errors: { ...fields, message: 'User was not valid' },
      error_code: '60027',
    });
  });

  test('without a parameter is refused with 60030', async () => {
    const { status, body } = await authy('POST', '/protected/json/users/new', {
      form: { 'user[email]': 'a@example.com' },
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error_code: '60030', errors: { cellphone: "can't be blank" } });
  });

  test('takes +7 and a number with the zero of its country', async () => {
    const made = await authy('POST', '/protected/json/users/new', {
      form: {
        ...formOf('0151 23456789', NO_LINK),
        'user[country_code]': '+49',
      },
    });
    expect(made.status).toBe(200);
    const { body } = await authy('GET', `/protected/json/users/${made.body.user.id}/status`);
    expect(body.status).toMatchObject({ country_code: 49, phone_number: 'XXX-XXX-6789' });
  });
});

describe('status', () => {
  test('tells what clients read, with the phone masked', async () => {
    const { id, cellphone } = await addUser();
    await addDevice(id);
    const { status, text, body } = await authy('GET', `/protected/json/users/${id}/status`, { json: {} });
    expect(status).toBe(200);
    expect(text).not.toContain(cellphone);
    expect(body).toEqual({
      status: {
        authy_id: id,
        confirmed: false,
        registered: true,
        country_code: 1,
        phone_number: `XXX-XXX-${cellphone.slice(-4)}`,
        email: 'jane@example.com',
        devices: ['android'],
        has_hard_token: false,
        account_disabled: false,
        detailed_devices: [
          {
            device_type: 'authy',
            os_type: 'android',
            registration_device_id: null,
            registration_method: null,
            device_id: expect.any(Number),
            last_sync_date: 0,
            creation_date: expect.any(Number),
          },
        ],
        deleted_devices: [],
      },
      message: 'User status.',
      success: true,
    });
  });

  test('of a user without phone has a calling code that exists', async () => {
    const { body: made } = await bench.call('POST', '/v1/users', { externalId: 'no-phone' });
    const { body } = await authy('GET', `/protected/json/users/${made.authyId}/status`);
    expect(body.status).toMatchObject({
      registered: false,
      country_code: 1,
      phone_number: 'XXX-XXX-XXXX',
      devices: [],
    });
  });
});

test.each(['/users/:id/remove', '/users/:id/delete', '/users/delete/:id'])('%s removes a user', async (template) => {
  const { id } = await addUser();
  const path = `/protected/json${template.replace(':id', String(id))}`;
  const { status, body } = await authy('POST', path, { headers: { 'content-type': 'application/json' } });
  expect(status).toBe(200);
  expect(body).toEqual({ message: 'User removed from application', success: true });
  expect((await authy('GET', `/protected/json/users/${id}/status`)).status).toBe(404);
  expect((await authy('POST', path)).body.error_code).toBe('60026');
});

test('update changes the e-mail address', async () => {
  const { id } = await addUser();
  const update = (email: string) => authy('POST', `/protected/json/users/${id}/update`, { form: { email } });
  expect((await update('new@example.com')).body).toEqual({ message: 'User was updated successfully', success: true });
  const { body } = await authy('GET', `/protected/json/users/${id}/status`);
  expect(body.status.email).toBe('new@example.com');
  expect((await update('new')).body).toMatchObject({ error_code: '60027', email: 'is invalid' });
  expect((await authy('POST', `/protected/json/users/${id}/update`)).body.error_code).toBe('60004');
});

test.each(['password_reset', 'banned', 'unbanned', 'cookie_login'])('register_activity records %s', async (type) => {
  const { id } = await addUser();
  const { status, body } = await authy('POST', `/protected/json/users/${id}/register_activity`, {
    json: { type, data: { reason: 'a secret reason' }, user_ip: '203.0.113.7' },
  });
  expect(status).toBe(200);
  expect(body).toEqual({ message: 'Activity was created.', success: true });
  const { text } = await bench.call('GET', '/v1/events?type=activity_reported&limit=100');
  expect(text).toContain(`"activity":"${type}"`);
  expect(text).not.toContain('secret reason');
});

test.each([[{}], [{ type: 'dancing' }], [{ type: ['banned'] }]])('register_activity refuses %j', async (json) => {
  const { id } = await addUser();
  const { status, body } = await authy('POST', `/protected/json/users/${id}/register_activity`, { json });
  expect(status).toBe(400);
  expect(['60029', '60004']).toContain(body.error_code);
});

test.each([
  ['GET', '/users/:id/status'],
  ['POST', '/users/:id/remove'],
  ['POST', '/users/:id/update'],
  ['POST', '/users/:id/register_activity'],
])('%s %s knows no stranger', async (method, template) => {
  const other = await bench.addTenant(`other ${template}`);
  const { id } = await addUser();
  for (const [asked, key] of [
    [String(id), other.authyApiKey],
    ['0', undefined],
    ['1', undefined],
    ['99999999999', undefined],
    ['4294967297', undefined],
    ['abc', undefined],
    ['1%00', undefined],
  ] as const) {
    const path = `/protected/json${template.replace(':id', asked)}`;
    const { status, body } = await authy(method, path, { ...(key && { key }) });
    expect(status).toBe(404);
    expect(body).toEqual({
      message: 'User not found.',
      success: false,
      errors: { message: 'User not found.' },
      error_code: '60026',
    });
  }
});

function jsonOf(cellphone: string) {
  return { user: { email: 'jane@example.com', cellphone, country_code: '1' } };
}
