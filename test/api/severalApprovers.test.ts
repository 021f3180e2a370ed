import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { verifyEvidence } from '../../sdk/server';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';

let program: TestProgram;
let people: TestUser[];
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  people = await Promise.all(Array.from({ length: 3 }, () => addUser(program, { push: false })));
});
afterAll(() => program?.close());

const askedIn = ({ approvers }: { approvers: { userId: string }[] }) => approvers.map(({ userId }) => userId);
const idsOf = (users: readonly TestUser[]) => users.map(({ id }) => id);
const create = (request: object = {}) =>
  program.call('POST', '/v1/approvals', {
    approvers: idsOf(people),
    required: 2,
    mode: 'transaction',
    title: 'Pay 60,000 EUR?',
    ...request,
  });
const ask = async (request: object = {}): Promise<string> => {
  const { status, body } = await create(request);
  expect(status).toBe(201);
  return body.id;
};
const read = async (id: string) => (await program.call('GET', `/v1/approvals/${id}`)).body;
const answer = async (who: number, id: string, decision: 'approved' | 'denied') => {
  const { phone } = people[who]!;
  return phone.answer(await phone.show(id), decision);
};
const eventsOf = async (id: string): Promise<{ type: string; data: object }[]> =>
  (await program.call('GET', `/v1/events?approvalId=${id}`)).body.events;
const typesOf = async (id: string) => (await eventsOf(id)).map(({ type }) => type);
const remove = async (who: number) =>
  expect((await program.call('DELETE', `/v1/users/${people[who]!.id}`)).status).toBe(204);
async function proofOf(id: string) {
  const { body } = await program.call('GET', `/v1/approvals/${id}/evidence`);
  const { body: keys } = await program.call('GET', '/.well-known/jwks.json');
  const report = await verifyEvidence(body.evidence, keys);
  expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
  return report.evidence!;
}

describe('asking', () => {
  test('several people needs all of them unless it is said how many', async () => {
    const { body } = await create({ required: undefined });
    expect(body).toMatchObject({ status: 'pending', required: 3, missing: 3, veto: false, requestedBy: null });
    expect(askedIn(body)).toEqual(idsOf(people));
    expect(await read(body.id)).toEqual(body);
    expect((await create()).body).toMatchObject({ required: 2, missing: 2 });
  });

  test('never asks the person who requested it', async () => {
    const { body } = await create({ requestedBy: people[1]!.id });
    expect(body).toMatchObject({ required: 2, requestedBy: people[1]!.id });
    expect(askedIn(body)).toEqual([people[0]!.id, people[2]!.id]);
    expect((await people[1]!.phone.inbox()).approvals).toEqual([]);
    await expect(people[1]!.phone.show(body.id)).rejects.toMatchObject({ code: 'approval_not_found' });
    expect((await create({ required: undefined, requestedBy: people[1]!.id })).body.required).toBe(2);
  });

  test.each([
    ['more than there are', () => ({ required: 4 }), 'too_few_approvers', 'approvers'],
    [
      'as many as there are, the requester among them',
      () => ({ required: 3, requestedBy: people[0]!.id }),
      'too_few_approvers',
      'approvers',
    ],
    [
      'the requester alone',
      () => ({ approvers: [people[0]!.id], required: 1, requestedBy: people[0]!.id }),
      'too_few_approvers',
      'approvers',
    ],
    ['somebody unknown', () => ({ approvers: [people[0]!.id, randomUUID()] }), 'user_not_found', 'approvers'],
    ['by somebody unknown', () => ({ requestedBy: randomUUID() }), 'user_not_found', 'requestedBy'],
    ['both ways', () => ({ userId: people[0]!.id }), 'invalid_request', 'userId'],
    ['in no way', () => ({ approvers: undefined }), 'invalid_request', 'userId'],
    ['nobody', () => ({ approvers: [] }), 'invalid_request', 'approvers'],
    [
      'one person twice',
      () => ({ approvers: [people[0]!.id, people[0]!.id.toUpperCase()] }),
      'invalid_request',
      'approvers',
    ],
    [
      '21 people',
      () => ({ approvers: Array.from({ length: 21 }, () => randomUUID()) }),
      'invalid_request',
      'approvers',
    ],
    ['none of them', () => ({ required: 0 }), 'invalid_request', 'required'],
  ] as const)('%s is refused', async (_, request, code, field) => {
    const before = await countRows(program);
    expectProblem(await create(request()), code, { field });
    expect(await countRows(program)).toEqual(before);
  });

  test('people without a phone is possible as long as enough others have one', async () => {
    const { body: bare } = await program.call('POST', '/v1/users', { externalId: randomUUID() });
    const approvers = [people[0]!.id, people[1]!.id, bare.id];
    expect((await create({ approvers })).status).toBe(201);
    expectProblem(await create({ approvers, required: 3 }), 'no_device');
  });
});

