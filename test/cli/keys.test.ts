import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { createApprovalRows } from '../../db/approvals';
import { createDeviceRows } from '../../db/devices';
import { createResealing } from '../../db/reseal';
import { createSimulatorRows } from '../../db/simulator';
import { createTenantRows } from '../../db/tenants';
import { inTransaction } from '../../db/transaction';
import { createUserRows } from '../../db/users';
import type { Config, MasterKey } from '../../platform/config';
import { createKeyring } from '../../platform/keys/keyring';
import { createLogger } from '../../platform/telemetry/logger';
import { startProgram } from '../../program';
import type { Program } from '../../program';
import { verifyEvidence } from '../../sdk/evidence';
import { readTotp } from '../../sdk/totp';
import { createTenants } from '../../services/tenants';
import { authyCallerOf } from '../support/authy';
import { startApi } from '../support/http';
import { addUser } from '../support/phone';
import { callerOf } from '../support/program';
import type { Reply, TestProgram } from '../support/program';
import { callAs } from '../support/signing';
import { until } from '../support/until';
import { runCommand, startCommand } from './run';

jest.setTimeout(180_000);

const [k1, k2] = ['k1', 'k2'].map((id) => ({ id, key: randomBytes(32) })) as [MasterKey, MasterKey];
const setting = (...keys: MasterKey[]) => keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',');
const phoneOf = (n: number) => `+1415555${1000 + n}`;
const MANY = 600;
/** A phone that is being verified meanwhile. */
const VERIFIED = { country_code: '41', phone_number: '791234567' };

/** With k1 first: what has not heard of the rotation yet. */
let old: TestProgram;
const others: Program[] = [];
beforeAll(async () => void (old = await startApi({ env: { COUNTERSIGN_MASTER_KEYS: setting(k1, k2) } })), 60_000);
afterAll(async () => {
  await Promise.all(others.map((program) => program.close()));
  await old?.close();
});

/** Another process of the same installation, with other master keys. */
async function startWith(...masterKeys: MasterKey[]): Promise<Program> {
  const config: Config = { ...old.config, masterKeys };
  const program = await startProgram(config, createLogger({ level: 'silent' }));
  others.push(program);
  return program;
}

const keysCommand = (command: 'rotate' | 'status') => {
  const env = { DATABASE_URL: old.config.databaseUrl, COUNTERSIGN_MASTER_KEYS: setting(k2, k1) };
  return { run: () => runCommand(env, ['keys', command]), start: () => startCommand(env, ['keys', command]) };
};

const countUnder = async (id: string, table?: string, column?: string) => {
  const all = await createResealing(old.pool, createKeyring([k2, k1])).status();
  return all
    .filter((each) => (table === undefined || each.table === table) && (column === undefined || each.column === column))
    .reduce((sum, { byKeyId }) => sum + (byKeyId.get(id) ?? 0), 0);
};

