import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { snippetWith } from '../docs/markdown';
import { startAuthy } from '../support/authy';
import { startReceiver } from '../support/receiver';
import type { Received, Receiver } from '../support/receiver';
import { until } from '../support/until';
import { createPageLoader } from './pages';
import { startShell } from './shell';
import type { Shell } from './shell';

const PAGE = 'docs/how-to/authy-two-factor.md';

interface Page {
  openWebhook(
    body: string,
    expected: { signingKey: string; url: string },
  ): { event: string; objects: Record<string, Record<string, unknown>> }[];
  openCallback(received: Received, expected: { authyApiKey: string; url: string }): { uuid: string; status: string };
}

let app: Awaited<ReturnType<typeof startAuthy>>;
let hooks: Receiver;
let callbacks: Receiver;
let home: string;
let shell: Shell;
const pages = createPageLoader();
beforeAll(async () => {
  app = await startAuthy({ workflows: true });
  hooks = await startReceiver();
  callbacks = await startReceiver();
  home = await mkdtemp(path.join(os.tmpdir(), 'countersign-authy-'));
  const { pool, config, tenant, url } = app;
  const tenants = createTenants(pool, createTenantRows(createKeyring(config.masterKeys)));
  const { appApiKey, accessKey, apiSigningKey } = await tenants.ensureDashboardKeys(tenant.id);
  shell = startShell({
    COUNTERSIGN_HOME: home,
    COUNTERSIGN_SIMULATOR: '1', // our addresses are no https
    DATABASE_URL: config.databaseUrl,
    COUNTERSIGN_MASTER_KEYS: config.masterKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
    API: url,
    KEY: tenant.apiKey,
    AUTHY_KEY: tenant.authyApiKey,
    APP_KEY: appApiKey,
    ACCESS_KEY: accessKey,
    SIGNING_KEY: apiSigningKey,
    TENANT: (await tenants.list()).find(({ id }) => id === tenant.id)!.name,
    HOOK: hooks.url,
    CALLBACK: callbacks.url,
  });
}, 60_000);
afterAll(async () => {
  await shell?.close();
  pages.remove();
  await app?.close();
  await hooks?.close();
  await callbacks?.close();
  await rm(home, { recursive: true, force: true });
});

/** What the page's block with this text says; the phone's file lies in our folder. */
const run = (text: string) =>
  shell.run(snippetWith(PAGE, 'sh', text).replaceAll('anna.json', path.join(home, 'anna.json')));
const day = () => `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;

test('from the install to the report, by calls of the Authy API alone', async () => {
  const { openWebhook, openCallback } = pages.load<Page>('authy-two-factor', 'openWebhook');
  const days = [day()];

  const signingKey = await run('WEBHOOK_KEY=');
  expect(signingKey).toMatch(/^WSK_/);
  // It refuses variables that it does not know: those of the phone and of the tests.
  const command = snippetWith(PAGE, 'sh', '--authy-callback-url');
  expect(await shell.run(`(unset COUNTERSIGN_HOME ${'${!COUNTERSIGN_TEST@}'}\n${command})`)).toContain(callbacks.url);

  expect(await run('users/new')).toBe('false');
  await until(async () => (await app.call('GET', '/v1/simulator/messages')).text.includes('/install#il_'));
  expect(await run('LINK=')).toContain(`${app.url}/install#il_`);

  const [registered, isRegistered, waits, ...answered] = (await run('register "$LINK"'))
    .split('\n')
    .filter((line) => /^(Registered|true|.*Enable two-factor|.*You approved)/.test(line));
  expect([registered, isRegistered]).toEqual([expect.stringContaining('Registered as device'), 'true']);
  expect(waits).toContain('Enable two-factor authentication');
  expect(answered.at(-1)).toContain('You approved it. It is approved.');

  const [told] = await hooks.wait();
  const [installed] = openWebhook(told!.body, { signingKey, url: hooks.url });
  expect(installed).toMatchObject({
    event: 'device_registration_complete',
    objects: { device: { s_name: 'Terminal phone' }, user: { s_country_code: '43' } },
  });
  const authyId = Number(installed!.objects['user']!['s_authy_id']);
  const { body: status } = await app.authy('GET', `/protected/json/users/${authyId}/status`);
  expect(status).toMatchObject({
    success: true,
    status: { authy_id: authyId, registered: true, confirmed: false, devices: ['terminal'] },
  });

  const answer = await run('approval_requests/$UUID');
  expect(answer).toContain('Log in to Example Shop?');
  expect(answer.split('\n').at(-1)).toBe('approved');
  // The first of two: the test of a callback URL that is set.
  const [tested, callback] = await callbacks.wait(2);
  const signed = { authyApiKey: app.tenant.authyApiKey, url: callbacks.url };
  expect(openCallback(tested!, signed).status).toBe('denied');
  const { uuid, status: outcome } = openCallback(callback!, signed);
  expect(outcome).toBe('approved');
  const wrong = { authyApiKey: `${app.tenant.authyApiKey}x`, url: callbacks.url };
  expect(() => openCallback(callback!, wrong)).toThrow('not signed by Countersign');

  // The second of two: her confirmation was none of theirs.
  const [, responded] = (await hooks.wait(2)).flatMap(({ body }) => openWebhook(body, { signingKey, url: hooks.url }));
  expect(responded).toMatchObject({
    event: 'one_touch_request_responded',
    objects: { onetouch_request: { s_uuid: uuid, s_status: 'approved' }, user: { s_authy_id: String(authyId) } },
  });
  expect(() => openWebhook(told!.body, { signingKey: `${signingKey}x`, url: hooks.url })).toThrow('not signed');

  days.push(day()); // it may have become midnight
  const events = snippetWith(PAGE, 'text', 'user_added').trim();
  const reports = await run('date_histogram');
  expect(days.map((time) => `${time} 1\n${events}`)).toContain(reports);
}, 120_000);
