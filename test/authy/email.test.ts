import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { startAuthy } from '../support/authy';
import { reply, startMailServer } from '../support/mailServer';
import type { MailServer } from '../support/mailServer';
import { until } from '../support/until';

/** Codes by e-mail, to a real mail server. */
let mail: MailServer;
let bench: Awaited<ReturnType<typeof startAuthy>>;
let user: { id: string; authyId: number; email: string };
/** How the server replies to the next e-mails for an address; then it takes them. */
const refusals = new Map<string, number[]>();
const tried: string[] = [];

beforeAll(async () => {
  mail = await startMailServer({
    onRcptTo({ address }, _session, done) {
      tried.push(address);
      const status = refusals.get(address)?.shift();
      done(status === undefined ? null : reply(status));
    },
  });
  const env = {
    COUNTERSIGN_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
    COUNTERSIGN_EMAIL_FROM: 'Codes <codes@shop.example>',
  };
  bench = await startAuthy({ workflows: true, env });
}, 60_000);
beforeEach(async () => {
  const externalId = `jane-${randomInt(1e9)}`;
  user = (await bench.call('POST', '/v1/users', { externalId, email: `${externalId}@example.com` })).body;
});
afterAll(async () => {
  await bench?.close();
  await mail?.close();
});

const path = () => `/protected/json/email/${user.authyId}`;
const send = (form: Record<string, string> = {}) => bench.authy('POST', path(), { form });
const verify = (token: string, query: Record<string, string> = {}) =>
  bench.authy('GET', `/protected/json/verify/${token}/${user.authyId}`, { query });
const arrived = async () => {
  const email = await until(() => Promise.resolve(mail.emails.find(({ to }) => to[0] === user.email)), {
    what: 'the e-mail',
  });
  return email.source.replace(/=\r\n/g, ''); // lines of quoted-printable
};
const codeEvents = () =>
  until(async () => {
    const { body } = await bench.call('GET', `/v1/events?userId=${user.id}`);
    const events = (body.events as { type: string; data: object }[]).filter(({ type }) => type.startsWith('code_'));
    return events.length > 0 && events.map(({ type, data }) => ({ type, ...data }));
  });

test('a code arrives, is known by the id of its e-mail, and is accepted once', async () => {
  const sent = await send();
  expect(sent.status).toBe(200);
  expect(sent.text).toMatch(
    /^\{"success":true,"message":"Email token was sent","email":"jane-\d+@example\.com","email_id":"EM[\da-f]{32}"\}$/,
  );
  const source = await arrived();
  expect(source).toContain(`<${sent.body.email_id}@shop.example>`);
  const code = /code is (\d{7})\./.exec(source)![1]!;
  const accepted = await verify(code, { force: 'true' });
  expect([accepted.status, accepted.body.device.os_type]).toEqual([200, 'email']);
  expect((await verify(code)).body.error_code).toBe('60019');
  const facts = { userId: user.id, channel: 'email', purpose: 'login' };
  expect(await codeEvents()).toEqual([
    { type: 'code_sent', ...facts },
    { type: 'code_accepted', ...facts },
  ]);
});

test('speaks the language that was asked for, says what the code is for, and is good for that only', async () => {
  await send({ locale: 'de', action: 'pay', action_message: 'Pay 49.90' });
  const source = await arrived();
  expect(source).toMatch(/Pay 49\.90\r?\n.*Ihr Code ist \d{7}\./);
  const code = /Ihr Code ist (\d{7})/.exec(source)![1]!;
  expect((await verify(code)).status).toBe(401);
  expect((await verify(code, { action: 'pay' })).status).toBe(200);
});

test('is not needed where there is a device, unless forced', async () => {
  const { body } = await bench.authy('POST', '/protected/json/sdk/registrations', {
    form: { authy_id: String(user.authyId) },
  });
  const phone = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey() });
  await phone.register(body.registration_token as string, { name: 'Phone', platform: 'android' });
  expect((await send()).body).toEqual({
    message: 'Ignored: email is not needed for smartphones. Pass force=true if you want to actually send it anyway.',
    ...{ email: user.email, device: 'android', ignored: true, success: true },
  });
  const forced = await send({ force: 'true' });
  expect(Object.keys(forced.body as object)).toEqual(['success', 'message', 'email', 'email_id']);
});

test('an address that is refused for good is tried once', async () => {
  refusals.set(user.email, [550, 550]);
  await send();
  expect(await codeEvents()).toEqual([
    { type: 'code_failed', userId: user.id, channel: 'email', purpose: 'login', reason: 'refused' },
  ]);
  expect(tried.filter((address) => address === user.email)).toHaveLength(1);
  const { text } = await bench.call('GET', '/metrics');
  expect(text).toContain('countersign_message_attempts_total{channel="email",result="failed"} 1');
});

test('one that is refused for now is tried again', async () => {
  refusals.set(user.email, [451]);
  const sent = await send();
  expect(await arrived()).toContain(sent.body.email_id);
  expect((await codeEvents())[0]).toMatchObject({ type: 'code_sent', channel: 'email' });
  expect(tried.filter((address) => address === user.email)).toHaveLength(2);
});

test('one e-mail in thirty seconds goes to an address; a text message has a count of its own', async () => {
  const replies = await Promise.all([send(), send(), send()]);
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  const [refused] = replies.filter(({ status }) => status === 429);
  expect(refused!.body.error_code).toBe('60003');
  expect(Number(refused!.headers['retry-after'])).toBeLessThanOrEqual(30);
});

test('is refused for nobody, and for who has no address', async () => {
  const nobody = await bench.authy('POST', '/protected/json/email/2147483647');
  expect([nobody.status, nobody.body.error_code]).toEqual([404, '60026']);
  user = (await bench.call('POST', '/v1/users', { phone: `+1415555${randomInt(1_000, 9_999)}` })).body;
  const refused = await send();
  expect([refused.status, refused.text]).toEqual([
    400,
    '{"message":"User has no email","success":false,"errors":{"message":"User has no email"},"error_code":"60038"}',
  ]);
});

test('is refused where no mail server is configured', async () => {
  const bare = await startAuthy({ env: { COUNTERSIGN_SIMULATOR: '0' }, temporalAddress: '127.0.0.1:1' });
  try {
    const { authyId } = (await bare.call('POST', '/v1/users', { externalId: 'jane', email: 'jane@example.com' })).body;
    const refused = await bare.authy('POST', `/protected/json/email/${authyId}`);
    expect([refused.status, refused.body.error_code]).toEqual([403, '60015']);
  } finally {
    await bare.close();
  }
});

test('no address and no digits are in a log', async () => {
  await send();
  const code = /code is (\d{7})\./.exec(await arrived())![1]!;
  await codeEvents();
  const logs = bench.logs.join('\n');
  expect(logs).toContain('/protected/:format/email/:id');
  expect([user.email, code, 'hunter2'].filter((secret) => logs.includes(secret))).toEqual([]);
});
