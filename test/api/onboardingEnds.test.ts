import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { expectProblem } from '../support/expectProblem';
import { countRows, startApi } from '../support/http';
import {
  CLOSING,
  digitsFor,
  eventsOf,
  expireOnboardingIn,
  onboardingsOf,
  registerByLink,
  secretOf,
  totpOf,
} from '../support/onboarding';
import type { Reply, TestProgram } from '../support/program';
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

const start = async (body: object = {}) => (await onboardings.start(body)).body;
const open = (secret: unknown, to = program) => to.call('POST', '/v1/device/install-links', { secret });
const closings = async (id: string) => (await eventsOf(program, id)).filter((type) => CLOSING.includes(type));

/** An onboarding at each place where it can wait, and what its person would do next. */
const WAITING: [string, () => Promise<{ id: string; next: () => Promise<Reply> }>][] = [
  [
    'waiting_for_method',
    async () => {
      const { id } = await start();
      return { id, next: () => onboardings.choose(id, 'sms') };
    },
  ],
  [
    'waiting_for_device',
    async () => {
      const { id, link } = await start({ method: 'push' });
      return { id, next: () => open(secretOf(link)) };
    },
  ],
  [
    'waiting_for_confirmation',
    async () => {
      const { id, link } = await start({ method: 'push' });
      const phone = await registerByLink(link);
      const [asked] = (await phone.inbox()).approvals;
      return { id, next: () => refusalOf(phone.answer(asked!, 'approved')) };
    },
  ],
  [
    'waiting_for_code',
    async () => {
      const { id, totp } = await start({ method: 'totp' });
      return { id, next: () => onboardings.enter(id, totpOf(totp.uri)) };
    },
  ],
];

/** What the phone's library was refused, in the form of a reply. */
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => ({ body: { code: 'none' } }) as Reply,
    (error: { code: string }) => ({ body: { code: error.code } }) as Reply,
  );

describe.each(WAITING)('an onboarding that is %s', (status, make) => {
  test('is cancelled, once, and repeating it answers the same', async () => {
    const { id, next } = await make();
    expect((await onboardings.view(id)).body.status).toBe(status);
    const replies = [await onboardings.cancel(id), await onboardings.cancel(id)];
    for (const reply of replies) {
      expect([reply.status, reply.body.status, reply.body.reason]).toEqual([200, 'cancelled', 'requested']);
    }
    expect(replies[1]!.text).toBe(replies[0]!.text);
    expect(['onboarding_closed', 'install_link_invalid', 'approval_cancelled']).toContain((await next()).body.code);
    expect(await closings(id)).toEqual(['onboarding_cancelled']);
    expect(await onboardings.methods()).toEqual([]);
  });

  test('is replaced by a newer one', async () => {
    const { id, next } = await make();
    const newer = await start();
    expect((await onboardings.view(id)).body).toMatchObject({ status: 'cancelled', reason: 'replaced' });
    expect((await next()).body.code).toMatch(/^(onboarding_closed|install_link_invalid|approval_cancelled)$/);
    expect((await onboardings.view(newer.id)).body.status).toBe('waiting_for_method');
    expect(await closings(id)).toEqual(['onboarding_cancelled']);
    const { body } = await onboardings.list();
    expect(body.onboardings).toMatchObject([{ id: newer.id }, { id }]);
  });

  test.each(['read', 'list', 'cancellation', 'next step'])(
    'expires at its deadline, seen first by a %s',
    async (how) => {
      const { id, next } = await make();
      await expireOnboardingIn(program, id, '0 seconds');
      if (how === 'list') expect((await onboardings.list()).body.onboardings[0].status).toBe('expired');
      if (how === 'cancellation') expectProblem(await onboardings.cancel(id), 'onboarding_expired');
      if (how === 'next step') {
        expect((await next()).body.code).toMatch(/^(onboarding_expired|install_link_invalid|approval_expired)$/);
        const { rows } = await program.pool.query('select status from onboardings where id = $1', [id]);
        expect(rows[0].status).toBe('expired'); // written before it was refused
      }
      const ended = (await onboardings.view(id)).body;
      expect(ended).toMatchObject({ status: 'expired', reason: null, linkSms: { state: 'none' } });
      expect((await next()).body.code).toMatch(/^(onboarding_expired|install_link_invalid|approval_expired)$/);
      expect(await closings(id)).toEqual(['onboarding_expired']);
      expectProblem(await onboardings.choose(id, 'sms'), 'onboarding_expired');
      expect((await start()).status).toBe('waiting_for_method');
      expect((await onboardings.view(id)).body.status).toBe('expired');
    },
  );

  test('ends with the removal of its user', async () => {
    const { id, next } = await make();
    await program.call('DELETE', `/v1/users/${user.id}`);
    const { body } = await onboardings.view(id);
    expect(body).toMatchObject({ status: 'cancelled', reason: 'user_removed' });
    expect((await next()).body.code).toMatch(
      /^(onboarding_closed|install_link_invalid|approval_cancelled|device_removed)$/,
    );
    expect(await closings(id)).toEqual(['onboarding_cancelled']);
    const approval = body.approvalId && (await program.call('GET', `/v1/approvals/${body.approvalId}`)).body;
    expect(approval?.status ?? 'cancelled').toBe('cancelled');
  });

  test('wakes who waits for it, and ends their streams', async () => {
    const { id } = await make();
    const polls = [onboardings.view(id, '?wait=30'), onboardings.view(id.toUpperCase(), `?wait=30&status=${status}`)];
    const stream = program.call('GET', `/v1/onboardings/${id}/stream`);
    const elsewhere = await onboardings.view(id, '?wait=30&status=enabled'); // it is not that already
    expect(elsewhere.body.status).toBe(status);
    await onboardings.cancel(id);
    for (const { body } of await Promise.all(polls)) expect(body.status).toBe('cancelled');
    const seen = [...(await stream).text.matchAll(/^event: onboarding\ndata: (.*)$/gm)].map(([, data]) =>
      JSON.parse(data!),
    );
    expect(seen.at(-1)).toEqual((await onboardings.view(id)).body);
    // A closed one never changes: nobody waits for that, whatever they ask for.
    expect((await onboardings.view(id, '?wait=30&status=cancelled')).body.status).toBe('cancelled');
  }, 15_000);
});

