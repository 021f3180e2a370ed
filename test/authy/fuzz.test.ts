import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authyRoutes } from '../../api/authy/routes';
import type { UnderWay } from '../../api/underWay';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import type { Services } from '../../services/services';
import { createTenants } from '../../services/tenants';
import { startAuthy } from '../support/authy';
import { send } from '../support/http';
import type { RawCall, RawReply } from '../support/http';
import { createDashboard } from './dashboardClient';
import type { Dashboard } from './dashboardClient';

const RUNS = 25;
const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

/** Every call of the dialect, read from its own router, so that none is forgotten here. */
const ROUTES = authyRoutes({} as Services, {} as UnderWay, () => []).stack.flatMap(({ route }) =>
  route ? route.stack.map(({ method }) => ({ method: method.toUpperCase(), template: route.path })) : [],
);
const nameOf = ({ method, template }: (typeof ROUTES)[number]) => `${method} ${template}`;
const BY_KEY = ROUTES.filter(({ template }) => !template.startsWith('/dashboard'));
const SIGNED = ROUTES.filter(({ template }) => template.startsWith('/dashboard'));

let bench: Awaited<ReturnType<typeof startAuthy>>;
let dashboard: Dashboard;
let authyId: string;
let uuid: string;
beforeAll(async () => {
  bench = await startAuthy();
  const tenants = createTenants(bench.pool, createTenantRows(createKeyring(bench.config.masterKeys)));
  dashboard = createDashboard(bench, await tenants.ensureDashboardKeys(bench.tenant.id));
}, 60_000);
afterAll(() => bench?.close());

let numbers = 0;

/** Somebody with a device and an open approval request; some calls remove their user. */
async function addPerson() {
  const user = { 'user[email]': 'a@example.com', 'user[country_code]': '1', send_install_link_via_sms: 'false' };
  const form = { ...user, 'user[cellphone]': `415555${String(3_000 + ++numbers)}` };
  const made = await bench.authy('POST', '/protected/json/users/new', { form });
  authyId = String(made.body.user.id);
  const token = await bench.authy('POST', '/protected/json/sdk/registrations', { form: { authy_id: authyId } });
  const phone = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey() });
  await phone.register(token.body.registration_token as string, { name: 'Phone', platform: 'android' });
  const path = `/onetouch/json/users/${authyId}/approval_requests`;
  uuid = (await bench.authy('POST', path, { form: { message: 'Pay?' } })).body.approval_request.uuid;
}

/** A path with ids that exist, or with something else in their place. */
const fillIn = (template: string, other?: string): string =>
  template.replace(':format', 'json').replace(/:(\w+)/g, (_whole, name: string) => {
    if (other !== undefined) return other;
    if (name === 'apiKey') return bench.tenant.authyApiKey;
    if (name === 'uuid') return uuid;
    return name === 'token' ? '1234567' : authyId;
  });

const ask = ({ headers, ...call }: RawCall) =>
  send(bench, { ...call, headers: { 'x-authy-api-key': bench.tenant.authyApiKey, ...headers } });

/** Understood, or refused as clients of the Authy API read it. */
function expectNoAccident(reply: RawReply, what: unknown = ''): void {
  const { status, body, text } = reply;
  const complete =
    body !== undefined &&
    body.success !== undefined &&
    (status === 200 ||
      (status >= 400 && body.success === false && /^\d{5}$/.test(body.error_code) && typeof body.message === 'string'));
  // Nothing of the input: this installation has no provider for that channel.
  const isUnconfigured = status === 503 && body?.error_code === '60015';
  if ((status >= 500 && !isUnconfigured) || !complete) throw new Error(`${status} ${text} for ${String(what)}`);
  for (const value of Object.values((body.errors ?? {}) as object)) expect(typeof value).toBe('string');
}

/** What clients name, in every call at once. */
const NAMES = [
  ...['user[email]', 'user[cellphone]', 'user[country_code]', 'user', 'send_install_link_via_sms', 'email', 'type'],
  ...['data', 'data[reason]', 'force', 'locale', 'action', 'action_message', 'token', 'message', 'details', 'logos'],
  ...['details[a]', 'hidden_details', 'logos[][res]', 'logos[][url]', 'seconds_to_expire', 'qr_size', 'label'],
  ...['custom_user_id', 'phone_number', 'country_code', 'via', 'code_length', 'custom_code', 'verification_code'],
  ...['uuid', 'MessageSid', 'Outcome', 'page', 'per_page', 'query[event][eq]', 'query[time][gt]', 'query', 'interval'],
  ...['url', 'name', 'events[]', 'events', 'webhook_id', 'background_color', 'authy_id', 'user_ip', 'reports', 'scope'],
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', 'true', '0', '-1', '1e9', '9'.repeat(40), "' or 1=1 --", '__proto__', '\u0000', '\u202e', 'ü'),
);
const json = fc.oneof(
  text,
  fc.jsonValue({ maxDepth: 4, noUnicodeString: false }),
  fc.constantFrom<unknown>(null, -0, 1e308, 2 ** 53, [], {}, [[]], { length: 3 }, { 0: 'a' }, '\ud800'),
);
const escaped = (part: string) => encodeURIComponent(part.toWellFormed());
const pairs = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), text), { maxLength: 8 })
  .map((all) => all.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&'));
const object = fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), text), json, { maxKeys: 8 });

const WRONG = [['a'], { a: { b: ['c'] } }, [{ res: ['x'] }], '', 'x'.repeat(5_000), -1, true, '\u202e', '😀'];

