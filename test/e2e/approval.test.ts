import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verifyCallback, verifyEvidence } from '../../sdk/server';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { until } from '../support/until';
import type { Receiver } from '../support/receiver';

describe('an approval from the request to the callback', () => {
  let program: TestProgram;
  let receiver: Receiver;
  beforeAll(async () => {
    program = await startTestProgram();
    receiver = await startReceiver();
  }, 60_000);
  afterAll(async () => {
    await receiver?.close();
    await program?.close();
  });

  test('is pushed, shown, approved, told to the back end with a signature, and proved', async () => {
    const user = await addUser(program);
    const created = await program.call('POST', '/v1/approvals', {
      userId: user.id,
      title: 'Log in to the shop',
      details: [{ label: 'IP', value: '192.0.2.7' }],
      hiddenDetails: { session: 42 },
      callbackUrl: receiver.url,
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ status: 'pending', mode: 'login', hiddenDetails: { session: 42 } });

    const waiting = program.call('GET', `/v1/approvals/${created.body.id}?wait=30`);
    // An answer that comes before the push makes it superfluous.
    const pushed = await until(async () => (await program.call('GET', '/v1/simulator/messages')).body.messages[0]);
    expect(pushed).toMatchObject({ kind: 'push', approvalId: created.body.id, deviceId: user.devices[0]!.id });
    const { approvals } = await user.phone.inbox({ wait: 10 });
    expect(JSON.parse(approvals[0]!.shown)).toMatchObject({ title: 'Log in to the shop' });
    expect(approvals[0]!.shown).not.toContain('session');
    const answered = await user.phone.answer(approvals[0]!, 'approved');
    expect(answered.status).toBe('approved');
    expect((await waiting).body).toMatchObject({ status: 'approved' });

    const [callback] = await receiver.wait();
    const told = verifyCallback({ ...callback!, signingKey: program.tenant.signingKey });
    expect(told).toMatchObject({ type: 'approval.approved', id: `cb_${created.body.id}` });
    expect(callback!.headers['webhook-id']).toBe(told.id);

    const { body } = await program.call('GET', `/v1/approvals/${created.body.id}/evidence`);
    const { body: keys } = await program.call('GET', '/.well-known/jwks.json');
    const report = await verifyEvidence(body.evidence, keys);
    expect(report).toMatchObject({ valid: true });
  });
});
