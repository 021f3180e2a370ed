import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { startAuthy } from '../support/authy';
import { send } from '../support/http';
import { createDashboard } from './dashboardClient';
import type { Dashboard } from './dashboardClient';

const APPLICATION = '/dashboard/json/application';
const INTEGRATION_KEY = randomBytes(16).toString('hex');

let bench: Awaited<ReturnType<typeof startAuthy>>;
let dashboard: Dashboard;
beforeAll(async () => {
  bench = await startAuthy({ env: { COUNTERSIGN_INTEGRATION_API_KEY: INTEGRATION_KEY } });
  const tenants = createTenants(bench.pool, createTenantRows(createKeyring(bench.config.masterKeys)));
  dashboard = createDashboard(bench.program, await tenants.ensureDashboardKeys(bench.tenant.id));
}, 60_000);
afterAll(() => bench?.close());

/** The head of a PNG of this size; `bytes` in all. */
function png(width: number, height: number, bytes = 100): Buffer {
  const image = Buffer.alloc(bytes);
  Buffer.from('\x89PNG\r\n\x1a\n', 'latin1').copy(image);
  image.write('IHDR', 12, 'latin1');
  image.writeUInt32BE(width, 16);
  image.writeUInt32BE(height, 20);
  return image;
}

const dataUrl = (image: Buffer) => `data:image/png;base64,${image.toString('base64')}`;

test('an application is read, with its keys in the query or in the body', async () => {
  const read = await dashboard('GET', `${APPLICATION}/details`);
  expect([read.status, read.body]).toEqual([
    200,
    {
      app: expect.objectContaining({ app_id: expect.any(Number), account_sid: expect.stringMatching(/^AC/) }),
      message: 'Application information.',
      success: true,
    },
  ]);
});

describe('its name', () => {
  test('is changed', async () => {
    const changed = await dashboard('POST', `${APPLICATION}/update`, { name: 'Change the name Meow!' });
    expect([changed.status, changed.body.app.name]).toEqual([200, 'Change the name Meow!']);
    expect((await bench.authy('GET', '/protected/json/app/details')).body.app.name).toBe('Change the name Meow!');
  });

  test.each([
    ['missing', {}],
    ['blank', { name: '  ' }],
    ['longer than thirty characters', { name: 'x'.repeat(31) }],
    ['of more than one line', { name: 'a\nb' }],
    ['no text', { name: ['a', 'b'] }],
  ])('that is %s is refused', async (_, parameters) => {
    const refused = await dashboard('POST', `${APPLICATION}/update`, parameters);
    expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
  });

  test('that another application has is refused', async () => {
    await bench.program.addTenant('taken');
    const refused = await dashboard('POST', `${APPLICATION}/update`, { name: 'taken' });
    expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
  });
});

test('its colour is changed; what is no colour is refused', async () => {
  const path = `${APPLICATION}/ui_settings`;
  expect((await dashboard('GET', path)).body.ui_settings).toEqual({ background_color: null });
  expect((await dashboard('POST', `${path}/update`, { background_color: '#FF0000' })).status).toBe(200);
  expect((await dashboard('GET', path)).body.ui_settings).toEqual({ background_color: '#ff0000' });
  const refused = await dashboard('POST', `${path}/update`, { background_color: 'red;' });
  expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
});

describe('its logos', () => {
  const path = `${APPLICATION}/assets`;
  const update = (files: Record<string, Uint8Array>) => dashboard('POST', `${path}/update`, {}, { files });

  test('are changed one by one', async () => {
    const [main, sidebar] = [png(120, 80, 100_000), png(16, 16)];
    expect((await update({ main_logo: main })).body.assets).toEqual({ main_logo: dataUrl(main), sidebar_logo: null });
    expect((await update({ sidebar_logo: sidebar })).status).toBe(200);
    expect((await dashboard('GET', path)).body.assets).toEqual({
      main_logo: dataUrl(main),
      sidebar_logo: dataUrl(sidebar),
    });
  });

  test.each<[string, Record<string, Uint8Array>]>([
    ['missing', {}],
    ['a JPEG', { main_logo: Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...Buffer.alloc(60)]) }],
    ['empty', { main_logo: Buffer.alloc(0) }],
    ['too wide', { main_logo: png(2_049, 1) }],
    ['of no size', { main_logo: png(0, 1) }],
    ['too heavy', { main_logo: png(10, 10, 128 * 1024 + 1) }],
  ])('that are %s are refused', async (_, files) => {
    const refused = await update(files);
    expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
  });

  test('of a megabyte are not even read', async () => {
    const refused = await update({ main_logo: png(10, 10, 1_000_000) });
    expect([refused.status, refused.body.error_code]).toEqual([413, '60002']);
  });
});

