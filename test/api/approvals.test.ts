import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { ask, callAs } from '../support/signing';

let program: TestProgram;
let user: TestUser;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => void (user = await addUser(program, { push: false })));
afterAll(() => program?.close());

const create = (request: object = {}) =>
  program.call('POST', '/v1/approvals', { userId: user.id, title: 'Log in', ...request });
const read = async (id: string) => (await program.call('GET', `/v1/approvals/${id}`)).body;
/** Moves the deadline to this moment. */
const letExpire = (id: string) =>
  program.pool.query(
    `update approvals set created_at = created_at - interval '1 day', expires_at = clock_timestamp() where id = $1`,
    [id],
  );

describe('creating', () => {
  test('needs a user and a title; the rest has its usual value', async () => {
    const { status, body } = await create();
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: 'pending',
      mode: 'login',
      title: 'Log in',
      details: [],
      hiddenDetails: null,
      required: 1,
      approvers: [{ userId: user.id, decision: null, reason: null, deviceId: null, answeredAt: null }],
      reason: null,
      callbackUrl: null,
      push: { by: 'us', state: 'waiting' },
      callback: { state: 'none' },
      decidedAt: null,
    });
    expect(Date.parse(body.expiresAt as string) - Date.parse(body.createdAt as string)).toBe(300_000);
    expect(await read(body.id as string)).toEqual(body);
  });

  test('takes everything at its limit', async () => {
    const details = Array.from({ length: 20 }, (_, i) => ({ label: `${i}`.repeat(50), value: 'ä'.repeat(500) }));
    const { status, body } = await create({
      mode: 'transaction',
      title: '🙂'.repeat(100),
      details,
      hiddenDetails: { ['k'.repeat(100)]: 'x'.repeat(16_384 - 107) },
      expiresInSeconds: 86_400,
      callbackUrl: `http://127.0.0.1:9/${'x'.repeat(2_048 - 19)}`,
      push: 'none',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ details, push: { by: 'none', state: 'none' } });
    expect(Date.parse(body.expiresAt as string) - Date.parse(body.createdAt as string)).toBe(86_400_000);
    expect((await create({ expiresInSeconds: 10, details: [{ label: 'a', value: '' }] })).status).toBe(201);
  });

  test('keeps texts and the order of details as they are, for the back end and for the phone', async () => {
    const title = 'Zahlung: "100 €" <b>\\ \t\n an ACME & Söhne 🙂 مرحبا';
    const details = ['z', 'a', '10', '9', 'a'].map((label, i) => ({ label, value: `${title} ${i}` }));
    const { body } = await create({ title, details });
    expect(await read(body.id as string)).toMatchObject({ title, details });
    const { shown } = await user.phone.show(body.id as string);
    expect(JSON.parse(shown)).toMatchObject({ title, details, tenant: expect.stringMatching(/^test-/) });
  });

  test('hidden details come back to the back end as they are, and reach no phone', async () => {
    const hiddenDetails = { 'secret-marker': [1, 2.5, null, true, { deep: 'secret-marker' }] };
    const { body } = await create({ hiddenDetails });
    expect(body.hiddenDetails).toEqual(hiddenDetails);
    expect((await read(body.id as string)).hiddenDetails).toEqual(hiddenDetails);
    const phone = user.devices[0]!;
    const inbox = await callAs(program, phone, { path: '/v1/device/approvals' });
    const shown = await callAs(program, phone, { path: `/v1/device/approvals/${body.id}` });
    const answered = JSON.stringify(await user.phone.answer(shown.body, 'denied'));
    for (const text of [inbox.text, shown.text, answered]) {
      expect(text).toContain(body.id);
      expect(text).not.toMatch(/secret-marker|hiddenDetails|callback/);
    }
  });

  test('an id is an id, however its letters are written', async () => {
    const { status, body } = await create({ userId: user.id.toUpperCase() });
    expect(status).toBe(201);
    expect(body.approvers[0].userId).toBe(user.id);
    expect(await read(String(body.id).toUpperCase())).toEqual(body);
  });

  test.each([
    ['ftp://example.com/', 'another scheme'],
    ['example.com/hook', 'no scheme'],
    ['https://', 'no host'],
    ['https://user:secret@example.com/', 'a password'],
    ['javascript:alert(1)', 'a script'],
    ['file:///etc/passwd', 'a file'],
    ['', 'nothing'],
    ['https://exa mple.com/', 'a space'],
  ])('with callbackUrl %j is refused: %s', async (callbackUrl) => {
    const before = await countRows(program);
    expectProblem(await create({ callbackUrl }), 'callback_url_refused', { field: 'callbackUrl' });
    expect(await countRows(program)).toEqual(before);
  });

  test('for a user without a device is refused', async () => {
    const { id } = await addUser(program, { devices: 0 });
    const before = await countRows(program);
    expectProblem(await create({ userId: id }), 'no_device');
    expect(await countRows(program)).toEqual(before);
  });
});

