import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { DeviceApproval } from '../../contracts/device';
import type { ErrorCode } from '../../domain/errors';
import { createWebCryptoKey } from '../../sdk/device';
import { expectProblem } from '../support/expectProblem';
import { countRows, send, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { ask, sendAnswer, sha256, signAnswer, unsigned } from '../support/signing';
import type { AnswerFaults, Phone } from '../support/signing';

let program: TestProgram;
let user: TestUser;
let stranger: TestUser;
let phone: Phone;
let other: Phone;
let approval: DeviceApproval;
beforeAll(async () => {
  program = await startApi();
  stranger = await addUser(program, { push: false });
}, 60_000);
beforeEach(async () => {
  user = await addUser(program, { devices: 2, push: false });
  [phone, other] = user.devices as [Phone, Phone];
  approval = await ask(program, user, { callbackUrl: 'http://127.0.0.1:9/' });
});
afterAll(() => program?.close());

const answer = async (
  decision: 'approved' | 'denied',
  { by = phone, to = approval, ...faults }: AnswerFaults & { by?: Phone; to?: DeviceApproval } = {},
) => sendAnswer(program, to.id, await signAnswer(program, by, to, decision, faults));
const read = async () => (await program.call('GET', `/v1/approvals/${approval.id}`)).body;
const events = async () => {
  const { rows } = await program.pool.query('select type from events where approval_id = $1 order by number', [
    approval.id,
  ]);
  return rows.map(({ type }) => type as string);
};

describe('an answer', () => {
  test.each(['approved', 'denied'] as const)('%s by the right device decides', async (decision) => {
    const reply = await answer(decision);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ id: approval.id, status: decision, answeredByMe: decision });
    const { approvers, ...now } = await read();
    expect(now).toMatchObject({ status: decision, reason: null, callback: { state: 'waiting' } });
    expect(approvers).toMatchObject([{ userId: user.id, decision, deviceId: phone.id }]);
    expect(approvers[0].answeredAt).toBe(now.decidedAt);
    expect(await events()).toEqual(['approval_created', `approval_${decision}`]);
  });

  test.each(['not_now', 'wrong_details', 'other'])('with the reason %s says why not', async (reason) => {
    expect((await answer('denied', { claims: { reason } })).status).toBe(200);
    expect(await read()).toMatchObject({ reason, approvers: [{ reason }] });
    expect(await events()).toEqual(['approval_created', 'approval_denied']);
  });
});

describe('an answer that is wrong is refused, and the approval goes on waiting:', () => {
  const wrong: [what: string, code: ErrorCode, faults: () => Promise<AnswerFaults> | AnswerFaults, field?: string][] = [
    ['signed by another key', 'signature_invalid', async () => ({ key: await createWebCryptoKey() })],
    ["with the name of one device and another's key", 'signature_invalid', () => ({ key: other.key })],
    ['by a device that there is not', 'signature_invalid', () => ({ header: { kid: randomUUID() } })],
    ['by nobody', 'signature_invalid', () => ({ header: { kid: undefined } })],
    ["with the device's id in capitals", 'signature_invalid', () => ({ header: { kid: phone.id.toUpperCase() } })],
    ['of another type', 'signature_invalid', () => ({ header: { typ: 'dpop+jwt' } })],
    ['without a type', 'signature_invalid', () => ({ header: { typ: undefined } })],
    ['by another algorithm', 'signature_invalid', () => ({ header: { alg: 'HS256' } })],
    ['of another tenant', 'signature_invalid', () => ({ claims: { tenantId: randomUUID() } })],
    ['of no tenant', 'signature_invalid', () => ({ claims: { tenantId: undefined } })],
    ['about another approval', 'answer_mismatch', () => ({ claims: { approvalId: randomUUID() } }), 'approvalId'],
    ['in the name of another device', 'answer_mismatch', () => ({ claims: { deviceId: other.id } }), 'deviceId'],
    ['in another mode', 'answer_mismatch', () => ({ claims: { mode: 'login' } }), 'mode'],
    ['to other words', 'answer_mismatch', () => ({ claims: { shownDigest: sha256('other') } }), 'shownDigest'],
    ['of another version', 'answer_mismatch', () => ({ claims: { v: 2 } }), 'v'],
    ['with another decision', 'answer_mismatch', () => ({ claims: { decision: 'yes' } }), 'decision'],
    ['without a decision', 'answer_mismatch', () => ({ claims: { decision: undefined } }), 'decision'],
    ['with a reason to approve', 'answer_mismatch', () => ({ claims: { reason: 'other' } }), 'reason'],
    ['with a reason of its own', 'answer_mismatch', () => ({ claims: { reason: 'bored' } }), 'reason'],
    ['without a time', 'answer_mismatch', () => ({ claims: { at: undefined } }), 'at'],
    ['that says too much', 'answer_mismatch', () => ({ claims: { more: 1 } })],
    ['with the nonce of another time', 'answer_stale', () => ({ claims: { nonce: 'another' } }), 'nonce'],
  ];
  test.each(wrong)('%s (%s)', async (_what, code, faults, ...field) => {
    const before = await countRows(program);
    const reply = await answer('approved', await faults());
    expectProblem(reply, code, field.length > 0 ? { field: field[0] } : {});
    expect(await countRows(program)).toEqual(before);
    expect(await read()).toMatchObject({ status: 'pending', decidedAt: null });
    expect((await answer('approved')).status).toBe(200);
  });

  test('by the phone of somebody else who was not asked', async () => {
    expectProblem(await answer('approved', { by: stranger.devices[0]! }), 'approval_not_found');
    expect(await read()).toMatchObject({ status: 'pending' });
  });

  test('unsigned, changed afterwards, or no answer at all', async () => {
    const good = await signAnswer(program, phone, approval, 'denied');
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const turned = Buffer.from(JSON.stringify({ ...claims, decision: 'approved' })).toString('base64url');
    const kid = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
    for (const bad of [
      `${header}.${turned}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -2)}`,
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      unsigned(kid, claims),
      'AA.AA.AA',
      `${header}.AA.${signature}`,
      `AA.${payload}.${signature}`,
    ]) {
      expectProblem(await sendAnswer(program, approval.id, bad), 'signature_invalid');
    }
    expect(await read()).toMatchObject({ status: 'pending' });
  });

  test('the right one, sent to another approval', async () => {
    const second = await ask(program, user);
    const good = await signAnswer(program, phone, approval, 'approved');
    expectProblem(await sendAnswer(program, second.id, good), 'answer_mismatch', { field: 'approvalId' });
  });

  test('the proof of another call in its place, and it in the place of a proof', async () => {
    const good = await signAnswer(program, phone, approval, 'approved');
    const reply = await send(program, { path: '/v1/device/approvals', headers: { dpop: good } });
    expectProblem(reply, 'device_unauthorized');
  });
});

