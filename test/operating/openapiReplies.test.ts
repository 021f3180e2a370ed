import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import { signAccountToken } from '../support/accountToken';
import { otherThan, totpOf } from '../support/onboarding';
import { readClock } from '../../db/transaction';
import { toDigits } from '../../domain/code';
import { createKeyring } from '../../platform/keys/keyring';
import { digitsAt, wrong } from '../services/guesses';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';

jest.setTimeout(60_000);

interface Operation {
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}
const DOCUMENT = JSON.parse(readFileSync(join(__dirname, '..', '..', 'docs', 'openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};

/** The JSON Schema validator that comes with that of OpenAPI. */
const { validates } = (() => {
  const beside = dirname(require.resolve('@seriousme/openapi-schema-validator/package.json'));
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- found beside another package only at run time
  const load = (name: string) => require(require.resolve(name, { paths: [beside] })) as { default: unknown };
  const Ajv = load('ajv/dist/2020').default as new (options: object) => {
    addSchema(schema: object, id: string): void;
    compile(schema: object): ((value: unknown) => boolean) & { errors?: unknown };
  };
  const ajv = new Ajv({ strict: false, validateFormats: true });
  (load('ajv-formats').default as (to: unknown) => void)(ajv);
  ajv.addSchema(DOCUMENT, 'openapi');
  return {
    /** What is wrong with a value, by the schema at a pointer into the document. */
    validates(pointer: string, value: unknown): unknown {
      const check = ajv.compile({ $ref: `openapi#${pointer}` });
      return check(value) ? undefined : check.errors;
    },
  };
})();

interface Exchange {
  method: string;
  path: string;
  status: number;
  type: string;
  text: string;
}

describe('the replies of a running program', () => {
  let program: TestProgram;
  const exchanges: Exchange[] = [];
  const { fetch } = globalThis;
  beforeAll(async () => {
    globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init);
      const { pathname } = new URL(input);
      const text = await response.clone().text();
      const type = response.headers.get('content-type') ?? '';
      exchanges.push({
        method: (init?.method ?? 'GET').toLowerCase(),
        path: pathname,
        status: response.status,
        type,
        text,
      });
      return response;
    };
    program = await startTestProgram({ temporalAddress: '127.0.0.1:1' });
    await callEverything(program);
  });
  afterAll(async () => {
    globalThis.fetch = fetch;
    await program?.close();
  });

  const operationOf = ({ method, path }: Pick<Exchange, 'method' | 'path'>) => {
    const fits = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
    // A fixed path before one with parameters, like the server.
    const template = DOCUMENT.paths[path] ? path : Object.keys(DOCUMENT.paths).find(fits);
    const operation = template === undefined ? undefined : DOCUMENT.paths[template]?.[method];
    return operation && { name: `${method} ${template}`, template: template!, operation };
  };

  test('are of every route that is described', () => {
    const described = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    const succeeded = exchanges.filter(({ status }) => status < 300).map((each) => operationOf(each)?.name);
    expect([...new Set(succeeded)].sort()).toEqual(described.sort());
  });

  test('have the status, type and shape that the document says', () => {
    const wrong = exchanges.flatMap((exchange) => {
      const { method, path, status, type, text } = exchange;
      const found = operationOf(exchange);
      const described = found?.operation.responses[String(status)];
      if (!found || !described) return [{ method, path, status, problem: 'is not described' }];
      const [media] = type.split(';');
      if (status === 204) return text === '' ? [] : [{ method, path, status, problem: 'has a body' }];
      if (!described.content?.[media!]) return [{ method, path, status, problem: `is of type ${type}` }];
      const escape = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');
      const pointer = ['paths', found.template, method, 'responses', String(status), 'content', media!, 'schema'];
      const at = encodeURI(`/${pointer.map(escape).join('/')}`);
      const bodies =
        media === 'text/plain' || media === 'application/x-ndjson'
          ? [text]
          : media === 'text/event-stream'
            ? eventsOf(text)
            : [JSON.parse(text)];
      return bodies.flatMap((body) => {
        const problem = validates(at, body);
        return problem === undefined ? [] : [{ method, path, status, problem }];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('refuse with codes that the document lists', () => {
    const refusals = exchanges.filter(({ status }) => status >= 400);
    expect(refusals.length).toBeGreaterThan(8);
    for (const { method, path, status, text } of refusals) {
      const { code } = JSON.parse(text) as { code: string };
      const { description } = operationOf({ method, path })!.operation.responses[String(status)]!;
      expect(description.split(', ')).toContain(code);
    }
  });

  test('would be seen if they were wrong', () => {
    const at = '/components/schemas/User';
    const user = JSON.parse(
      exchanges.find(({ path, method }) => path === '/v1/users' && method === 'post')!.text,
    ) as object;
    expect(validates(at, user)).toBeUndefined();
    expect(validates(at, { ...user, id: 'not a UUID' })).toBeDefined();
    expect(validates(at, { ...user, more: 1 })).toBeDefined();
    expect(validates(at, { ...user, createdAt: undefined })).toBeDefined();
  });
});

const eventsOf = (text: string): unknown[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as unknown);

/** Enables two-factor authentication by push, and by an authenticator app. */
async function callOnboardings({ call, url }: Pick<TestProgram, 'call' | 'url'>): Promise<void> {
  const { body: user } = await call('POST', '/v1/users', { externalId: 'newcomer', phone: '+41446681899' });
  const { body: started } = await call('POST', `/v1/users/${user.id}/onboardings`, {});
  const at = `/v1/onboardings/${started.id}`;
  await call('POST', `${at}/registration-tokens`); // nobody knows yet whether a device is wanted
  const { link } = (await call('POST', `${at}/method`, { method: 'push' })).body;
  await call('GET', '/install');
  await call('POST', `${at}/registration-tokens`);
  const { registrationToken } = await openInstallLink(link as string);
  const phone = createDevice({ baseUrl: url, key: await createWebCryptoKey() });
  await phone.register(registrationToken, { name: 'Phone', platform: 'test' });
  await openInstallLink(link as string).catch(() => undefined); // is used up
  await phone.answer((await phone.inbox()).approvals[0]!, 'approved');
  await call('GET', at);
  await call('GET', `${at}/stream`);
  await call('GET', `/v1/users/${user.id}/onboardings`);
  await call('POST', `${at}/cancel`);
  const totp = (await call('POST', `/v1/users/${user.id}/onboardings`, { method: 'totp' })).body;
  const code = totpOf(totp.totp.uri as string);
  await call('POST', `/v1/onboardings/${totp.id}/code`, { code: otherThan(code) });
  await call('POST', `/v1/onboardings/${totp.id}/code`, { code });
  const { id } = (await call('POST', `/v1/users/${user.id}/onboardings`, { method: 'push' })).body;
  await call('POST', `/v1/onboardings/${id}/cancel`);
}

/** Every route once with success, and some refusals. */
async function callEverything(program: TestProgram): Promise<void> {
  const { call, url } = program;
  for (const path of ['/healthz', '/readyz', '/metrics', '/v1/openapi.json', '/.well-known/jwks.json']) {
    await call('GET', path);
  }
  const user = (await call('POST', '/v1/users', { externalId: 'a', phone: '+41446681800', email: 'a@example.com' }))
    .body;
  await call('POST', '/v1/users', { externalId: 'a', phone: '+41446681801' });
  await call('GET', '/v1/users');
  await call('GET', `/v1/users/${user.id}`);
  await call('POST', '/v1/approvals', { userId: user.id, title: 'No device' });
  const { registrationToken } = (await call('POST', `/v1/users/${user.id}/registration-tokens`)).body;
  const phone = createDevice({ baseUrl: url, key: await createWebCryptoKey() });
  await phone.register(registrationToken, { name: 'Phone', platform: 'test' });
  const stranger = createDevice({ baseUrl: url, key: await createWebCryptoKey() });
  await stranger.register(registrationToken, { name: 'Stranger', platform: 'test' }).catch(() => undefined);
  await phone.setPushTarget({ kind: 'simulated', token: 'token' });
  await phone.totp();

  const ask = async (more = {}) =>
    (await call('POST', '/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay', ...more })).body;
  const first = await ask({
    details: [{ label: 'To', value: 'Somebody' }],
    hiddenDetails: { deep: [{ a: null }, 1.5, 'x', true] },
    callbackUrl: 'http://127.0.0.1:9/',
  });
  await call('POST', `/v1/approvals/${first.id}/resend`);
  const shown = await phone.show(first.id);
  await phone.inbox();
  await phone.answer(shown, 'denied', 'not_now');
  await phone.answer(shown, 'approved').catch(() => undefined);
  await call('GET', `/v1/approvals/${first.id}`);
  await call('GET', `/v1/approvals/${first.id}/stream`);
  await call('GET', `/v1/approvals/${first.id}/evidence`);
  await call('POST', `/v1/approvals/${first.id}/resend`);
  const second = await ask();
  await call('POST', `/v1/approvals/${second.id}/cancel`);
  await call('GET', '/v1/approvals');
  await call('GET', '/v1/approvals?limit=none');
  await call('GET', '/v1/approvals', undefined, { authorization: 'Bearer nobody' });
  await call('POST', '/v1/approvals', '{');
  await call('POST', '/v1/approvals', 'x'.repeat(70_000));
  await call('POST', '/v1/approvals', { title: 'x' }, { 'content-type': 'text/plain' });
  await callCodes(program, user.id as string);
  await call('GET', '/v1/simulator/messages');
  const { devices } = (await call('GET', `/v1/users/${user.id}/devices`)).body;
  await phone.unregister();
  await call('DELETE', `/v1/users/${user.id}/devices/${devices[0].id}`); // gone already
  const other = (await call('POST', `/v1/users/${user.id}/registration-tokens`)).body;
  const key = await createWebCryptoKey();
  const next = await createDevice({ baseUrl: url, key }).register(other.registrationToken, {
    name: 'N',
    platform: 't',
  });
  await call('DELETE', `/v1/users/${user.id}/devices/${next.deviceId}`);
  await call('DELETE', `/v1/users/${user.id}`);
  await call('GET', `/v1/users/${user.id}`);

  await call('POST', '/v1/webhooks', { url: 'ftp://hooks.example/' });
  const webhook = (await call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/', eventTypes: ['user_created'] }))
    .body;
  const at = `/v1/webhooks/${webhook.id}`;
  await call('POST', `${at}/ping`);
  await call('GET', '/v1/webhooks');
  await call('GET', at);
  await call('GET', `${at}/deliveries`);
  await call('POST', `${at}/redeliver`, { since: '2026-01-01T00:00:00Z' });
  await call('POST', `${at}/redeliver`, { deliveryId: 'none' });
  await call('POST', `${at}/rotate`, {});
  await call('PUT', at, { state: 'disabled' });
  await call('POST', `${at}/ping`);
  await call('DELETE', at);
  await call('GET', at);
  await call('GET', '/v1/events');
  await call('GET', '/v1/events/export');
  const { rows } = await program.pool.query<{ app_id: number }>(
    'select authy_app_id as app_id from tenants where id = $1',
    [program.tenant.id],
  );
  const claims = { appId: rows[0]!.app_id, customUserId: 'scanned' };
  await call('POST', '/v1/device/account-tokens', { jwt: await signAccountToken(program.tenant.authyApiKey, claims) });
  await callOnboardings({ call, url });
}

/** Codes, TOTP and methods. Nothing is sent here: the digits are derived as the program does it. */
async function callCodes({ call, config, pool }: TestProgram, userId: string): Promise<void> {
  const at = `/v1/users/${userId}`;
  await call('POST', `${at}/codes/check`, { code: '123456' });
  const { id } = (await call('POST', `${at}/codes`, { channel: 'sms' })).body;
  const digits = toDigits(createKeyring(config.masterKeys).mac('code', id as string, '1'), 6);
  await call('POST', `${at}/codes/check`, { code: wrong(digits) });
  await call('POST', `${at}/codes/check`, { code: digits });
  const { secret } = (await call('POST', `${at}/totp`)).body;
  const shown = digitsAt(secret as string, await readClock(pool));
  await call('POST', `${at}/totp/check`, { code: wrong(shown) });
  await call('POST', `${at}/totp/check`, { code: shown });
  await call('POST', `${at}/totp`);
  await call('GET', `${at}/methods`);
  await call('DELETE', `${at}/methods/totp`);
  await call('DELETE', `${at}/methods/totp`);
}