test('who waits for a step hears of it', async () => {
  const { id, link } = await start({ method: 'push' });
  const poll = onboardings.view(id, '?wait=30&status=waiting_for_device');
  const phone = await registerByLink(link);
  expect((await poll).body.status).toBe('waiting_for_confirmation');
  const end = onboardings.view(id, '?wait=30');
  await phone.answer((await phone.inbox()).approvals[0]!, 'approved');
  expect((await end).body.status).toBe('enabled');
});

test('who waits hears of the deadline, which is written then', async () => {
  const { id } = await start();
  await expireOnboardingIn(program, id, '700 milliseconds');
  expect((await onboardings.view(id, '?wait=30')).body.status).toBe('expired');
});

test('an enabled one can neither be cancelled nor expire', async () => {
  const { id } = await start({ method: 'sms' });
  await onboardings.enter(id, await digitsFor(program, user.id));
  expectProblem(await onboardings.cancel(id), 'onboarding_closed');
  await expireOnboardingIn(program, id, '0 seconds');
  expect((await onboardings.view(id)).body.status).toBe('enabled');
  expect(await closings(id)).toEqual(['two_factor_enabled']);
});

describe('in the wrong order', () => {
  test('a code before a method, for a device, or for a confirmation is refused', async () => {
    const { id } = await start();
    expectProblem(await onboardings.enter(id, '123456'), 'wrong_step');
    const { link } = (await onboardings.choose(id, 'push')).body;
    expectProblem(await onboardings.enter(id, '123456'), 'wrong_step');
    await registerByLink(link);
    expectProblem(await onboardings.enter(id, '123456'), 'wrong_step');
  });

  test('a token or a link before push is chosen is refused', async () => {
    const { id, link } = await start({ method: 'push' });
    await onboardings.choose(id, 'sms'); // the link stays, and is worth nothing
    expectProblem(await program.call('POST', `/v1/onboardings/${id}/registration-tokens`), 'wrong_step');
    expectProblem(await open(secretOf(link)), 'install_link_invalid');
    await onboardings.choose(id, 'push');
    await registerByLink(link);
  });

  test.each(['', '123', '12345678901', '12345a', '١٢٣٤٥٦', 123456, null, undefined])(
    'what is no code is refused: %j',
    async (code) => {
      const { id } = await start({ method: 'sms' });
      const before = await countRows(program);
      expectProblem(await onboardings.enter(id, code as string), 'invalid_request', { field: 'code' });
      expect(await countRows(program)).toEqual(before);
    },
  );

  test('an onboarding that is not there is refused everywhere alike', async () => {
    const id = randomUUID();
    const replies = [
      await onboardings.view(id),
      await onboardings.view(id, '?wait=1'),
      await program.call('GET', `/v1/onboardings/${id}/stream`),
      await onboardings.choose(id, 'sms'),
      await onboardings.enter(id, '123456'),
      await onboardings.cancel(id),
      await program.call('POST', `/v1/onboardings/${id}/registration-tokens`),
    ];
    for (const reply of replies) expectProblem(reply, 'onboarding_not_found');
  });
});

