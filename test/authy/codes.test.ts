import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import type { Device } from '../../sdk/device';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { readTotp } from '../../sdk/totp';
import { createTenants } from '../../services/tenants';
import { wrong } from '../services/guesses';
import { startAuthy } from '../support/authy';
import { until } from '../support/until';

let bench: Awaited<ReturnType<typeof startAuthy>>;
let user: { id: string; authyId: number; phone: string };
const texts: { to: string; text: string; kind: string }[] = [];
const taking = (kind: string) => ({
  send: ({ to, text }: { to: string; text: string }) => Promise.resolve(void texts.push({ to, text, kind })),
});
beforeAll(async () => {
  bench = await startAuthy({ workflows: true, smsSender: taking('sms'), voiceSender: taking('voice') });
}, 60_000);
beforeEach(async () => {
  user = (await bench.call('POST', '/v1/users', { phone: `+1415555${randomInt(1_000, 9_999)}` })).body;
});
afterAll(() => bench?.close());

const send = (query: Record<string, string> = {}, path = 'sms') =>
  bench.authy('GET', `/protected/json/${path}/${user.authyId}`, { query });
const verify = (token: string, query: Record<string, string> = {}) =>
  bench.authy('GET', `/protected/json/verify/${token}/${user.authyId}`, { query });
const isConfirmed = async () =>
  (await bench.authy('GET', `/protected/json/users/${user.authyId}/status`)).body.status.confirmed as boolean;
const message = () =>
  until(() => Promise.resolve(texts.findLast(({ to }) => to === user.phone)), { what: 'the message' });
const digits = async () => /\b\d{7}\b/.exec((await message()).text)![0];

const invalid = (number = '60020', said = 'Token is invalid') =>
  `{"message":"${said}","token":"is invalid","success":false,"errors":{"message":"${said}"},"error_code":"${number}"}`;

async function addDevice(platform: string): Promise<Device> {
  const { body } = await bench.authy('POST', '/protected/json/sdk/registrations', {
    form: { authy_id: String(user.authyId) },
  });
  const phone = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey() });
  await phone.register(body.registration_token as string, { name: 'Phone', platform });
  return phone;
}

/** As if everything had been sent an hour ago. */
const later = () => bench.pool.query('delete from recent_acts');

describe('limits', () => {
  test('one message in thirty seconds goes to a phone, by whichever way', async () => {
    const replies = await Promise.all([send(), send({}, 'call'), send(), send({}, 'call')]);
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(3);
    for (const { status, body, headers } of refused) {
      expect([status, body.error_code]).toEqual([429, '60003']);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(30);
    }
    await later();
    expect((await send()).status).toBe(200);
  });

  test('the native API does not pause, and stops after five in an hour', async () => {
    const native = () => bench.call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms' });
    for (let n = 0; n < 5; n++) expect((await native()).status).toBe(201);
    const refused = await native();
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
  });
});

