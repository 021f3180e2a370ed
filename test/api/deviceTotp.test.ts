import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Secret } from 'otpauth';
import { readClock } from '../../db/transaction';
import type { DeviceTotp } from '../../sdk/device';
import { readTotp } from '../../sdk/totp';
import { count, wrong } from '../services/guesses';
import { expectProblem } from '../support/expectProblem';
import { startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { proveCall, sendProven } from '../support/signing';
import { until } from '../support/until';

const PERIOD_MS = 20_000;
const TOTP = { method: 'POST', path: '/v1/device/totp' };

let program: TestProgram;
let user: TestUser;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => void (user = await addUser(program, { devices: 2, push: false })));
afterAll(() => program?.close());

const check = (code: string) => program.call('POST', `/v1/users/${user.id}/totp/check`, { code });
const second = () => user.devices[1]!;
/** What a phone whose clock is right shows so many steps from now; the step goes on for five seconds at least. */
const shown = async (totp: DeviceTotp, steps = 0) => {
  const nowMs = await until(async () => {
    const clock = await readClock(program.pool);
    return clock % PERIOD_MS < PERIOD_MS - 5_000 && clock;
  });
  return readTotp({ ...totp, aheadMs: 0 }, nowMs + steps * PERIOD_MS).code;
};

describe('the secret of a device', () => {
  test('is the same each time, and another for each device', async () => {
    const [first, again, another] = [await user.phone.totp(), await user.phone.totp(), await second().device.totp()];
    expect(first).toEqual({
      secret: expect.stringMatching(/^[A-Z2-7]{52}$/),
      algorithm: 'SHA256',
      digits: 7,
      periodSeconds: 20,
      aheadMs: expect.any(Number),
    });
    expect(again.secret).toBe(first.secret);
    expect(another.secret).not.toBe(first.secret);
  });

  test('is the same for all who ask for the first one at once', async () => {
    const totps = await Promise.all(Array.from({ length: 8 }, () => user.phone.totp()));
    expect(new Set(totps.map(({ secret }) => secret)).size).toBe(1);
  });

  test('is told once for each proof', async () => {
    const proof = await proveCall(program, user.devices[0]!, TOTP);
    expect((await sendProven(program, TOTP, proof)).status).toBe(200);
    const again = await sendProven(program, TOTP, proof);
    expect([again.status, JSON.parse(again.text).code]).toEqual([401, 'proof_reused']);
  });

  test('is in no row in clear, and in none after the device', async () => {
    const { secret } = await user.phone.totp();
    const stored = async () =>
      (await program.pool.query('select totp_secret from devices where id = $1', [user.devices[0]!.id])).rows[0]
        .totp_secret as Buffer | null;
    const sealed = (await stored())!;
    expect(sealed.includes(Buffer.from(Secret.fromBase32(secret).buffer))).toBe(false);
    expect(sealed.toString('latin1')).not.toContain(secret);
    await user.phone.unregister();
    expect(await stored()).toBeNull();
  });
});

describe('its digits', () => {
  test.each([
    [-2, 422],
    [-1, 200],
    [0, 200],
    [1, 200],
    [2, 422],
  ])('%i steps off: %i', async (steps, status) => {
    expect((await check(await shown(await user.phone.totp(), steps))).status).toBe(status);
  });

  test('are good once, each device for itself, and enable no method', async () => {
    const [first, other] = [await user.phone.totp(), await second().device.totp()];
    const digits = await shown(first);
    expect(
      count((await Promise.all([1, 2, 3, 4, 5].map(() => check(digits)))).map(({ status }) => `${status}`)),
    ).toEqual({
      200: 1,
      422: 4,
    });
    expect((await check(await shown(other))).status).toBe(200);
    expect((await check(await shown(first, 1))).status).toBe(200);
    expect((await check(digits)).status).toBe(422);
    expect((await program.call('GET', `/v1/users/${user.id}/methods`)).body.methods).toEqual([]);
    const { events } = (await program.call('GET', `/v1/events?userId=${user.id}&type=code_accepted`)).body;
    expect(events).toMatchObject([
      { data: { userId: user.id, deviceId: user.devices[0]!.id, channel: 'totp', purpose: 'login' } },
      { data: { deviceId: second().id } },
      { data: { deviceId: user.devices[0]!.id } },
    ]);
  });

  test('are worth nothing once the device is removed, or before it asked', async () => {
    expectProblem(await check('1234567'), 'totp_not_found');
    const totp = await user.phone.totp();
    await program.call('DELETE', `/v1/users/${user.id}/devices/${user.devices[0]!.id}`);
    expectProblem(await check(await shown(totp)), 'totp_not_found');
    await expect(user.phone.totp()).rejects.toMatchObject({ code: 'device_unauthorized' });
  });

  test('are of one person', async () => {
    const stranger = await (await addUser(program, { push: false })).phone.totp();
    await user.phone.totp();
    expectProblem(await check(await shown(stranger)), 'code_wrong');
  });

  test('are guessed ten times an hour, like all others', async () => {
    const totp = await user.phone.totp();
    for (let left = 9; left >= 0; left--) {
      const reply = await check(wrong(await shown(totp), 5));
      expectProblem(reply, 'code_wrong');
      expect(reply.body.attemptsLeft).toBe(left);
    }
    expectProblem(await check(await shown(totp)), 'too_many_attempts');
  });

  test('do not say that an authenticator app was set up', async () => {
    const totp = await user.phone.totp();
    const { id } = (await program.call('POST', `/v1/users/${user.id}/onboardings`, { method: 'totp' })).body;
    const enter = (code: string) => program.call('POST', `/v1/onboardings/${id}/code`, { code });
    expectProblem(await enter(await shown(totp)), 'code_wrong');
    expect((await program.call('GET', `/v1/onboardings/${id}`)).body.status).toBe('waiting_for_code');
  });
});