describe('after a decision', () => {
  beforeEach(async () => void (await answer('approved')));

  test('the same decision of the same device is answered as the first time, whatever its bytes', async () => {
    const before = await countRows(program);
    const first = await read();
    for (const claims of [{}, { at: '2001-01-01T00:00:00Z' }]) {
      const reply = await answer('approved', { claims });
      expect([reply.status, reply.body.status]).toEqual([200, 'approved']);
    }
    expect(await read()).toEqual(first);
    expect(await countRows(program)).toEqual(before);
  });

  test('the same bytes, twenty times at once, are answered alike', async () => {
    const before = await countRows(program);
    const bytes = await signAnswer(program, phone, approval, 'approved');
    const replies = await Promise.all(Array.from({ length: 20 }, () => sendAnswer(program, approval.id, bytes)));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await countRows(program)).toEqual(before);
  });

  test.each([
    ['another decision of the same device', () => answer('denied')],
    ['another decision of another device', () => answer('denied', { by: other })],
    ['the same decision of another device', () => answer('approved', { by: other })],
  ])('%s is refused', async (_what, sendIt) => {
    const before = await countRows(program);
    expectProblem(await sendIt(), 'approval_already_decided');
    expect(await countRows(program)).toEqual(before);
    expect(await read()).toMatchObject({ status: 'approved', approvers: [{ deviceId: phone.id }] });
  });

  test('removing the device takes nothing back, and its repeat is still answered', async () => {
    await program.call('DELETE', `/v1/users/${user.id}/devices/${phone.id}`);
    expect((await answer('approved')).status).toBe(200);
    expectProblem(await answer('denied'), 'device_removed');
    expect((await read()).status).toBe('approved');
  });
});

describe('an answer that comes too late is refused', () => {
  test('after the deadline: the expiry is written, once', async () => {
    await program.pool.query('update approvals set expires_at = clock_timestamp() where id = $1', [approval.id]);
    const replies = await Promise.all([answer('approved'), answer('denied', { by: other }), answer('denied')]);
    for (const reply of replies) expectProblem(reply, 'approval_expired');
    const { rows } = await program.pool.query('select status from approvals where id = $1', [approval.id]);
    expect(rows).toEqual([{ status: 'expired' }]);
    expect(await events()).toEqual(['approval_created', 'approval_expired']);
    expect(await read()).toMatchObject({ approvers: [{ decision: null }], callback: { state: 'waiting' } });
  });

  test('after it was cancelled', async () => {
    await program.call('POST', `/v1/approvals/${approval.id}/cancel`);
    expectProblem(await answer('approved'), 'approval_cancelled');
    expect((await read()).status).toBe('cancelled');
  });

  test('after the device was removed, and goes on waiting for the other', async () => {
    await program.call('DELETE', `/v1/users/${user.id}/devices/${phone.id}`);
    expectProblem(await answer('approved'), 'device_removed');
    expect((await read()).status).toBe('pending');
    expect((await answer('denied', { by: other })).status).toBe(200);
  });

  test('after the user was removed: that cancelled it', async () => {
    await program.call('DELETE', `/v1/users/${user.id}`);
    expectProblem(await answer('approved'), 'device_removed');
    expect(await read()).toMatchObject({ status: 'cancelled', callback: { state: 'waiting' } });
  });
});

test('who guesses signatures is slowed down, and the right phone elsewhere is not', async () => {
  const key = await createWebCryptoKey();
  const codes = new Set<number>();
  for (let i = 0; i < 70; i++) codes.add((await answer('approved', { key })).status);
  expect(codes).toEqual(new Set([401, 429]));
  const limited = await answer('approved', { key });
  expectProblem(limited, 'too_many_requests');
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
  const elsewhere = await ask(program, user);
  expect((await answer('approved', { to: elsewhere })).status).toBe(200);
});
