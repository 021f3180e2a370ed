import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { approvalWorkflowId } from '../../workflows/approval.messages';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { readStream } from './events';
import { planOwnTemporal } from './ownTemporal';
import type { OwnTemporal } from './ownTemporal';

jest.setTimeout(90_000);

describe('Temporal absent at start', () => {
  let temporal: OwnTemporal;
  let program: TestProgram;
  let receiver: Receiver;
  let user: TestUser;
  beforeAll(async () => {
    temporal = await planOwnTemporal();
    program = await startTestProgram({ temporalAddress: temporal.address });
    receiver = await startReceiver();
    user = await addUser(program);
  });
  afterAll(async () => {
    await program?.close();
    await receiver?.close();
    await temporal?.close();
  });

  const ask = async (title: string, more = {}) =>
    (await program.call('POST', '/v1/approvals', { userId: user.id, title, callbackUrl: receiver.url, ...more })).body;
  const messages = async () => (await program.call('GET', '/v1/simulator/messages')).body.messages as object[];

  let answered: { id: string };
  let expired: { id: string };
  let open: { id: string };

  test('the program serves, and says that Temporal is away', async () => {
    expect(await program.call('GET', '/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ready', database: 'ok', temporal: 'away' },
    });
  });

  test('approvals are created, read, answered and expired, and those who wait see it', async () => {
    expired = await ask('Nobody answers', { expiresInSeconds: 10 });
    const expiring = [
      readStream(program, expired.id),
      program.call('GET', `/v1/approvals/${expired.id}?wait=30`),
    ] as const;
    answered = await ask('Answered');
    open = await ask('Answered later');
    const deciding = [
      readStream(program, answered.id),
      program.call('GET', `/v1/approvals/${answered.id}?wait=30`),
    ] as const;
    const { approvals } = await user.phone.inbox();
    expect(approvals.map(({ id }) => id)).toEqual([expired.id, answered.id, open.id]);
    await user.phone.answer(approvals[1]!, 'approved');
    expect(await deciding[0]).toEqual({ status: 200, seen: ['pending', 'approved'] });
    expect(await deciding[1]).toMatchObject({ status: 200, body: { status: 'approved' } });

    expect(await expiring[0]).toEqual({ status: 200, seen: ['pending', 'expired'] });
    const { body } = await expiring[1];
    expect(body.status).toBe('expired');
    const lateMs = Date.parse(body.decidedAt) - Date.parse(body.expiresAt);
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(2_000);
    await expect(user.phone.answer(approvals[0]!, 'approved')).rejects.toMatchObject({ code: 'approval_expired' });

    // Nothing of it needed Temporal, and nothing that does has happened.
    expect(receiver.received).toEqual([]);
    expect(await messages()).toEqual([]);
  });

  test('once it is there, pushes and callbacks follow by themselves, and workflows end', async () => {
    await temporal.start();
    await until(async () => (await program.call('GET', '/readyz')).body.temporal === 'ok', { withinMs: 30_000 });
    const told = (await receiver.wait(2)).map(({ headers }) => headers['webhook-id']);
    expect(told.sort()).toEqual([answered, expired].map(({ id }) => `cb_${id}`).sort());
    const pushed = await until(async () => {
      const all = await messages();
      return all.length > 0 && all;
    });
    expect(pushed).toMatchObject([{ approvalId: open.id }]);

    await user.phone.answer(await user.phone.show(open.id), 'denied');
    await receiver.wait(3);
    expect(JSON.parse(receiver.received[2]!.body)).toMatchObject({ type: 'approval.denied', id: `cb_${open.id}` });
    await temporal.withClient(async (client) => {
      for (const { id: approvalId } of [answered, expired, open]) {
        const handle = client.workflow.getHandle(approvalWorkflowId({ tenantId: program.tenant.id, approvalId }));
        await until(async () => (await handle.describe()).status.name === 'COMPLETED', { what: 'the end' });
      }
    });
    expect(receiver.received).toHaveLength(3);
  });
});