/** One thing of every kind that is sealed, made by a running program, and how to see it again. */
async function seed({ call, pool, tenant }: TestProgram) {
  const users = createUserRows(createKeyring([k1, k2]));
  for (let n = 0; n < MANY; n++) {
    const user = {
      id: randomUUID(),
      tenantId: tenant.id,
      externalId: null,
      phone: phoneOf(n),
      email: `u${n}@example.com`,
    };
    await inTransaction(pool, (tx) => users.insert(tx, user));
  }
  const user = await addUser(old);
  const body = '{"kind":"simulated","token":"the push token"}';
  await callAs(old, user.devices[0]!, { method: 'PUT', path: '/v1/device/push-target', body });
  const deviceTotp = await user.phone.totp();
  const request = {
    userId: user.id,
    title: 'Pay 49.90?',
    hiddenDetails: { order: 17 },
    callbackUrl: 'http://127.0.0.1:9/secret-callback',
    push: 'none',
  };
  const asked = await call('POST', '/v1/approvals', request, { 'idempotency-key': 'order-17' });
  const webhook = await call('POST', '/v1/webhooks', {
    url: 'http://127.0.0.1:9/secret-hook',
    eventTypes: ['webhook_disabled'],
  });
  await call('POST', `/v1/webhooks/${webhook.body.id}/rotate`, {});
  const url = 'http://127.0.0.1:9/secret-authy';
  await createTenants(pool, createTenantRows(createKeyring([k1, k2]))).setAuthyCallback(tenant.id, { url });
  const { authyId } = (await call('GET', `/v1/users/${user.id}`)).body;
  const oneTouch = await authyCallerOf(old, tenant.authyApiKey)(
    'POST',
    `/onetouch/json/users/${authyId}/approval_requests`,
    { json: { message: 'Log in?', details: { from: 'Vienna' } } },
  );
  const form = { ...VERIFIED, via: 'sms', custom_code: 'k4Zx91' };
  await authyCallerOf(old, tenant.authyApiKey)('POST', '/protected/json/phones/verification/start', { form });
  const { body: reached } = await call('POST', '/v1/users', { phone: '+41791234568' });
  await authyCallerOf(old, tenant.authyApiKey)('GET', `/protected/json/sms/${reached.authyId}`, {
    query: { action: 'pay', action_message: 'Pay 49.90' },
  });
  const totp = await call('POST', `/v1/users/${user.id}/totp`);
  await createSimulatorRows(createKeyring([k1, k2])).insert(pool, {
    ...{ id: 'code:1', tenantId: tenant.id, kind: 'sms', to: phoneOf(0), text: 'your code' },
    ...{ deviceId: null, approvalId: null, about: null },
  });
  const read = async (by: typeof call) => ({
    messages: (await by('GET', '/v1/simulator/messages')).body,
    approval: (await by('GET', `/v1/approvals/${asked.body.id}`)).body,
    repeated: (await by('POST', '/v1/approvals', request, { 'idempotency-key': 'order-17' })).text,
    webhook: (await by('GET', `/v1/webhooks/${webhook.body.id}`)).body,
    users: await Promise.all(
      [0, MANY / 2, MANY - 1].map(
        async (n) => (await by('GET', `/v1/users?phone=${encodeURIComponent(phoneOf(n))}`)).body,
      ),
    ),
  });
  const evidence = async (by: typeof call) =>
    (await by('GET', `/v1/approvals/${asked.body.id}/evidence`)).body.evidence;
  await evidence(call); // makes the installation's key
  return { user, asked, oneTouch, webhook, totp, deviceTotp, read, evidence };
}

/** What writes all the time until it is told to stop; answers how often, and every refusal that it met. */
function keepWriting(by: TestProgram['call'], from: number, webhookId: string) {
  let stopped = false;
  const refused: Reply[] = [];
  const phones: string[] = [];
  const expected = async (reply: Promise<Reply>, status: number) => {
    const met = await reply;
    if (met.status !== status) refused.push(met);
  };
  const loop = async () => {
    for (let n = from; !stopped; n++) {
      phones.push(phoneOf(n));
      await expected(by('POST', '/v1/users', { phone: phoneOf(n), email: `w${n}@example.com` }), 201);
      await expected(by('PUT', `/v1/webhooks/${webhookId}`, { url: `http://127.0.0.1:9/hook-${n}` }), 200);
      await expected(by('POST', `/v1/webhooks/${webhookId}/rotate`, {}), 200);
    }
  };
  const done = loop();
  return {
    async stop() {
      stopped = true;
      await done;
      return { phones, refused };
    },
  };
}

