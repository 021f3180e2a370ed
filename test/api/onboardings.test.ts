import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import { digitsFor, eventsOf, onboardingsOf, otherThan, registerByLink, totpOf } from '../support/onboarding';
import type { TestProgram } from '../support/program';
import { newToken, register, registration } from '../support/signing';
import { addPhoneUser } from '../support/texts';

let program: TestProgram;
let user: { id: string };
let onboardings: ReturnType<typeof onboardingsOf>;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => {
  user = await addPhoneUser(program);
  onboardings = onboardingsOf(program, user.id);
});
afterAll(() => program?.close());

const approve = async (phone: Awaited<ReturnType<typeof registerByLink>>, decision: 'approved' | 'denied') => {
  const [asked] = (await phone.inbox()).approvals;
  await phone.answer(asked!, decision);
};

describe('an onboarding', () => {
  test('begins without a method, until tomorrow, with a reminder in an hour', async () => {
    const { status, body } = await onboardings.start();
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      userId: user.id,
      status: 'waiting_for_method',
      reason: null,
      method: null,
      linkSms: { state: 'none' },
      deviceId: null,
      approvalId: null,
      createdAt: expect.any(String),
      expiresAt: new Date(Date.parse(body.createdAt) + 86_400_000).toISOString(),
      remindAt: new Date(Date.parse(body.createdAt) + 3_600_000).toISOString(),
      closedAt: null,
      link: null,
      registrationToken: null,
      totp: null,
    });
    const { link: _, registrationToken: __, totp: ___, ...view } = body;
    expect((await onboardings.view(body.id)).body).toEqual(view);
    expect((await onboardings.list()).body).toEqual({ onboardings: [view] });
    expect(await eventsOf(program, body.id)).toEqual(['onboarding_started']);
  });

  test.each([
    [{ expiresInSeconds: 10, remindAfterSeconds: 9 }, 10, 9],
    [{ expiresInSeconds: 10, remindAfterSeconds: 10 }, 10, null], // would come too late
    [{ expiresInSeconds: 60 }, 60, null],
    [{ remindAfterSeconds: null }, 86_400, null],
  ])('lasts and reminds as the call says: %j', async (body, lasts, reminds) => {
    const { createdAt, expiresAt, remindAt } = (await onboardings.start(body)).body;
    const after = (instant: string) => (Date.parse(instant) - Date.parse(createdAt)) / 1_000;
    expect([after(expiresAt), remindAt && after(remindAt)]).toEqual([lasts, reminds]);
  });

  test('lasts and reminds as the tenant says where the call does not', async () => {
    const other = await program.addTenant(randomUUID());
    await program.pool.query('update tenants set onboarding_seconds = 600, reminder_seconds = 60 where id = $1', [
      other.id,
    ]);
    const headers = { authorization: `Bearer ${other.apiKey}` };
    const { id } = (await program.call('POST', '/v1/users', { externalId: 'a' }, headers)).body;
    const { createdAt, expiresAt, remindAt } = (await onboardingsOf(program, id).start({}, headers)).body;
    expect([expiresAt, remindAt].map((at) => Date.parse(at) - Date.parse(createdAt))).toEqual([600_000, 60_000]);
  });

  test('is made once for one Idempotency-Key, secrets and all', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => onboardings.start({ method: 'push', ownApp: true }, headers)),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]!.body.registrationToken.registrationToken).toMatch(/^rt_/);
    expect((await onboardings.list()).body.onboardings).toHaveLength(1);
    expectProblem(await onboardings.start({ method: 'sms' }, headers), 'idempotency_key_reused');
  });

  test.each([
    ['method', 'pigeon'],
    ['method', 'PUSH'],
    ['method', null],
    ['expiresInSeconds', 9],
    ['expiresInSeconds', 86_401],
    ['expiresInSeconds', '60'],
    ['expiresInSeconds', null],
    ['remindAfterSeconds', 0],
    ['remindAfterSeconds', 86_401],
    ['remindAfterSeconds', 1.5],
    ['ownApp', 'yes'],
    ['phone', '+41446681800'],
  ])('does not begin with %s %j', async (field, value) => {
    const before = await countRows(program);
    expectProblem(await onboardings.start({ [field]: value }), 'invalid_request');
    expect(await countRows(program)).toEqual(before);
  });

  test.each(['push', 'totp'])('of nobody is refused (%s)', async (method) => {
    expectProblem(await onboardingsOf(program, randomUUID()).start({ method }), 'user_not_found');
    expectProblem(await onboardingsOf(program, randomUUID()).list(), 'user_not_found');
  });
});