describe('an install link', () => {
  const register = async (registrationToken: string, key?: Awaited<ReturnType<typeof createWebCryptoKey>>) =>
    createDevice({ baseUrl: program.url, key: key ?? (await createWebCryptoKey()) }).register(registrationToken, {
      name: 'Phone',
      platform: 'test',
    });

  test('gives tokens for one device: the same key again is the same device, another key is refused', async () => {
    const { id, link } = await start({ method: 'push' });
    const secret = secretOf(link);
    const [first, second] = [(await open(secret)).body, (await open(secret)).body];
    expect(Date.parse(first.expiresAt) - Date.now()).toBeGreaterThan(9.9 * 60_000);
    const key = await createWebCryptoKey();
    const device = await register(first.registrationToken, key);
    expect((await register(first.registrationToken, key)).deviceId).toBe(device.deviceId);
    const refused = { code: 'registration_token_invalid' };
    await expect(register(first.registrationToken)).rejects.toMatchObject(refused);
    await expect(register(second.registrationToken)).rejects.toMatchObject(refused);
    expectProblem(await open(secret), 'install_link_invalid');
    await onboardings.cancel(id);
    expect((await register(first.registrationToken, key)).deviceId).toBe(device.deviceId); // a reply may get lost
    expect((await program.call('GET', `/v1/users/${user.id}/devices`)).body.devices).toHaveLength(1);
  });

  test.each([
    ['nothing', () => ''],
    ['something else', () => 'let me in'],
    ['another secret', (good: string) => good.slice(0, -43) + 'A'.repeat(43)],
    ['another id', (good: string) => good.replace(/^il_.{8}/, 'il_00000000')],
    ['the id alone', (good: string) => good.slice(0, 39)],
    ['more after it', (good: string) => `${good}A`],
    ['a registration token', (good: string) => good.replace('il_', 'rt_')],
    ['other letters', (good: string) => good.toUpperCase()],
  ])('that is %s is refused', async (_what, bad) => {
    const { link } = await start({ method: 'push' });
    const before = await countRows(program);
    expectProblem(await open(bad(secretOf(link))), 'install_link_invalid');
    expect(await countRows(program)).toEqual(before);
  });

  test('leads to a text that asks for nothing', async () => {
    const reply = await program.call('GET', '/install');
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(reply.text).toContain('npm run phone -- register');
    expect(reply.text).toContain('nobody will ever ask you for it');
  });
});

test('who tries links, and who opens one again and again, has to wait', async () => {
  const own = await startApi();
  try {
    const { id } = await addPhoneUser(own);
    const { link } = (await onboardingsOf(own, id).start({ method: 'push' })).body;
    const good = secretOf(link);
    for (let i = 0; i < 10; i++) expect((await open(good, own)).status).toBe(200);
    const refused = await open(good, own);
    expectProblem(refused, 'too_many_requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (let i = 0; i < 60; i++) expectProblem(await open(`il_${i}`, own), 'install_link_invalid');
    expectProblem(await open('il_60', own), 'too_many_requests');
  } finally {
    await own.close();
  }
}, 60_000);
