import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Device } from '../../sdk/device';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
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
