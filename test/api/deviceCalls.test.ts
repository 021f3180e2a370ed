import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createWebCryptoKey } from '../../sdk/device';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { ask, callAs, currentNonce, proveCall, sendProven, sha256, unsigned } from '../support/signing';
import type { Phone, ProofFaults } from '../support/signing';

let program: TestProgram;
let user: TestUser;
let phone: Phone;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  user = await addUser(program, { devices: 2, push: false });
  phone = user.devices[0]!;
});
afterAll(() => program?.close());

const INBOX = { path: '/v1/device/approvals' };
const PUSH = { method: 'PUT', path: '/v1/device/push-target', body: '{"kind":"simulated","token":"t"}' };
const LEAVE = { method: 'DELETE', path: '/v1/device' };

const pushTargetOf = async (id: string) => {
  const { rows } = await program.pool.query(
    'select push_kind, push_token is null as empty from devices where id = $1',
    [id],
  );
  return rows[0];
};

describe('the proof of a call', () => {
  test('is good for this call, whatever its query', async () => {
    expect((await callAs(program, phone, INBOX)).status).toBe(200);
    expect((await callAs(program, phone, { ...INBOX, query: '?wait=0' })).status).toBe(200);
    expect((await callAs(program, phone, PUSH)).status).toBe(204);
    expect(await pushTargetOf(phone.id)).toEqual({ push_kind: 'simulated', empty: false });
  });

  test('may name any address under which this server is known', async () => {
    const htu = `http://localhost:${new URL(program.url).port}${INBOX.path}`;
    expect((await callAs(program, phone, INBOX, { claims: { htu } })).status).toBe(200);
  });

  const faults: [string, (own: Phone) => ProofFaults][] = [
    ['for another method', () => ({ claims: { htm: 'POST' } })],
    ['for a method in small letters', () => ({ claims: { htm: 'put' } })],
    ['for another path', () => ({ claims: { htu: `${program.url}/v1/device` } })],
    ['for another server', () => ({ claims: { htu: `https://example.com${PUSH.path}` } })],
    ['with a query in its address', () => ({ claims: { htu: `${program.url}${PUSH.path}?a=1` } })],
    ['for another body', () => ({ claims: { bth: sha256('{"kind":"none"}') } })],
    ['for no body', () => ({ claims: { bth: undefined } })],
    ['without jti', () => ({ claims: { jti: undefined } })],
    ['with a short jti', () => ({ claims: { jti: '1234567' } })],
    ['with a NUL in its jti', () => ({ claims: { jti: 'good until\u0000here' } })],
    ['that says too much', () => ({ claims: { iat: 1 } })],
    ['of another type', () => ({ header: { typ: 'countersign-answer+jwt' } })],
    ['without a type', () => ({ header: { typ: undefined } })],
    ['of a registration', () => ({ header: { typ: 'countersign-registration+jwt' } })],
    ['by nobody', () => ({ header: { kid: undefined } })],
    ['by a device that there is not', () => ({ header: { kid: randomUUID() } })],
    ["with a device's id in capitals", ({ id }) => ({ header: { kid: id.toUpperCase() } })],
    ['with an id that is none', () => ({ header: { kid: "' or 1=1" } })],
    ['by another algorithm', () => ({ header: { alg: 'HS256' } })],
  ];
  test.each(faults)('%s is refused', async (_what, faultsOf) => {
    const before = await countRows(program);
    expectProblem(await callAs(program, phone, PUSH, faultsOf(phone)), 'device_unauthorized');
    expect(await countRows(program)).toEqual(before);
    expect(await pushTargetOf(phone.id)).toEqual({ push_kind: 'none', empty: true });
  });

  test('is refused when it is missing, empty, none, unsigned, by another key, or long', async () => {
    const other = await createWebCryptoKey();
    const nothing = unsigned({ typ: 'dpop+jwt', kid: phone.id }, { jti: randomUUID(), htm: 'GET' });
    const good = await proveCall(program, phone, INBOX);
    for (const dpop of [undefined, '', 'x', nothing, `${good}, ${good}`, 'x'.repeat(4_097)]) {
      const reply = await sendProven(program, INBOX, dpop);
      expectProblem(reply, 'device_unauthorized');
      expect(reply.headers['dpop-nonce']).toMatch(/^[\w-]{43}$/);
    }
    expectProblem(await callAs(program, phone, INBOX, { key: other }), 'device_unauthorized');
    expectProblem(await callAs(program, phone, INBOX, { key: user.devices[1]!.key }), 'device_unauthorized');
  });

  test('needs a nonce of the last minutes, and every reply brings one', async () => {
    for (const nonce of [undefined, '', 'x', sha256('an old one')]) {
      const reply = await callAs(program, phone, INBOX, { claims: { nonce } });
      expectProblem(reply, 'nonce_required');
      const { 'dpop-nonce': fresh } = reply.headers;
      expect((await callAs(program, phone, INBOX, { claims: { nonce: fresh } })).status).toBe(200);
    }
    expect((await callAs(program, phone, INBOX)).headers['dpop-nonce']).toBe(await currentNonce(program));
  });

  test('changes something once: repeated, or with the same jti, it is refused', async () => {
    const jti = randomUUID();
    const proof = await proveCall(program, phone, PUSH, { claims: { jti } });
    expect((await sendProven(program, PUSH, proof)).status).toBe(204);
    expectProblem(await sendProven(program, PUSH, proof), 'proof_reused');
    const none = { ...PUSH, body: '{"kind":"none"}' };
    expectProblem(await callAs(program, phone, none, { claims: { jti } }), 'proof_reused');
    expectProblem(await callAs(program, phone, LEAVE, { claims: { jti } }), 'proof_reused');
    expect(await pushTargetOf(phone.id)).toEqual({ push_kind: 'simulated', empty: false });
    // It is this phone's alone: another may happen to choose the same.
    expect((await callAs(program, user.devices[1]!, PUSH, { claims: { jti } })).status).toBe(204);
  });

  test('used twenty times at once changes something once', async () => {
    const proof = await proveCall(program, phone, PUSH);
    const replies = await Promise.all(Array.from({ length: 20 }, () => sendProven(program, PUSH, proof)));
    expect(replies.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 204)) expectProblem(reply, 'proof_reused');
  });

  test('may read as often as it likes', async () => {
    const proof = await proveCall(program, phone, INBOX);
    for (let i = 0; i < 3; i++) expect((await sendProven(program, INBOX, proof)).status).toBe(200);
  });
});