test('everything moves to the new key beside writers and through a kill, and is read with the new key alone', async () => {
  const seeded = await seed(old);
  const tenants = createTenants(old.pool, createTenantRows(createKeyring([k1, k2])));
  const [usedKey, unusedKey] = [
    await tenants.createKey(old.tenant.id, null, null),
    await tenants.createKey(old.tenant.id, null, null),
  ];
  const authyApiKey = (await tenants.readAuthyApiKey(old.tenant.id))!;
  const dashboardKeys = await tenants.ensureDashboardKeys(old.tenant.id);
  const before = await seeded.read(old.call);
  expect(before.repeated).toBe(seeded.asked.text);

  // Every kind of sealed value is there, so that a wrong line in the table of columns would show below.
  const kinds = await createResealing(old.pool, createKeyring([k1])).status();
  expect(kinds.filter(({ byKeyId }) => !byKeyId.get('k1')).map(({ table, column }) => `${table}.${column}`)).toEqual(
    [],
  );

  // Killed while it waits for a row in the middle.
  const holder = await old.pool.connect();
  await holder.query('begin');
  await holder.query(`select from users where id = (select id from users order by id offset $1 limit 1) for update`, [
    MANY / 2,
  ]);
  const first = keysCommand('rotate').start();
  await until(async () => (await countUnder('k2', 'users', 'phone')) >= MANY / 2, {
    what: 'the first half',
    withinMs: 60_000,
  });
  first.child.kill('SIGKILL');
  expect((await first.ended).code).toBeNull();
  await holder.query('rollback');
  holder.release();
  expect(await countUnder('k1', 'users', 'phone')).toBeGreaterThan(0);
  expect(await seeded.read(old.call)).toEqual(before);

  // Run again, while processes with either key in front go on writing.
  const renewed = callerOf((await startWith(k2, k1)).url, old.tenant.apiKey);
  const hook = async () =>
    (await old.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/', eventTypes: ['webhook_disabled'] })).body
      .id as string;
  const writers = [keepWriting(old.call, 3_000, await hook()), keepWriting(renewed, 6_000, await hook())];
  const beside = await keysCommand('rotate').run();
  const written = await Promise.all(writers.map((writer) => writer.stop()));
  expect(beside).toMatchObject({ code: 0 });
  for (const { phones, refused } of written) {
    expect(refused).toEqual([]);
    expect(phones.length).toBeGreaterThan(3);
  }

  // By now every process has k2 in front: the last run leaves nothing behind.
  expect((await callerOf(others[0]!.url, usedKey)('GET', '/v1/users')).status).toBe(200);
  expect((await renewed('GET', '/v1/users')).status).toBe(200);
  const last = await keysCommand('rotate').run();
  expect(last).toMatchObject({ code: 0 });
  expect(await countUnder('k1')).toBe(0);
  expect(last.stdout).toContain('k1 is needed: 0 sealed values and 1 API keys hang on it.');
  expect(last.stdout).toMatch(new RegExp(`${unusedKey.slice(0, 9)}  of .*, under k1, no use known`));
  expect(last.stdout).not.toContain(usedKey.slice(0, 9));

  // The new key alone.
  const { url } = await startWith(k2);
  const alone = callerOf(url, usedKey);
  expect(await seeded.read(alone)).toEqual(before);
  for (const { phones } of written) {
    const found = await Promise.all(
      phones.map((phone) => alone('GET', `/v1/users?phone=${encodeURIComponent(phone)}`)),
    );
    expect(found.map(({ body }) => body.users[0]?.phone)).toEqual(phones);
  }
  const app = new TOTP({ secret: Secret.fromBase32(seeded.totp.body.secret as string) });
  const code = { code: app.generate() };
  expect((await alone('POST', `/v1/users/${seeded.user.id}/totp/check`, code)).body).toEqual({ status: 'approved' });
  const shown = { code: readTotp(seeded.deviceTotp).code };
  expect((await alone('POST', `/v1/users/${seeded.user.id}/totp/check`, shown)).body).toEqual({ status: 'approved' });
  const evidence = (await seeded.evidence(alone)) as string;
  expect(await verifyEvidence(evidence, (await old.call('GET', '/.well-known/jwks.json')).body)).toMatchObject({
    valid: true,
  });

  const ring = createKeyring([k2]);
  const rows = createTenantRows(ring);
  expect(await rows.readSigningKey(old.pool, old.tenant.id)).toBe(old.tenant.signingKey);
  expect(await rows.readAuthyApiKey(old.pool, old.tenant.id)).toBe(authyApiKey);
  expect(await createTenants(old.pool, rows).ensureDashboardKeys(old.tenant.id)).toEqual(dashboardKeys);
  expect(await rows.findByAppApiKey(old.pool, dashboardKeys.appApiKey)).toMatchObject({ id: old.tenant.id });
  expect(await rows.findByAuthyApiKey(old.pool, authyApiKey)).toMatchObject({ id: old.tenant.id });
  expect(await createDeviceRows(ring).find(old.pool, seeded.user.devices[0]!.id)).toMatchObject({
    pushToken: 'the push token',
  });
  const approval = await createApprovalRows(ring).find(old.pool, old.tenant.id, seeded.asked.body.id as string);
  expect(approval).toMatchObject({ hiddenDetails: '{"order":17}', callbackUrl: 'http://127.0.0.1:9/secret-callback' });
  expect(await rows.readAuthyCallback(old.pool, old.tenant.id)).toMatchObject({
    url: 'http://127.0.0.1:9/secret-authy',
  });
  const inAuthys = await createApprovalRows(ring).find(
    old.pool,
    old.tenant.id,
    seeded.oneTouch.body.approval_request.uuid as string,
  );
  expect(inAuthys).toMatchObject({ oneTouch: { details: { from: 'Vienna' } } });
  const typed = { ...VERIFIED, verification_code: 'k4Zx91' };
  const verified = await authyCallerOf({ url }, authyApiKey)('GET', '/protected/json/phones/verification/check', { query: typed }); // prettier-ignore
  expect(verified.body).toMatchObject({ success: true });
  const { rows: secrets } = await old.pool.query<{ secret: Buffer; previous_secret: Buffer }>(
    `select secret, previous_secret from webhook_endpoints where id = $1`,
    [seeded.webhook.body.id],
  );
  expect(ring.decrypt('webhook', secrets[0]!.previous_secret, seeded.webhook.body.id as string).toString()).toBe(
    seeded.webhook.body.secret,
  );

  // The key that nobody used has no way back: that is why the command said so.
  expect((await callerOf(url, unusedKey)('GET', '/v1/users')).status).toBe(401);
});

test('status says the same and changes nothing; a key used meanwhile does not hold the old master key any more', async () => {
  const tenants = createTenants(old.pool, createTenantRows(createKeyring([k1, k2])));
  const key = await tenants.createKey(old.tenant.id, ['users:read'], null);
  const user = createUserRows(createKeyring([k1]));
  await inTransaction(old.pool, (tx) =>
    user.insert(tx, {
      id: randomUUID(),
      tenantId: old.tenant.id,
      externalId: 'left',
      phone: null,
      email: 'l@example.com',
    }),
  );
  const state = async () => (await old.pool.query(`select id, xmin::text, email from users order by id`)).rows;
  const before = await state();
  const status = await keysCommand('status').run();
  expect(status).toMatchObject({ code: 0, stderr: '' });
  expect(status.stdout).toMatch(/^users\.email +\d+ +1$/m);
  expect(status.stdout).toContain(key.slice(0, 9));
  expect(await state()).toEqual(before);

  const both = createTenants(old.pool, createTenantRows(createKeyring([k2, k1])));
  await Promise.all(Array.from({ length: 10 }, () => both.authenticate(key)));
  expect((await keysCommand('status').run()).stdout).not.toContain(key.slice(0, 9));
  const alone = createTenants(old.pool, createTenantRows(createKeyring([k2])));
  expect(await alone.authenticate(key)).toMatchObject({ scopes: ['users:read'] });
});