test('its users are listed, newest first, page by page', async () => {
  const first = (await bench.call('POST', '/v1/users', { externalId: 'first', phone: '+14155552671' })).body;
  const second = (await bench.call('POST', '/v1/users', { externalId: 'second', email: 'b@example.com' })).body;
  const read = (parameters: object) => dashboard('GET', `${APPLICATION}/users`, { per_page: 1, ...parameters });
  const { body } = await read({});
  expect(body.users).toEqual([
    { id: second.authyId, email: 'b@example.com', phone_number: null, creation_date: second.createdAt },
  ]);
  expect((await read({ cursor: body.next_cursor })).body).toMatchObject({
    users: [{ id: first.authyId, phone_number: 'XXX-XXX-2671' }],
    next_cursor: null,
  });
  for (const wrong of [{ cursor: 'nonsense' }, { per_page: 101 }]) {
    const refused = await read(wrong);
    expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
  }
});

test('its access keys are told apart, not told', async () => {
  const { body } = await dashboard('GET', `${APPLICATION}/access_keys`);
  expect(body.access_keys).toEqual([
    { access_key: expect.stringMatching(/^\w{4}…$/), creation_date: expect.any(String) },
  ]);
});

test('a multipart form that cannot be read is refused', async () => {
  const path = `${APPLICATION}/assets/update`;
  for (const [type, body] of [
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=a', '--b\r\n'],
    ['multipart/form-data; boundary=a', ''],
  ] as const) {
    const refused = await send(bench.program, { method: 'POST', path, headers: { 'content-type': type }, body });
    expect(refused.status).toBe(400);
  }
});

describe('an application that a client makes', () => {
  const make = (parameters: Record<string, string>) =>
    bench.authy('POST', '/dashboard/json/applications', { key: null, form: parameters });
  const newName = () => `App ${randomUUID().slice(0, 8)}`;
  const owner = { phone_number: '415-555-2671', country_code: '1', email: 'jane@example.com' };

  test('has keys that work, by which it signs too', async () => {
    const name = newName();
    const { status, body } = await make({ name, ...owner, integration_api_key: INTEGRATION_KEY });
    expect([status, body.message, body.success]).toEqual([200, 'Application was created.', true]);
    const { application } = body;
    const keys = {
      appApiKey: application.app_api_key as string,
      accessKey: application.access_key as string,
      apiSigningKey: application.api_signing_key as string,
    };
    const read = await bench.authy('GET', '/protected/json/app/details', { key: application.api_key as string });
    expect(read.body.app).toMatchObject({ name, app_id: application.app_id });
    expect((await createDashboard(bench.program, keys)('GET', `${APPLICATION}/details`)).body.app.name).toBe(name);
    const again = await make({ name, integration_api_key: INTEGRATION_KEY });
    expect([again.status, again.body.error_code]).toEqual([400, '60070']);
  });

  test.each([
    ['without the key of the installation', {}, 401, '60001'],
    ['with another one', { integration_api_key: 'x'.repeat(32) }, 401, '60001'],
    ['without a name', { name: '', integration_api_key: INTEGRATION_KEY }, 400, '60004'],
    ['with a long name', { name: 'x'.repeat(31), integration_api_key: INTEGRATION_KEY }, 400, '60004'],
  ])('is not made %s', async (_what, wrong, status, number) => {
    const name = newName();
    const refused = await make({ name, ...wrong });
    expect([refused.status, refused.body.error_code]).toEqual([status, number]);
    expect((await bench.pool.query('select from tenants where name = $1', [name])).rowCount).toBe(0);
  });
});