describe('a removed device', () => {
  test.each([
    ['by itself', () => callAs(program, phone, LEAVE)],
    ['by its tenant', () => program.call('DELETE', `/v1/users/${user.id}/devices/${phone.id}`)],
  ])('(%s) can do nothing more, and is gone from the list', async (_by, remove) => {
    await callAs(program, phone, PUSH);
    expect((await remove()).status).toBe(204);
    for (const call of [INBOX, PUSH, LEAVE, { path: `${INBOX.path}/${randomUUID()}` }]) {
      expectProblem(await callAs(program, phone, call), 'device_unauthorized');
    }
    expect(await pushTargetOf(phone.id)).toEqual({ push_kind: 'none', empty: true });
    const { body } = await program.call('GET', `/v1/users/${user.id}/devices`);
    expect(body.devices).toMatchObject([{ id: user.devices[1]!.id }]);
    expectProblem(await program.call('DELETE', `/v1/users/${user.id}/devices/${phone.id}`), 'device_not_found');
  });

  test('that was the last leaves a user who cannot be asked', async () => {
    for (const { id } of user.devices) await program.call('DELETE', `/v1/users/${user.id}/devices/${id}`);
    const before = await countRows(program);
    expectProblem(await program.call('POST', '/v1/approvals', { userId: user.id, title: 'x' }), 'no_device');
    expect(await countRows(program)).toEqual(before);
  });

  test('is removed once, also by itself and its tenant at once', async () => {
    const before = await countRows(program);
    const replies = await Promise.all([
      ...Array.from({ length: 5 }, () => callAs(program, phone, LEAVE)),
      ...Array.from({ length: 5 }, () => program.call('DELETE', `/v1/users/${user.id}/devices/${phone.id}`)),
    ]);
    expect(replies.filter(({ status }) => status >= 500)).toEqual([]);
    expect((await countRows(program))['events']).toBe(before['events']! + 1);
  });
});

test('a push target can be set, replaced and taken away', async () => {
  for (const [body, expected] of [
    ['{"kind":"simulated","token":"first"}', { push_kind: 'simulated', empty: false }],
    ['{"kind":"simulated","token":"second"}', { push_kind: 'simulated', empty: false }],
    ['{"kind":"none"}', { push_kind: 'none', empty: true }],
  ] as const) {
    expect((await callAs(program, phone, { ...PUSH, body })).status).toBe(204);
    expect(await pushTargetOf(phone.id)).toEqual(expected);
  }
});

test('a phone sees its own push target nowhere: the token is sealed', async () => {
  await callAs(program, phone, { ...PUSH, body: '{"kind":"simulated","token":"planted-marker"}' });
  const { rows } = await program.pool.query('select push_token from devices where id = $1', [phone.id]);
  expect((rows[0].push_token as Buffer).includes('planted-marker')).toBe(false);
  const approval = await ask(program, user);
  expect(JSON.stringify(approval)).not.toContain('planted-marker');
});
