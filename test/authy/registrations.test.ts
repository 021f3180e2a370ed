import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomInt, randomUUID } from 'node:crypto';
import { toDigits } from '../../domain/code';
import { createKeyring } from '../../platform/keys/keyring';
import { createDevice, createWebCryptoKey, redeemAccountToken } from '../../sdk/device';
import { signAccountToken } from '../support/accountToken';
import { startAuthy } from '../support/authy';

let bench: Awaited<ReturnType<typeof startAuthy>>;
let appId: number;
beforeAll(async () => {
  bench = await startAuthy();
  appId = (await bench.authy('GET', '/protected/json/app/details')).body.app.app_id;
});
afterAll(() => bench.close());

const statusOf = (customUserId: string) =>
  bench.authy('GET', '/protected/json/registrations/status', { query: { custom_user_id: customUserId } });
const redeem = (scanned: string) => redeemAccountToken(scanned, { baseUrl: bench.url, retries: 0 });
const sign = (customUserId: string, more: object = {}) =>
  signAccountToken(bench.tenant.authyApiKey, { appId, customUserId, ...more });

async function register(registrationToken: string) {
  const phone = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey(), retries: 0 });
  return phone.register(registrationToken, { name: 'Phone', platform: 'android' });
}

test('whoever scans the QR code becomes the user with that id, and the poll says so only then', async () => {
  const customUserId = randomUUID();
  expect(await statusOf(customUserId)).toMatchObject({ status: 404, body: { error_code: '60035', success: false } });
  const jwt = await sign(customUserId);
  const { registrationToken } = await redeem(`authy://account?token=${jwt}`);
  expect((await statusOf(customUserId)).status).toBe(404);

  const { userId } = await register(registrationToken);
  const { status, body } = await statusOf(customUserId);
  expect(status).toBe(200);
  const user = (await bench.call('GET', `/v1/users/${userId}`)).body;
  expect(user).toMatchObject({ externalId: customUserId, phone: null, email: null });
  expect(body).toEqual({
    registration: { status: 'completed', authy_id: user.authyId },
    message: expect.any(String),
    success: true,
  });
  const { body: events } = await bench.call('GET', '/v1/events?type=account_registered&limit=100');
  expect((events.events as { data: { userId: string } }[]).filter(({ data }) => data.userId === userId)).toHaveLength(
    1,
  );
});

test('one token registers one device, however often it is exchanged and spelled', async () => {
  const jwt = await sign(randomUUID());
  const [first, second] = [await redeem(jwt), await redeem(jwt)];
  expect(second.registrationToken).toBe(first.registrationToken);
  await register(first.registrationToken);
  // The last letter of the signature carries two bits that decode to nothing.
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = jwt.slice(0, -1) + letters[letters.indexOf(jwt.at(-1)!) ^ 1]!;
  for (const spelled of [jwt, twin]) {
    const again = await redeem(spelled).catch(() => undefined);
    if (again)
      await expect(register(again.registrationToken)).rejects.toMatchObject({ code: 'registration_token_invalid' });
  }
});