describe('two of three', () => {
  test('approve, and everybody sees how far they are', async () => {
    const id = await ask();
    const waiting = program.call('GET', `/v1/approvals/${id}?wait=30`);
    const other = people[2]!.phone;
    const { cursor } = await other.inbox();
    const changed = other.inbox({ wait: 30, cursor });
    expect(await answer(0, id, 'approved')).toMatchObject({
      status: 'pending',
      answeredByMe: 'approved',
      progress: { required: 2, people: 3, approved: 1, denied: 0, missing: 1 },
    });
    expect((await changed).approvals).toMatchObject([
      { id, answeredByMe: null, progress: { approved: 1, missing: 1 } },
    ]);
    const before = await read(id);
    expect(before).toMatchObject({ status: 'pending', missing: 1 });
    expect(before.approvers).toMatchObject([
      {
        userId: people[0]!.id,
        decision: 'approved',
        deviceId: people[0]!.devices[0]!.id,
        answeredAt: expect.any(String),
      },
      { decision: null },
      { decision: null },
    ]);
    expect(await answer(1, id, 'approved')).toMatchObject({ status: 'approved', progress: { missing: 0 } });
    expect((await waiting).body).toMatchObject({ status: 'approved', missing: 0 });
    expect((await other.inbox()).approvals).toEqual([]);
    await expect(answer(2, id, 'denied')).rejects.toMatchObject({ code: 'approval_already_decided' });
    expect(await eventsOf(id)).toMatchObject([
      { type: 'approval_created', data: { mode: 'transaction' } },
      { type: 'approval_answered', data: { decision: 'approved', userId: people[0]!.id } },
      { type: 'approval_approved' },
    ]);
    expect(await proofOf(id)).toMatchObject({
      rule: { required: 2, approvers: idsOf(people), veto: false, withdrawn: [] },
    });
  });

  test('are people: a second phone of one of them counts nothing more', async () => {
    people[0] = await addUser(program, { devices: 2, push: false });
    const id = await ask();
    await answer(0, id, 'approved');
    const second = people[0].devices[1]!.device;
    for (const decision of ['approved', 'denied'] as const) {
      await expect(second.answer(await second.show(id), decision)).rejects.toMatchObject({ code: 'already_answered' });
    }
    expect(await answer(0, id, 'approved')).toMatchObject({ status: 'pending' }); // said once more
    expect(await read(id)).toMatchObject({ missing: 1 });
    expect(await typesOf(id)).toEqual(['approval_created', 'approval_answered']);
  });

  test('deny as soon as two can no longer approve', async () => {
    const id = await ask();
    expect(await answer(0, id, 'denied')).toMatchObject({ status: 'pending', progress: { denied: 1, missing: 2 } });
    await answer(1, id, 'approved');
    expect(await answer(2, id, 'denied')).toMatchObject({ status: 'denied' });
    expect(await typesOf(id)).toEqual([
      'approval_created',
      'approval_answered',
      'approval_answered',
      'approval_denied',
    ]);
    await proofOf(id);
  });

  test('with a veto deny by one', async () => {
    const id = await ask({ veto: true });
    await answer(0, id, 'approved');
    expect(await answer(1, id, 'denied')).toMatchObject({ status: 'denied' });
    expect(await proofOf(id)).toMatchObject({ rule: { veto: true }, approval: { status: 'denied' } });
  });

  test('stream every step', async () => {
    const id = await ask();
    const leaving = new AbortController();
    const stream = await fetch(`${program.url}/v1/approvals/${id}/stream`, {
      headers: { authorization: `Bearer ${program.tenant.apiKey}` },
      signal: leaving.signal,
    });
    const missing: number[] = [];
    let text = '';
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const seen = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as { missing: number });
      for (const one of seen.slice(missing.length)) {
        missing.push(one.missing);
        if (one.missing > 0) await answer(2 - one.missing, id, 'approved');
      }
    }
    expect(missing).toEqual([2, 1, 0]);
  });
});

