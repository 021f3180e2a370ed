import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import type { Device } from '../../sdk/device';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import type { Countersign } from '../../sdk/server';
import { createCountersign, verifyEvidence } from '../../sdk/server';
import type { TestProgram } from '../support/program';
import { startTestProgram } from '../support/program';

let program: TestProgram;
let backend: Countersign;
let device: Device;
let userId: string;

beforeAll(async () => {
  program = await startTestProgram({ temporalAddress: '127.0.0.1:1' });
  backend = createCountersign({ baseUrl: program.url, apiKey: program.tenant.apiKey });
  userId = (await backend.users.create({ externalId: 'anna' })).id;
  device = createDevice({ baseUrl: program.url, key: await createWebCryptoKey() });
  const { registrationToken } = await backend.users.createRegistrationToken(userId);
  await device.register(registrationToken, { name: 'Phone', platform: 'test' });
}, 30_000);
afterAll(() => program.close());

const ask = (expiresInSeconds = 300) =>
  backend.approvals.create({
    userId,
    mode: 'transaction',
    title: 'Pay 5 € to Zoë?',
    hiddenDetails: { order: 7 },
    expiresInSeconds,
    push: 'none',
  });

test.each<[string, (approvalId: string) => Promise<unknown>]>([
  ['pending', () => Promise.resolve()],
  ['approved', async (id) => device.answer(await device.show(id), 'approved')],
  ['denied', async (id) => device.answer(await device.show(id), 'denied', 'wrong_details')],
  ['cancelled', (id) => backend.approvals.cancel(id)],
])('the evidence of an approval that is %s is good, and good for these keys only', async (status, bring) => {
  const { id } = await ask();
  await bring(id);
  const jws = await backend.approvals.evidence(id);
  const { checks, evidence } = await verifyEvidence(jws, await backend.keys());
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(evidence).toMatchObject({
    approval: { id, status },
    answers: { length: ['approved', 'denied'].includes(status) ? 1 : 0 },
  });
  expect(await verifyEvidence(jws, { keys: [] })).toMatchObject({ valid: false });
});

test('the evidence of an approval that nobody answered is good', async () => {
  const { id } = await ask(10);
  expect(await backend.approvals.wait(id)).toMatchObject({ status: 'expired' });
  const report = await verifyEvidence(await backend.approvals.evidence(id), await backend.keys());
  expect(report).toMatchObject({ valid: true, evidence: { approval: { status: 'expired' } } });
}, 60_000);

test('the inbox waits for a change, and a refusal has a code', async () => {
  const { cursor } = await device.inbox();
  const waiting = device.inbox({ wait: 30, cursor });
  const { id } = await ask();
  const { approvals } = await waiting;
  const approval = approvals.find((candidate) => candidate.id === id);
  expect(approval).toMatchObject({ status: 'pending', answeredByMe: null });
  await backend.approvals.cancel(id);
  await expect(device.answer(approval!, 'approved')).rejects.toMatchObject({ status: 409, code: 'approval_cancelled' });
  await expect(device.show(userId)).rejects.toMatchObject({ status: 404, code: 'approval_not_found' });
});

test('a device that has unregistered is nobody', async () => {
  const { registrationToken } = await backend.users.createRegistrationToken(userId);
  const other = createDevice({ baseUrl: program.url, key: await createWebCryptoKey() });
  await other.register(registrationToken, { name: 'Other', platform: 'test' });
  await other.setPushTarget({ kind: 'simulated', token: 'other' });
  await other.unregister();
  await expect(other.inbox()).rejects.toMatchObject({ status: 401, code: 'device_unauthorized' });
});

test('an install link brings one phone, and its person enables two-factor authentication', async () => {
  const { id: personId } = await backend.users.create({ externalId: 'ben' });
  const { id, link, linkSms } = await backend.onboardings.start(personId, { method: 'push' });
  expect(linkSms).toEqual({ state: 'none' }); // no phone number
  const [first, second] = [await openInstallLink(link!), await openInstallLink(link!)];
  expect(second.baseUrl).toBe(program.url);

  const step = backend.onboardings.wait(id, { leaves: 'waiting_for_device' });
  const phone = createDevice({ baseUrl: second.baseUrl, key: await createWebCryptoKey() });
  await phone.register(second.registrationToken, { name: 'Phone', platform: 'test' });
  expect(await step).toMatchObject({ status: 'waiting_for_confirmation', deviceId: phone.identity?.deviceId });
  await expect(openInstallLink(link!)).rejects.toMatchObject({ status: 401, code: 'install_link_invalid' });
  const late = createDevice({ baseUrl: first.baseUrl, key: await createWebCryptoKey() });
  await expect(late.register(first.registrationToken, { name: 'Late', platform: 'test' })).rejects.toMatchObject({
    code: 'registration_token_invalid',
  });

  const end = backend.onboardings.wait(id);
  const { approvals } = await phone.inbox();
  await phone.answer(approvals[0]!, 'approved');
  expect(await end).toMatchObject({ status: 'enabled', approvalId: approvals[0]!.id });
  expect(await backend.onboardings.list(personId)).toEqual([await end]);
  expect(await backend.users.listMethods(personId)).toMatchObject({
    methods: [{ method: 'push' }],
    twoFactorEnabled: true,
  });
});

test('for an app of one’s own there is a token instead of a link, and a new one when it is too late', async () => {
  const { id: personId } = await backend.users.create({ externalId: 'cleo' });
  const { id, link, registrationToken } = await backend.onboardings.start(personId, { method: 'push', ownApp: true });
  expect({ link, given: registrationToken?.registrationToken }).toEqual({ link: null, given: expect.any(String) });
  const renewed = await backend.onboardings.createToken(id);
  const phone = createDevice({ baseUrl: program.url, key: await createWebCryptoKey() });
  await phone.register(renewed.registrationToken, { name: 'Phone', platform: 'test' });
  expect(await backend.onboardings.get(id)).toMatchObject({ status: 'waiting_for_confirmation' });
  await expect(backend.onboardings.createToken(id)).rejects.toMatchObject({ code: 'wrong_step' });
  expect(await backend.onboardings.cancel(id)).toMatchObject({ status: 'cancelled', reason: 'requested' });
});

test('a person may choose a code instead, which a wrong one is not', async () => {
  const { id: personId } = await backend.users.create({ externalId: 'dora' });
  const { id } = await backend.onboardings.start(personId);
  const { totp, status } = await backend.onboardings.chooseMethod(id, 'totp');
  expect({ status, uri: totp?.uri }).toEqual({
    status: 'waiting_for_code',
    uri: expect.stringMatching(/^otpauth:\/\/totp\//),
  });
  const app = new TOTP({ secret: Secret.fromBase32(totp!.secret) });
  const wrong = [-9, 9].map((steps) => app.generate({ timestamp: Date.now() + steps * 30_000 }));
  const unlike = wrong.find((code) => app.validate({ token: code, window: 2 }) === null);
  await expect(backend.onboardings.enterCode(id, unlike!)).rejects.toMatchObject({ code: 'code_wrong' });
  expect(await backend.onboardings.enterCode(id, app.generate())).toMatchObject({ status: 'enabled', method: 'totp' });
});