describe('push', () => {
  test('waits for a device, then for its person, and is enabled by a yes', async () => {
    const { body: started } = await onboardings.start({ method: 'push' });
    expect(started).toMatchObject({
      status: 'waiting_for_device',
      linkSms: { state: 'waiting' },
      registrationToken: null,
    });
    expect(started.link).toMatch(new RegExp(`^${program.url}/install#il_${started.id}_[\\w-]{43}$`));
    const phone = await registerByLink(started.link);
    const waiting = (await onboardings.view(started.id)).body;
    expect(waiting).toMatchObject({ status: 'waiting_for_confirmation', linkSms: { state: 'none' } });
    expect(waiting.deviceId).toBe(phone.identity!.deviceId);
    const approval = (await program.call('GET', `/v1/approvals/${waiting.approvalId}`)).body;
    expect(approval).toMatchObject({
      status: 'pending',
      mode: 'transaction',
      title: 'Enable two-factor authentication',
      onboardingId: started.id,
      expiresAt: waiting.expiresAt,
      push: { by: 'us' },
    });
    expect(await onboardings.methods()).toEqual([]);
    await approve(phone, 'approved');
    const ended = (await onboardings.view(started.id)).body;
    expect(ended).toMatchObject({ status: 'enabled', reason: null, remindAt: null, closedAt: expect.any(String) });
    expect(ended.closedAt).toBe((await program.call('GET', `/v1/approvals/${waiting.approvalId}`)).body.decidedAt);
    expect(await onboardings.methods()).toEqual(['push']);
    expect(await eventsOf(program, started.id)).toEqual([
      'onboarding_started',
      'method_chosen',
      'registration_token_created',
      'device_registered',
      'device_registration_complete',
      'approval_created',
      'approval_approved',
      'method_enabled',
      'two_factor_enabled',
    ]);
  });

  test('ends with a no', async () => {
    const { id, link } = (await onboardings.start({ method: 'push' })).body;
    await approve(await registerByLink(link), 'denied');
    expect((await onboardings.view(id)).body).toMatchObject({ status: 'cancelled', reason: 'denied' });
    expect(await onboardings.methods()).toEqual([]);
    expect((await eventsOf(program, id)).slice(-2)).toEqual(['approval_denied', 'onboarding_cancelled']);
  });

  test('ends where its approval is cancelled', async () => {
    const { id, link } = (await onboardings.start({ method: 'push' })).body;
    await registerByLink(link);
    const { approvalId } = (await onboardings.view(id)).body;
    await program.call('POST', `/v1/approvals/${approvalId}/cancel`);
    expect((await onboardings.view(id)).body).toMatchObject({ status: 'cancelled', reason: 'confirmation_cancelled' });
  });

  test('asks a person with a device at once', async () => {
    await register(program, await registration(await newToken(program, user.id)));
    const { body } = await onboardings.start({ method: 'push' });
    expect(body).toMatchObject({ status: 'waiting_for_confirmation', deviceId: null, link: null });
    expect(body.approvalId).toEqual(expect.any(String));
    expectProblem(await onboardings.choose(body.id, 'sms'), 'wrong_step');
    expectProblem(await onboardings.choose(body.id, 'push'), 'wrong_step');
  });

  test('is brought forward by any registration of a device, also with an ordinary token', async () => {
    const { id } = (await onboardings.start({ method: 'push' })).body;
    await register(program, await registration(await newToken(program, user.id)));
    expect((await onboardings.view(id)).body.status).toBe('waiting_for_confirmation');
  });

  test('sends the same link again, five times at most', async () => {
    const { id, link } = (await onboardings.start({ method: 'push' })).body;
    for (let sent = 2; sent <= 5; sent++) expect((await onboardings.choose(id, 'push')).body.link).toBe(link);
    const { rows } = await program.pool.query('select link_round from onboardings where id = $1', [id]);
    expect(rows[0].link_round).toBe(5);
    expectProblem(await onboardings.choose(id, 'push'), 'too_many_requests');
  });

  test('without a phone number has a link and no text message', async () => {
    const { body } = await program.call('POST', '/v1/users', { externalId: randomUUID() });
    const started = (await onboardingsOf(program, body.id).start({ method: 'push' })).body;
    expect(started).toMatchObject({ status: 'waiting_for_device', linkSms: { state: 'none' } });
    await registerByLink(started.link);
  });

  test('with an own app has a token in place of a link, which is renewed by a call', async () => {
    const {
      id,
      link,
      linkSms,
      registrationToken: first,
    } = (await onboardings.start({ method: 'push', ownApp: true })).body;
    expect([link, linkSms.state]).toEqual([null, 'none']);
    const path = `/v1/onboardings/${id}/registration-tokens`;
    const again = await program.call('POST', path, undefined, { 'idempotency-key': randomUUID() });
    expect(again.status).toBe(201);
    expect(again.body.registrationToken).not.toBe(first.registrationToken);
    expect(Date.parse(again.body.expiresAt) - Date.now()).toBeGreaterThan(9.9 * 60_000);
    expect((await register(program, await registration(again.body.registrationToken))).status).toBe(201);
    // It waits for a device no more.
    expectProblem(await program.call('POST', path), 'wrong_step');
    expectProblem(await register(program, await registration(first.registrationToken)), 'registration_token_invalid');
  });
});