describe('a token is refused', () => {
  test.each<[string, string, () => Promise<string>]>([
    ['that has expired', 'account_token_expired', () => sign('late', { livesSeconds: -120 })],
    ['that lives for days', 'account_token_invalid', () => sign('long', { livesSeconds: 200_000 })],
    ['without expiry', 'account_token_invalid', () => sign('ever', { payload: { exp: undefined } })],
    ['without context', 'account_token_invalid', () => sign('who', { payload: { context: undefined } })],
    ['of another application', 'account_token_invalid', () => sign('whose', { appId: appId + 1_000 })],
    ['of an application that is none', 'account_token_invalid', () => sign('whose', { appId: 'x' })],
    ['with an empty id', 'account_token_invalid', () => sign('')],
    [
      'signed by another tenant',
      'account_token_invalid',
      async () => {
        const other = await bench.addTenant(randomUUID());
        return signAccountToken(other.authyApiKey, { appId, customUserId: 'stolen' });
      },
    ],
    [
      'that is not signed',
      'account_token_invalid',
      async () => {
        const [, payload] = (await sign('unsigned')).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.x`;
      },
    ],
  ])('%s', async (_what, code, make) => {
    await expect(redeem(await make())).rejects.toMatchObject({ code });
  });

  test('that is none, without asking', async () => {
    await expect(redeem('https://example.com/')).rejects.toMatchObject({ code: 'not_an_account_token', status: 0 });
  });
});

test('the poll needs to know whom it asks for', async () => {
  const { status, body } = await bench.authy('GET', '/protected/json/registrations/status');
  expect(status).toBe(400);
  expect(body.error_code).toBe('60034');
});

test('the poll of another tenant does not see it', async () => {
  const other = await bench.addTenant(randomUUID());
  const customUserId = randomUUID();
  await register((await redeem(await sign(customUserId))).registrationToken);
  const { status } = await bench.authy('GET', '/protected/json/registrations/status', {
    query: { custom_user_id: customUserId },
    key: other.authyApiKey,
  });
  expect(status).toBe(404);
});

describe('by a code that is sent to the phone', () => {
  const REGISTRATIONS = '/protected/json/registrations';
  const newPhone = () => ({ country_code: '41', phone_number: `79${randomInt(1_000_000, 9_999_999)}` });
  const start = (form: Record<string, string>) => bench.authy('POST', `${REGISTRATIONS}/start`, { form });
  const confirm = (form: Record<string, string>) => bench.authy('POST', `${REGISTRATIONS}/confirm`, { form });
  const pinOf = (id: string) => toDigits(createKeyring(bench.config.masterKeys).mac('phone-verification', id, '1'), 4);

  test('who types it registers a device, of the user with that phone', async () => {
    const phone = newPhone();
    const started = await start({ ...phone, email: 'jane@example.com', via: 'call' });
    expect([started.status, started.body]).toEqual([
      200,
      {
        message: expect.stringMatching(/^Anruf an \+41 79-.* gestartet\.$/),
        seconds_to_expire: expect.any(Number),
        uuid: expect.any(String),
        success: true,
      },
    ]);
    const confirmed = await confirm({ ...phone, pin: pinOf(started.body.uuid as string) });
    expect([confirmed.status, confirmed.body]).toEqual([
      200,
      {
        registration_token: expect.any(String),
        user: { id: expect.any(Number) },
        message: expect.any(String),
        success: true,
      },
    ]);
    const { userId } = await register(confirmed.body.registration_token as string);
    const user = (await bench.call('GET', `/v1/users/${userId}`)).body;
    expect(user).toMatchObject({
      authyId: confirmed.body.user.id,
      phone: `+41${phone.phone_number}`,
      email: 'jane@example.com',
    });
  });

  test('a wrong pin, one that was used, and none at all are told apart', async () => {
    const phone = newPhone();
    const { body } = await start(phone);
    const pin = pinOf(body.uuid as string);
    const numberOf = async (form: Record<string, string>) => {
      const { status, body: said } = await confirm(form);
      return [status, said.error_code as string];
    };
    expect(await numberOf({ ...phone, pin: pin === '0000' ? '1111' : '0000' })).toEqual([401, '60036']);
    expect((await confirm({ ...phone, pin })).status).toBe(200);
    expect(await numberOf({ ...phone, pin })).toEqual([404, '60035']);
    expect(await numberOf(phone)).toEqual([400, '60004']);
    expect(await numberOf({ ...newPhone(), pin })).toEqual([404, '60035']);
  });

  test.each([
    [{ phone_number: '12' }, 400, '60034'],
    [{ phone_number: '' }, 400, '60004'],
    [{ country_code: '4', phone_number: '1791234567' }, 400, '60034'],
    [{ via: 'pigeon' }, 400, '60004'],
    [{ email: 'nobody' }, 400, '60027'],
    // A landline, which texts do not reach.
    [{ phone_number: '446681800' }, 403, '60082'],
  ])('is not started with %j', async (wrong, status, number) => {
    const refused = await start({ ...newPhone(), ...wrong });
    expect([refused.status, refused.body.error_code]).toEqual([status, number]);
  });

  test('goes out as seldom as other codes', async () => {
    const phone = newPhone();
    expect((await start(phone)).status).toBe(200);
    const refused = await start(phone);
    expect([refused.status, refused.body.error_code]).toEqual([429, '60003']);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(30);
  });
});