/** What every call takes, in one: none minds what it does not know. */
const RIGHT = {
  ...{
    user: { email: 'a@example.com', cellphone: '4155552671', country_code: '1' },
    send_install_link_via_sms: 'false',
  },
  ...{ email: 'a@example.com', type: 'banned', data: { reason: 'x' }, force: 'true', locale: 'en', action: 'a' },
  ...{ action_message: 'Pay', token: '1234567', message: 'Pay?', details: { a: 'b' }, hidden_details: { c: 'd' } },
  ...{ logos: [{ res: 'default', url: 'https://example.com/l.png' }], seconds_to_expire: 60, qr_size: 200, label: 'a' },
  ...{ custom_user_id: 'u1', phone_number: '4155552671', country_code: '1', via: 'sms', code_length: 4 },
  ...{ custom_code: '1234', verification_code: '1234', uuid: 'a', MessageSid: 'a', Outcome: 'confirmed', page: 1 },
  ...{ per_page: 10, query: { event: { eq: 'user_added' } }, interval: 'day', scope: { event: { eq: 'user_added' } } },
  ...{ reports: { a: { event: { eq: 'user_added' } } }, url: 'https://example.com/hook', name: 'a' },
  ...{ events: ['user_added'], webhook_id: 'WH_1', background_color: '#ffffff', authy_id: '1', user_ip: '192.0.2.1' },
};
const oneWrong = fc
  .tuple(fc.constantFrom(...(Object.keys(RIGHT) as (keyof typeof RIGHT)[])), fc.constantFrom<unknown>(...WRONG))
  .map(([name, value]) => ({ ...RIGHT, [name]: value }));

test('all calls are here', () => {
  expect(BY_KEY.length).toBeGreaterThan(25);
  expect(SIGNED.length).toBeGreaterThan(5);
});

describe.each(BY_KEY.map((route) => [nameOf(route), route] as const))('%s', (_name, { method, template }) => {
  beforeAll(addPerson);

  test('takes any parameters without an accident', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, pairs, object, async (query, form, value) => {
        const path = `${fillIn(template)}?${query}`;
        expectNoAccident(await ask({ method, path, headers: { 'content-type': FORM }, body: form }), form);
        const body = JSON.stringify(value);
        expectNoAccident(await ask({ method, path, headers: { 'content-type': JSON_TYPE }, body }), body);
      }),
      { numRuns: RUNS },
    );
  }, 60_000);

  test('takes each parameter in a wrong shape', async () => {
    for (const value of WRONG) {
      const tree: Record<string, unknown> = Object.fromEntries(
        NAMES.filter((name) => !name.includes('[')).map((name) => [name, value]),
      );
      const body = JSON.stringify(tree);
      expectNoAccident(
        await ask({ method, path: fillIn(template), headers: { 'content-type': JSON_TYPE }, body }),
        body,
      );
    }
  });

  test('takes one parameter in a wrong shape where all others are right', async () => {
    await fc.assert(
      fc.asyncProperty(oneWrong, async (given) => {
        const body = JSON.stringify(given);
        const path = fillIn(template);
        expectNoAccident(await ask({ method, path, headers: { 'content-type': JSON_TYPE }, body }), body);
      }),
      { numRuns: RUNS },
    );
  }, 60_000);

  test.each(['x', '0', '-1', '1e3', '%00', '%2e%2e%2f', '%ff', '2147483648', '9'.repeat(30), '%F0%9F%98%80', "'"])(
    'takes the id %s',
    async (id) => {
      expectNoAccident(await ask({ method, path: fillIn(template, id) }), id);
    },
  );
});

/** The path of a picture is its key. */
const WITH_KEY = BY_KEY.filter(({ template }) => !template.includes('/qr/'));

test.each(WITH_KEY.map((route) => [nameOf(route), route] as const))(
  '%s answers a stranger 60001, whatever he sends',
  async (_name, { method, template }) => {
    for (const body of ['a[=', '{"a"', '\xff\xff']) {
      const path = template.includes(':apiKey') ? fillIn(template, 'x'.repeat(32)) : fillIn(template);
      const headers = { 'x-authy-api-key': 'x'.repeat(32), 'content-type': FORM };
      const { status, body: refused } = await send(bench, { method, path, headers, body });
      expect([status, refused.error_code]).toEqual([401, '60001']);
    }
  },
);

describe.each(SIGNED.map((route) => [nameOf(route), route] as const))('signed %s', (_name, { method, template }) => {
  test('takes any parameters without an accident', async () => {
    const word = text.map((any) => any.toWellFormed()); // others cannot be escaped
    const value = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.dictionary(word, word, { maxKeys: 3 }));
    const parameters = fc.dictionary(fc.constantFrom('url', 'name', 'events', 'webhook_id', 'background_color'), value);
    await fc.assert(
      fc.asyncProperty(parameters, async (given) => {
        const path = fillIn(template);
        expectNoAccident(await dashboard(method, path, given), JSON.stringify(given));
        const oneIsWrong = { url: 'https://example.com', name: 'a', events: ['user_added'], ...given };
        expectNoAccident(await dashboard(method, path, oneIsWrong), JSON.stringify(oneIsWrong));
      }),
      { numRuns: RUNS, examples: [[{ events: { a: 'b' } }]] },
    );
  }, 60_000);

  test('answers whoever does not sign', async () => {
    for (const body of ['', 'a[=', 'app_api_key[]=1', '{"app_api_key":{"a":1}}', '{"a"']) {
      const reply = await send(bench, { method, path: fillIn(template), headers: { 'content-type': FORM }, body });
      expectNoAccident(reply, body);
      expect(reply.status).toBeGreaterThanOrEqual(400);
    }
  });
});

test('none of it was an accident in the log', () => {
  expect(bench.logs.filter((line) => line.includes('"msg":"accident"'))).toEqual([]);
});