describe('a removed', () => {
  test('user no longer counts: the vote is withdrawn, and the others go on', async () => {
    const id = await ask();
    await answer(0, id, 'approved');
    await remove(0);
    const after = await read(id);
    expect(after).toMatchObject({ status: 'pending', missing: 2 });
    expect(after.approvers[0]).toMatchObject({ decision: 'approved', withdrawnAt: expect.any(String) });
    expect((await people[1]!.phone.show(id)).progress).toEqual({
      required: 2,
      people: 2,
      approved: 0,
      denied: 0,
      missing: 2,
    });
    await answer(1, id, 'approved');
    expect(await answer(2, id, 'approved')).toMatchObject({ status: 'approved' });
    expect(await typesOf(id)).toEqual([
      'approval_created',
      'approval_answered',
      'approver_withdrawn',
      'approval_answered',
      'approval_approved',
    ]);
    const { answers, rule } = await proofOf(id);
    expect(answers.map(({ countedAs }) => countedAs)).toEqual([null, 'approved', 'approved']);
    expect(rule.withdrawn).toMatchObject([{ userId: people[0]!.id, afterAnswers: 1 }]);
  });

  test('user without whom too few are left cancels it', async () => {
    const id = await ask();
    await answer(0, id, 'denied');
    await remove(1);
    expect(await read(id)).toMatchObject({ status: 'cancelled' });
    expect(await typesOf(id)).toEqual(['approval_created', 'approval_answered', 'approval_cancelled']);
    await proofOf(id);
  });

  test('user after the decision changes nothing', async () => {
    const id = await ask();
    await answer(0, id, 'approved');
    await answer(1, id, 'approved');
    const before = await read(id);
    await remove(0);
    expect(await read(id)).toEqual(before);
    expect((await proofOf(id)).answers.map(({ countedAs }) => countedAs)).toEqual(['approved', 'approved']);
  });

  test('user is not counted by a decision either that comes before the approval was told of the removal', async () => {
    const id = await ask();
    await answer(0, id, 'approved');
    // As a process leaves it that is killed between the two.
    await program.pool.query('update users set removed_at = clock_timestamp() where id = $1', [people[0]!.id]);
    expect(await answer(1, id, 'approved')).toMatchObject({ status: 'pending', progress: { approved: 1, people: 2 } });
    await program.pool.query('update users set removed_at = clock_timestamp() where id = $1', [people[1]!.id]);
    await expect(answer(2, id, 'approved')).rejects.toMatchObject({ code: 'approval_cancelled' });
    expect(await read(id)).toMatchObject({ status: 'cancelled' });
    await proofOf(id);
  });

  test('device withdraws nothing', async () => {
    const id = await ask();
    await answer(0, id, 'approved');
    await people[0]!.phone.unregister();
    expect(await answer(1, id, 'approved')).toMatchObject({ status: 'approved' });
    expect(await typesOf(id)).toEqual(['approval_created', 'approval_answered', 'approval_approved']);
    await proofOf(id);
  });
});
