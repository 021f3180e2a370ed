import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import type { Countersign, EventView } from '../../sdk/server';
import { createCountersign, verifyWebhook } from '../../sdk/server';
import { snippetWith } from '../docs/markdown';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { createPageLoader } from './pages';
import { startShell } from './shell';
import type { Shell } from './shell';

const PAGE = 'docs/how-to/enable-push.md';

/** The page, run as it stands there. */
let program: TestProgram;
let backend: Countersign;
let receiver: Receiver;
let home: string;
let shell: Shell;
const pages = createPageLoader();
const before = { ...process.env };

beforeAll(async () => {
  program = await startTestProgram();
  backend = createCountersign({ baseUrl: program.url, apiKey: program.tenant.apiKey });
  process.env['API'] = program.url;
  process.env['KEY'] = program.tenant.apiKey;
}, 60_000);
afterAll(async () => {
  process.env = before;
  pages.remove();
  await program?.close();
});
beforeEach(async () => {
  receiver = await startReceiver();
  home = await mkdtemp(path.join(os.tmpdir(), 'countersign-onboarding-'));
  shell = startShell({ COUNTERSIGN_HOME: home });
});
afterEach(async () => {
  await shell.close();
  await receiver.close();
  await rm(home, { recursive: true });
});

/** What the page's block with this text says; the phone's file lies in our folder. */
const run = (text: string) =>
  shell.run(snippetWith(PAGE, 'sh', text).replaceAll('anna.json', path.join(home, 'anna.json')));

const messages = async () => {
  const { body } = await program.call('GET', '/v1/simulator/messages');
  return (body as { messages: { kind: string; to: string | null; approvalId: string | null }[] }).messages;
};

test('the whole story: link, phone, confirmation, enabled; and the back end is told each step', async () => {
  const { secret } = await backend.webhooks.create({ url: receiver.url });

  expect(await run('waiting_for_device')).toBe('waiting_for_device');
  await until(async () => (await messages()).find(({ kind }) => kind === 'sms'));
  expect(await run('LINK=')).toContain(`${program.url}/install#il_`);

  const registered = await run('register "$LINK"');
  expect(registered).toContain('Registered as device');
  expect(registered).toContain('Enable two-factor authentication');
  expect(registered.split('\n').at(-1)).toBe('waiting_for_confirmation');

  const confirmed = await run('approve $APPROVAL_ID');
  expect(confirmed).toContain('You approved it. It is approved.');
  expect(confirmed.split('\n').at(-1)).toBe('enabled');

  const listed = snippetWith(PAGE, 'text', 'onboarding_started').trim();
  expect(await run('/v1/events')).toBe(listed);

  const ours = await until(async () => {
    const told = receiver.received.map((one): EventView => verifyWebhook({ ...one, secret }));
    return told.some(({ type }) => type === 'two_factor_enabled') && told;
  });
  const [started] = ours.filter(({ type }) => type === 'onboarding_started');
  const { onboardingId, userId } = started!.data as { onboardingId: string; userId: string };
  expect(
    ours
      .filter(({ data }) => data['onboardingId'] === onboardingId)
      .map(({ type }) => type)
      .join('\n'),
  ).toBe(listed);

  const [device] = await backend.users.listDevices(userId);
  const told = (type: string) => ours.find((event) => event.type === type)?.data;
  expect(told('device_registration_complete')).toEqual({ userId, onboardingId, deviceId: device!.id });
  expect(told('two_factor_enabled')).toEqual({ userId, onboardingId, method: 'push' });
  expect(await backend.onboardings.list(userId)).toMatchObject([{ id: onboardingId, status: 'enabled' }]);
  const { body } = await program.call('GET', `/v1/users/${userId}/methods`);
  expect(body.methods).toMatchObject([{ method: 'push' }]);
}, 120_000);

test('the back end’s code: it follows the person step by step', async () => {
  type Page = {
    enablePush(userId: string): Promise<{ onboardingId: string; link: string | null }>;
    nextStep(onboardingId: string, shown: string): Promise<{ status: string; linkSms: string }>;
    isEnabled(onboardingId: string): Promise<boolean>;
  };
  const { enablePush, nextStep, isEnabled } = pages.load<Page>('enable-push', 'enablePush');
  const { id: userId } = await backend.users.create({ externalId: 'ben', phone: '+43 664 7654321' });

  const { onboardingId, link } = await enablePush(userId);
  const step = nextStep(onboardingId, 'waiting_for_device');
  const { baseUrl, registrationToken } = await openInstallLink(link!);
  const phone = createDevice({ baseUrl, key: await createWebCryptoKey() });
  await phone.register(registrationToken, { name: 'Phone', platform: 'test' });
  expect(await step).toMatchObject({ status: 'waiting_for_confirmation' });

  const enabled = isEnabled(onboardingId);
  const { approvals } = await phone.inbox({ wait: 10 });
  await phone.answer(approvals[0]!, 'approved');
  expect(await enabled).toBe(true);

  const second = await enablePush((await backend.users.create({ externalId: 'cleo' })).id);
  await backend.onboardings.cancel(second.onboardingId);
  expect(await isEnabled(second.onboardingId)).toBe(false);
}, 60_000);