describe('secret', () => {
  const secret = (form: Record<string, string> = {}) =>
    bench.authy('POST', `/protected/json/users/${user.authyId}/secret`, { form });
  const picture = (url: string) => fetch(url);

  test('is a picture for an authenticator app, until its first code; it is not in the reply', async () => {
    const made = await secret({ label: 'jane@example.com', qr_size: '200' });
    expect(made.body).toEqual({
      message: 'Secret was created.',
      label: 'jane@example.com',
      issuer: expect.any(String),
      qr_code: expect.stringMatching(/^http:.*\/protected\/qr\/[\w-]+\.png$/),
      success: true,
    });
    const png = await picture(made.body.qr_code as string);
    expect([png.status, png.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(png.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    const bytes = Buffer.from(await png.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(bytes.readUInt32BE(16)).toBe(200); // its width

    const { rows } = await bench.pool.query(`select secret from totp_secrets where user_id = $1`, [user.id]);
    const bare = createKeyring(bench.config.masterKeys).decrypt('totp', rows[0].secret as Buffer, user.id);
    const code = new TOTP({ secret: new Secret({ buffer: new Uint8Array(bare).buffer }) }).generate();
    expect((await verify(code, { force: 'true' })).status).toBe(200);
    expect((await picture(made.body.qr_code as string)).status).toBe(404);
    const refused = await secret();
    expect([refused.status, refused.body.error_code]).toEqual([400, '60122']);
  });

  test('of another user, of before, or made up has no picture', async () => {
    const { qr_code: url } = (await secret()).body as { qr_code: string };
    await secret();
    for (const other of [url, url.replace(/.{6}\.png$/, 'AAAAAA.png'), url.replace(/qr\/.*/, 'qr/x.png')]) {
      expect((await picture(other)).status).toBe(404);
    }
    expect((await secret({ label: 'a:b' })).body.error_code).toBe('60004');
  });
});

describe('sms and call', () => {
  test('send seven digits, and show the end of the number only', async () => {
    const sent = await send();
    expect(sent.status).toBe(200);
    const cellphone = `+1-XXX-XXX-XX${user.phone.slice(-2)}`;
    expect(sent.text).toBe(`{"success":true,"message":"SMS token was sent","cellphone":"${cellphone}"}`);
    expect(await digits()).toHaveLength(7);
  });

  test('call', async () => {
    expect((await send({}, 'call')).body).toMatchObject({ success: true, message: 'Call started...' });
    const { kind, text } = await message();
    expect(kind).toBe('voice');
    expect(text).toMatch(/Your code is: (\d, ){6}\d\./);
  });

  test('speak the language that was asked for, and say what the code is for', async () => {
    await send({ locale: 'de', action: 'pay', action_message: 'Pay 49.90' });
    expect((await message()).text).toMatch(/^Pay 49\.90\n.*Ihr Code ist \d{7}\./);
  });

  test('are not needed where there is a device, unless forced', async () => {
    await addDevice('ios');
    const cellphone = `+1-XXX-XXX-XX${user.phone.slice(-2)}`;
    expect((await send()).body).toEqual({
      message: 'Ignored: SMS is not needed for smartphones. Pass force=true if you want to actually send it anyway.',
      ...{ cellphone, device: 'iphone', ignored: true, success: true },
    });
    expect((await send({}, 'call')).body.message).toBe(
      'Call ignored. User is using  App Tokens and this call is not necessary. ' +
        'Pass force=true if you still want to call users that are using the App.',
    );
    const forced = await send({ force: 'True' });
    expect(Object.keys(forced.body as object)).toEqual(['success', 'message', 'cellphone']);
  });

  test('a device is asked to show its digits instead: once in thirty seconds, not where pushes are muted, and not when forced', async () => {
    const addPhone = async () => {
      const phone = await addDevice('android');
      await phone.setPushTarget({ kind: 'simulated', token: 'token' });
      return phone.identity!;
    };
    type Message = { deviceId: string; about: string; approvalId: string | null };
    const prompts = async () => {
      const { messages } = (await bench.call('GET', '/v1/simulator/messages')).body as { messages: Message[] };
      return messages.filter(({ about }) => about === 'code');
    };
    const muted = await addPhone();
    await bench.pool.query(
      `insert into push_mutes (tenant_id, user_id, until) values ($1, $2, clock_timestamp() + interval '1 hour')`,
      [muted.tenantId, muted.userId],
    );
    await send();
    user = (await bench.call('POST', '/v1/users', { phone: `+1415556${randomInt(1_000, 9_999)}` })).body;
    const { deviceId } = await addPhone();
    await send({ force: 'true' });
    await Promise.all([send(), send({}, 'call'), send()]);
    expect(await until(async () => (await prompts())[0], { what: 'the push' })).toMatchObject({
      deviceId,
      approvalId: null,
    });
    await later();
    await send();
    await until(async () => (await prompts()).length === 2, { what: 'the second push' });
    expect((await prompts()).map((prompt) => prompt.deviceId)).toEqual([deviceId, deviceId]);
  });

  test('are refused for nobody, for who has no phone, and for what cannot be said', async () => {
    const nobody = await bench.authy('GET', '/protected/json/sms/2147483647');
    expect([nobody.status, nobody.body.error_code]).toEqual([404, '60026']);
    for (const odd of [
      { action_message: 'a\u0007b' },
      { action_message: 'a'.repeat(256) },
      { action: 'a'.repeat(256) },
    ]) {
      const refused = await send(odd);
      expect([refused.status, refused.body.error_code]).toEqual([400, '60004']);
    }
    expect((await send({ action_message: 'a'.repeat(255), action: 'a'.repeat(255) })).status).toBe(200);
    user = (await bench.call('POST', '/v1/users', { externalId: `no-phone-${randomInt(1e9)}` })).body;
    expect((await send()).body.error_code).toBe('60058');
  });
});

describe('verify', () => {
  test('accepts a code that was sent, once, and confirms the user', async () => {
    await send();
    const code = await digits();
    expect(await isConfirmed()).toBe(false);
    const accepted = await verify(code, { force: 'true' });
    expect(accepted.status).toBe(200);
    expect(accepted.text).toMatch(/^\{"message":"Token is valid\.","token":"is valid","success":"true","device":\{/);
    expect(accepted.body.device).toMatchObject({ os_type: 'sms', id: null, registration_date: expect.any(Number) });
    expect(await isConfirmed()).toBe(true);
    const again = await verify(code);
    expect([again.status, again.text]).toEqual([401, invalid('60019', 'Token is invalid. Token was used recently.')]);
  });

  test.each(['', 'no code was sent, '])('refuses another one; %sno digits at all', async (none) => {
    if (none === '') await send();
    const other = none === '' ? wrong(await digits()) : '1234567';
    for (const token of [other, 'abcdefg', '123']) {
      const refused = await verify(token);
      expect([refused.status, refused.text]).toEqual([401, invalid()]);
    }
    expect(await isConfirmed()).toBe(false);
  });

  test('accepts the code for its action only', async () => {
    await send({ action: 'pay' });
    const code = await digits();
    expect((await verify(code)).status).toBe(401);
    expect((await verify(code, { action: 'log in' })).status).toBe(401);
    expect((await verify(code, { action: 'pay' })).status).toBe(200);
  });

  test('accepts what an authenticator app shows, once, also of who has no phone', async () => {
    user = (await bench.call('POST', '/v1/users', { externalId: `no-phone-${randomInt(1e9)}` })).body;
    const { body } = await bench.call('POST', `/v1/users/${user.id}/totp`);
    const code = new TOTP({ secret: Secret.fromBase32(body.secret as string) }).generate();
    const accepted = await verify(code);
    expect([accepted.status, accepted.body.device.os_type]).toEqual([200, 'totp']);
    expect((await verify(code)).body.error_code).toBe('60019');
    expect((await verify(wrong(code))).body.error_code).toBe('60020');
    expect(await isConfirmed()).toBe(true);
  });

  test('accepts what a device shows, once, where nothing is sent, and says which device it was', async () => {
    const phone = await addDevice('ios');
    expect((await send()).body).toMatchObject({ ignored: true });
    const { code } = readTotp(await phone.totp());
    const accepted = await verify(code, { force: 'true', action: 'pay' });
    const { detailed_devices } = (await bench.authy('GET', `/protected/json/users/${user.authyId}/status`)).body.status;
    expect([accepted.status, accepted.body.device]).toMatchObject([
      200,
      { os_type: 'iphone', id: detailed_devices[0].device_id, registration_date: detailed_devices[0].creation_date },
    ]);
    expect(await isConfirmed()).toBe(true);
    expect((await verify(code)).body.error_code).toBe('60019');
    expect((await verify(wrong(code, 5))).body.error_code).toBe('60020');
  });

  test('judges five a minute of a user, of sixty at once', async () => {
    await send();
    const other = wrong(await digits());
    const replies = await Promise.all(Array.from({ length: 60 }, () => verify(other)));
    const judged = replies.filter(({ status }) => status === 401);
    expect(judged).toHaveLength(5);
    for (const { status, body, headers } of replies.filter((reply) => !judged.includes(reply))) {
      expect([status, body.error_code]).toEqual([429, '60003']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    }
  });

  test('lets who never confirmed in with any code only where the tenant wants that, and not when forced', async () => {
    const tenants = createTenants(bench.pool, createTenantRows(createKeyring(bench.config.masterKeys)));
    await tenants.setSwitches(bench.tenant.id, { unforcedVerify: true });
    try {
      expect((await verify('7654321')).body).toMatchObject({ token: 'is valid' });
      expect(await isConfirmed()).toBe(false);
      expect((await verify('7654321', { force: 'true' })).status).toBe(401);
      await send();
      expect((await verify(await digits())).status).toBe(200);
      expect((await verify('7654321')).status).toBe(401);
    } finally {
      await tenants.setSwitches(bench.tenant.id, { unforcedVerify: false });
    }
  });
});
