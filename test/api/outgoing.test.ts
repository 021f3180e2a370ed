import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyCallback } from '../../sdk/server';
import { expectProblem } from '../support/expectProblem';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { ask, callAs, sendAnswer, signAnswer } from '../support/signing';
import { until } from '../support/until';

/** What calls of the API make the program send: pushes and callbacks. With its workflows. */
let program: TestProgram;
let receiver: Receiver;
let user: TestUser;
beforeAll(async () => {
  program = await startTestProgram();
  receiver = await startReceiver();
}, 60_000);
beforeEach(async () => void (user = await addUser(program)));
afterAll(async () => {
  await receiver?.close();
  await program?.close();
});

const read = async (id: string) => (await program.call('GET', `/v1/approvals/${id}`)).body;
const pushesOf = async (id: string) => {
  const { body } = await program.call('GET', '/v1/simulator/messages');
  return (body.messages as { approvalId: string; deviceId: string }[]).filter(({ approvalId }) => approvalId === id);
};
const pushState = (id: string, state: string) =>
  until(async () => (await read(id)).push.state === state, { what: `push ${state}` });
const eventsOf = async (id: string) => {
  const { rows } = await program.pool.query('select type from events where approval_id = $1 order by number', [id]);
  return rows.map(({ type }) => type as string);
};
/** The callbacks about an approval, once there are so many; verified. */
const callbacksOf = async (id: string) => {
  const all = () =>
    receiver.received
      .map((one) => verifyCallback({ ...one, signingKey: program.tenant.signingKey }))
      .filter(({ data }) => data.id === id);
  await until(async () => all().length > 0, { what: 'a callback' });
  return all();
};

describe('the reason not_me', () => {
  test('is an event of its own, and leaves the person in peace: no push for the next approval', async () => {
    const first = await ask(program, user);
    await pushState(first.id, 'sent');
    await user.phone.answer(first, 'denied', 'not_me');
    expect(await eventsOf(first.id)).toEqual(['approval_created', 'login_reported', 'approval_denied']);
    expect(await read(first.id)).toMatchObject({ status: 'denied', reason: 'not_me' });

    const second = await ask(program, user);
    await pushState(second.id, 'muted');
    expect(await pushesOf(second.id)).toEqual([]);
    expect((await user.phone.inbox()).approvals).toEqual([second]); // to be seen and answered all the same
    await user.phone.answer(second, 'approved');
    expect(await read(second.id)).toMatchObject({ status: 'approved' });

    const other = await addUser(program);
    const third = await ask(program, other);
    await pushState(third.id, 'sent');
  });

  test('lasts twenty minutes', async () => {
    await user.phone.answer(await ask(program, user), 'denied', 'not_me');
    const { rows } = await program.pool.query(
      `select extract(epoch from until - clock_timestamp())::float / 60 as minutes from push_mutes where user_id = $1`,
      [user.id],
    );
    expect(rows[0].minutes).toBeGreaterThan(19.5);
    expect(rows[0].minutes).toBeLessThanOrEqual(20);
    await program.pool.query('update push_mutes set until = clock_timestamp() where user_id = $1', [user.id]);
    await pushState((await ask(program, user)).id, 'sent');
  });

  test.each(['not_now', 'other'] as const)('is the only one that does: %s does not', async (reason) => {
    const first = await ask(program, user);
    await user.phone.answer(first, 'denied', reason);
    expect(await eventsOf(first.id)).toEqual(['approval_created', 'approval_denied']);
    await pushState((await ask(program, user)).id, 'sent');
  });
});

describe('a push', () => {
  test('goes to every phone of the person once, and once more with every resend', async () => {
    const both = await addUser(program, { devices: 2 });
    const { id } = await ask(program, both);
    await pushState(id, 'sent');
    const phones = both.devices.map((device) => device.id).sort();
    expect((await pushesOf(id)).map(({ deviceId }) => deviceId).sort()).toEqual(phones);
    expect((await program.call('POST', `/v1/approvals/${id}/resend`)).body.push.state).toBe('waiting');
    await until(async () => (await pushesOf(id)).length === 4, { what: 'the second round' });
    await pushState(id, 'sent');
  });

  test('goes nowhere without a target, or where the back end tells the phone itself', async () => {
    const phone = user.devices[0]!;
    const ours = await ask(program, user, { push: 'none' });
    expect((await read(ours.id)).push).toEqual({ by: 'none', state: 'none' });
    await callAs(program, phone, { method: 'PUT', path: '/v1/device/push-target', body: '{"kind":"none"}' });
    const { id } = await ask(program, user);
    await pushState(id, 'none');
    expect(await pushesOf(id)).toEqual([]);
    expect(await pushesOf(ours.id)).toEqual([]);
  });
});

describe('the back end hears the outcome by callback', () => {
  test('when its user was removed: of every approval that was open, and of no other', async () => {
    const callbackUrl = receiver.url;
    const [one, two, decided] = [
      await ask(program, user, { callbackUrl }),
      await ask(program, user, { callbackUrl }),
      await ask(program, user, { callbackUrl }),
    ];
    await user.phone.answer(decided, 'approved');
    expect((await program.call('DELETE', `/v1/users/${user.id}`)).status).toBe(204);
    for (const [{ id }, type] of [
      [one, 'approval.cancelled'],
      [two, 'approval.cancelled'],
      [decided, 'approval.approved'],
    ] as const) {
      expect(await callbacksOf(id)).toMatchObject([{ type, id: `cb_${id}`, data: { id } }]);
      await until(async () => (await read(id)).callback.state === 'delivered');
    }
  });

  test('once and alike, also when fifty contradictory answers came at once from five phones', async () => {
    const family = await addUser(program, { devices: 5 });
    const approval = await ask(program, family, { callbackUrl: receiver.url });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        signAnswer(program, family.devices[i % 5]!, approval, i % 2 === 0 ? 'approved' : 'denied'),
      ),
    );
    const replies = await Promise.all(answers.map((jws) => sendAnswer(program, approval.id, jws)));
    const { status } = await read(approval.id);
    for (const reply of replies) {
      if (reply.status === 200) expect(reply.body.status).toBe(status);
      else expectProblem(reply, 'approval_already_decided');
    }
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(5);
    await until(async () => (await read(approval.id)).callback.state === 'delivered');
    expect(await callbacksOf(approval.id)).toMatchObject([{ type: `approval.${status}`, id: `cb_${approval.id}` }]);
    expect(await eventsOf(approval.id)).toEqual(['approval_created', `approval_${status}`]);
  });

  test('when it cancelled itself, once, however often it cancels', async () => {
    const { id } = await ask(program, user, { callbackUrl: receiver.url });
    await Promise.all(Array.from({ length: 5 }, () => program.call('POST', `/v1/approvals/${id}/cancel`)));
    await until(async () => (await read(id)).callback.state === 'delivered');
    expect(await callbacksOf(id)).toMatchObject([{ type: 'approval.cancelled', id: `cb_${id}` }]);
  });
});