describe.each(['sms', 'voice'])('%s', (method) => {
  test('is enabled by the first right code', async () => {
    const { id } = (await onboardings.start()).body;
    const chosen = (await onboardings.choose(id, method)).body;
    expect(chosen).toMatchObject({ status: 'waiting_for_code', method, link: null, totp: null });
    const digits = await digitsFor(program, user.id);
    const wrong = await onboardings.enter(id, otherThan(digits));
    expectProblem(wrong, 'code_wrong');
    expect(wrong.body.attemptsLeft).toBe(4);
    const { status, body } = await onboardings.enter(id, digits);
    expect([status, body.status]).toEqual([200, 'enabled']);
    expect(await onboardings.methods()).toEqual([method]);
    expect(await eventsOf(program, id)).toEqual([
      'onboarding_started',
      'method_chosen',
      'code_wrong',
      'code_accepted',
      'method_enabled',
      'two_factor_enabled',
    ]);
    expectProblem(await onboardings.enter(id, digits), 'onboarding_closed');
  });

  test('without a phone number is refused, and leaves everything as it was', async () => {
    const { body } = await program.call('POST', '/v1/users', { externalId: randomUUID() });
    const before = await countRows(program);
    expectProblem(await onboardingsOf(program, body.id).start({ method }), 'no_phone', { field: 'method' });
    expect(await countRows(program)).toEqual(before);
  });

  test('sends five codes an hour to a phone; the next one leaves everything as it was', async () => {
    const { id } = (await onboardings.start({ method })).body;
    for (let n = 0; n < 4; n++) expect((await onboardings.choose(id, method)).status).toBe(200);
    const before = await countRows(program);
    const refused = await onboardings.choose(id, method);
    expectProblem(refused, 'too_many_requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
    expectProblem(await onboardings.start({ method }), 'too_many_requests');
    expect(await countRows(program)).toEqual(before);
  });

  test('chosen again sends another code; the one before is worth nothing', async () => {
    const { id } = (await onboardings.start({ method })).body;
    const before = await digitsFor(program, user.id);
    let after = before;
    while (after === before) {
      await onboardings.choose(id, method);
      after = await digitsFor(program, user.id);
    }
    expectProblem(await onboardings.enter(id, before), 'code_wrong');
    expect((await onboardings.enter(id, after)).body.status).toBe('enabled');
  });
});

describe('totp', () => {
  test('shows a secret, and is enabled by its first code', async () => {
    const { id, totp } = (await onboardings.start({ method: 'totp' })).body;
    expect(totp).toEqual({
      secret: expect.any(String),
      uri: expect.stringMatching(/^otpauth:/),
      qrSvg: expect.any(String),
    });
    expectProblem(await onboardings.enter(id, otherThan(totpOf(totp.uri))), 'code_wrong');
    expect((await onboardings.enter(id, totpOf(totp.uri))).body.status).toBe('enabled');
    expect(await onboardings.methods()).toEqual(['totp']);
    expect((await eventsOf(program, id)).at(-1)).toBe('two_factor_enabled');
    // Once it is enabled it has to be removed first; the attempt before is not touched by the refusal.
    const open = (await onboardings.start({ method: 'sms' })).body;
    expectProblem(await onboardings.start({ method: 'totp' }), 'method_enabled');
    expectProblem(await onboardings.choose(open.id, 'totp'), 'method_enabled');
    expect((await onboardings.view(open.id)).body.status).toBe('waiting_for_code');
  });

  test('chosen again shows another secret', async () => {
    const { id, totp } = (await onboardings.start({ method: 'totp' })).body;
    const again = (await onboardings.choose(id, 'totp')).body.totp;
    expect(again.secret).not.toBe(totp.secret);
    expect((await onboardings.enter(id, totpOf(again.uri))).body.status).toBe('enabled');
  });
});