describe('open login approvals of one user', () => {
  test('are five at most, exactly, also when twenty are asked for at once', async () => {
    const before = await countRows(program);
    const replies = await Promise.all(Array.from({ length: 20 }, () => create()));
    const refused = replies.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(15);
    for (const reply of refused) {
      expectProblem(reply, 'too_many_open_approvals');
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const after = await countRows(program);
    expect(after['approvals']).toBe(before['approvals']! + 5);
    expect(after['approvers']).toBe(before['approvers']! + 5);
    expect(after['events']).toBe(before['events']! + 5);
  });

  test('make room when one is answered, cancelled or expires', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await create()).body.id as string);
    const frees = [
      async () => void (await user.phone.answer(await user.phone.show(ids[0]!), 'approved')),
      async () => void (await program.call('POST', `/v1/approvals/${ids[1]}/cancel`)),
      async () => void (await letExpire(ids[2]!)),
    ];
    for (const free of frees) {
      expectProblem(await create(), 'too_many_open_approvals');
      await free();
      expect((await create()).status).toBe(201);
    }
  });

  test('limit nobody else, and no transaction', async () => {
    await Promise.all(Array.from({ length: 5 }, () => create()));
    const transactions = await Promise.all(Array.from({ length: 10 }, () => create({ mode: 'transaction' })));
    expect(transactions.map(({ status }) => status)).toEqual(Array(10).fill(201));
    const other = await addUser(program, { push: false });
    expect((await create({ userId: other.id })).status).toBe(201);
  });
});

describe('the list', () => {
  test('has every approval of a user once, newest first, page by page', async () => {
    const made = await Promise.all(Array.from({ length: 12 }, () => create({ mode: 'transaction' })));
    const seen: { id: string; createdAt: string }[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await program.call('GET', `/v1/approvals?userId=${user.id}&limit=5${cursor}`);
      seen.push(...body.approvals);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen.map(({ id }) => id).sort()).toEqual(made.map(({ body }) => body.id as string).sort());
    const times = seen.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('by status tells what is true now, also of a deadline that nobody has noticed yet', async () => {
    const [approved, denied, cancelled, expired, pending] = [
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
    ];
    await user.phone.answer(approved, 'approved');
    await user.phone.answer(denied, 'denied');
    await program.call('POST', `/v1/approvals/${cancelled.id}/cancel`);
    await letExpire(expired.id);
    const list = async (status: string) =>
      (await program.call('GET', `/v1/approvals?userId=${user.id}&status=${status}`)).body.approvals;
    const expected = { pending, expired, approved, denied, cancelled };
    for (const [status, { id }] of Object.entries(expected)) {
      expect(await list(status)).toMatchObject([{ id, status }]);
    }
    expect(await list('expired')).toHaveLength(1); // by now it is written
  });
});

describe('cancelling', () => {
  test('ends an open approval, and repeating it is harmless', async () => {
    const { id } = await ask(program, user);
    const first = await program.call('POST', `/v1/approvals/${id}/cancel`);
    expect(first.body).toMatchObject({ status: 'cancelled', decidedAt: expect.any(String) });
    const before = await countRows(program);
    const again = await program.call('POST', `/v1/approvals/${id}/cancel`);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await countRows(program)).toEqual(before);
    expect((await user.phone.inbox()).approvals).toEqual([]);
  });

  test.each(['approved', 'denied'] as const)('comes too late for one that is %s', async (decision) => {
    const approval = await ask(program, user);
    await user.phone.answer(approval, decision);
    expectProblem(await program.call('POST', `/v1/approvals/${approval.id}/cancel`), 'approval_already_decided');
    expect((await read(approval.id)).status).toBe(decision);
  });

  test('past the deadline writes the expiry', async () => {
    const { id } = await ask(program, user);
    await letExpire(id);
    expectProblem(await program.call('POST', `/v1/approvals/${id}/cancel`), 'approval_expired');
    expect((await read(id)).status).toBe('expired');
  });
});

describe('resending', () => {
  const resend = (id: string) => program.call('POST', `/v1/approvals/${id}/resend`);

  test('is possible five times, also when twenty come at once', async () => {
    const { id } = await ask(program, user);
    const before = await countRows(program);
    const replies = await Promise.all(Array.from({ length: 20 }, () => resend(id)));
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(15);
    for (const reply of refused) expectProblem(reply, 'too_many_requests');
    expect((await countRows(program))['events']).toBe(before['events']! + 5);
  });

  test('is refused for what is no longer open', async () => {
    const [decided, cancelled, expired] = [
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
    ];
    await user.phone.answer(decided, 'denied');
    await program.call('POST', `/v1/approvals/${cancelled.id}/cancel`);
    await letExpire(expired.id);
    expectProblem(await resend(decided.id), 'approval_already_decided');
    expectProblem(await resend(cancelled.id), 'approval_cancelled');
    expectProblem(await resend(expired.id), 'approval_expired');
  });

  test('pushes nothing where the back end tells the phone itself', async () => {
    const { id } = await ask(program, user, { push: 'none' });
    expect((await resend(id)).body.push).toEqual({ by: 'none', state: 'none' });
    expect((await read(id)).push).toEqual({ by: 'none', state: 'none' });
  });
});
