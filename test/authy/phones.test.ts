import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { SignJWT } from 'jose';
import { startAuthy } from '../support/authy';
import type { AuthyRequest } from '../support/authy';
import { until } from '../support/until';

let bench: Awaited<ReturnType<typeof startAuthy>>;
const texts: { to: string; text: string; kind: 'sms' | 'voice' }[] = [];
const taking = (kind: 'sms' | 'voice') => ({
  send: ({ to, text }: { to: string; text: string }) => Promise.resolve(void texts.push({ to, text, kind })),
});
beforeAll(async () => {
  bench = await startAuthy({ workflows: true, smsSender: taking('sms'), voiceSender: taking('voice') });
}, 60_000);
afterAll(() => bench?.close());

const PHONES = '/protected/json/phones';
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A Swiss mobile phone that nobody else here has. */
function newPhone() {
  const number = `79${randomInt(1_000_000, 9_999_999)}`;
  return { about: { country_code: '41', phone_number: number }, e164: `+41${number}` };
}
type About = ReturnType<typeof newPhone>['about'];

const start = (about: About, more: Record<string, string> = {}, request: AuthyRequest = {}) =>
  bench.authy('POST', `${PHONES}/verification/start`, { form: { via: 'sms', ...about, ...more }, ...request });
const check = (about: About, code: string) =>
  bench.authy('GET', `${PHONES}/verification/check`, { query: { ...about, verification_code: code } });
const status = (query: Record<string, string>) => bench.authy('GET', `${PHONES}/verification/status`, { query });
const textTo = (e164: string, count = 1) =>
  until(() => Promise.resolve(texts.filter(({ to }) => to === e164)[count - 1]), { what: `text ${count}` });
const codeIn = ({ text }: { text: string }) => /\b\d{4,10}\b/.exec(text)![0];
const wrong = (code: string) => (code === '0000' ? '1111' : '0000');
/** What the sends before have used up is over. */
const laterOn = () => bench.pool.query('delete from recent_acts');

const refusal = (status: number, number: string, message: string) => ({
  status,
  body: { message, success: false, errors: { message }, error_code: number },
});

describe('a verification by text message', () => {
  test('is started, looked at, and ends with the code that was sent', async () => {
    const { about, e164 } = newPhone();
    const started = await start(about);
    const shown = e164.replace(/^\+41(\d\d)(\d{3})(\d\d)(\d\d)$/, '+41 $1-$2-$3-$4');
    expect(started).toMatchObject({ status: 200, headers: { 'content-type': 'application/json;charset=utf-8' } });
    expect(started.body).toEqual({
      carrier: '',
      is_cellphone: true,
      message: `SMS an ${shown} gesendet.`,
      seconds_to_expire: expect.any(Number),
      uuid: expect.stringMatching(UUID),
      success: true,
    });
    // Read in the same millisecond it has all of its time.
    expect([599, 600]).toContain(started.body.seconds_to_expire);
    expect([599, 600]).toContain(started.body.seconds_to_expire);
    const { text } = await textTo(e164);
    expect(text).toMatch(/: Ihr Code ist \d{4}\. Er gilt 10 Minuten\./);
    for (const query of [{ uuid: started.body.uuid as string }, about]) {
      expect((await status(query)).body).toEqual({
        message: 'Phone Verification status.',
        status: 'pending',
        seconds_to_expire: expect.any(Number),
        success: true,
      });
    }
    const checked = await check(about, codeIn({ text }));
    expect(checked.status).toBe(200);
    expect(checked.text).toBe('{"message":"Verification code is correct.","success":true}');
    expect((await status({ uuid: started.body.uuid as string })).body).toMatchObject({ status: 'verified' });
    // Its code is worth nothing any more.
    expect(await check(about, codeIn({ text }))).toMatchObject(
      refusal(404, '60023', `No pending verifications for ${shown} found.`),
    );
  });

  test('is in the language that was asked for, also where a call says so', async () => {
    const { about, e164 } = newPhone();
    expect((await start(about, { locale: 'es-MX', via: 'call' })).body.message).toMatch(
      /^Llamada a .* fue iniciada\.$/,
    );
    const { text, kind } = await textTo(e164);
    expect(kind).toBe('voice');
    expect(text).toMatch(/Tu código es: (\d, ){3}\d\./);
    expect((await start(newPhone().about, { locale: 'vi' })).body.message).toMatch(/^Text message sent to /);
  });

  test.each([4, 7, 10])('has a code of %i digits where that was asked for', async (length) => {
    const { about, e164 } = newPhone();
    await start(about, { code_length: String(length) });
    expect(codeIn(await textTo(e164))).toHaveLength(length);
    expect((await check(about, codeIn(await textTo(e164)))).status).toBe(200);
  });

  test('a further start within the time sends the same code, and does not lengthen its life', async () => {
    const { about, e164 } = newPhone();
    const { uuid } = (await start(about)).body;
    const first = codeIn(await textTo(e164));
    await bench.pool.query(
      `update phone_verifications set expires_at = expires_at - interval '4 minutes' where id = $1`,
      [uuid],
    );
    await laterOn();
    const again = (await start(about, { code_length: '8', locale: 'en' })).body;
    expect(again).toMatchObject({ uuid, success: true });
    expect(again.seconds_to_expire).toBeLessThan(361);
    const second = await textTo(e164, 2);
    expect(codeIn(second)).toBe(first);
    expect(second.text).toContain('It is valid for 6 minutes.');
  });

  test('is not sent again within half a minute', async () => {
    const { about } = newPhone();
    await start(about);
    const refused = await start(about);
    expect(refused).toMatchObject({ status: 429, body: { error_code: '60003', success: false } });
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(30);
  });

  test('that nobody answers expires, and the next start has another code', async () => {
    const { about } = newPhone();
    const { uuid } = (await start(about)).body;
    await bench.pool.query('update phone_verifications set expires_at = clock_timestamp() where id = $1', [uuid]);
    expect((await status({ uuid })).body).toMatchObject({ status: 'expired', seconds_to_expire: 0 });
    expect((await check(about, '0000')).body.error_code).toBe('60023');
    await laterOn();
    expect((await start(about)).body.uuid).not.toBe(uuid);
  });
});

describe('a code that the tenant chose', () => {
  test('is sent and checked; feedback says whether it came', async () => {
    const { about, e164 } = newPhone();
    const started = (await start(about, { custom_code: 'X7kQ9' })).body;
    expect(started.sms_id).toMatch(/^SM[\da-f]{32}$/);
    expect((await textTo(e164)).text).toContain('X7kQ9');
    const feedback = (key: string, id: string, outcome: string) =>
      bench.authy('POST', `/2010-04-01/Accounts/${key}/SMS/Messages/${id}/Feedback.json`, {
        form: { Outcome: outcome },
        key: null,
      });
    const { authyApiKey } = bench.tenant;
    const given = await feedback(authyApiKey, started.sms_id, 'received');
    expect(given.status).toBe(200);
    expect(given.body).toEqual({
      account_sid: '',
      message_sid: started.sms_id,
      outcome: 'received',
      date_created: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/),
      date_updated: expect.any(String),
      uri: '',
      success: true,
    });
    expect((await feedback(authyApiKey, started.sms_id, 'not-received')).body.outcome).toBe('not-received');
    expect((await feedback(authyApiKey, `SM${'0'.repeat(32)}`, 'received')).body.error_code).toBe('60032');
    expect((await feedback(authyApiKey, 'x', 'received')).body.error_code).toBe('60032');
    expect((await feedback(authyApiKey, started.sms_id, 'perhaps')).body.error_code).toBe('60004');
    expect(await feedback('nobody', started.sms_id, 'received')).toMatchObject(
      refusal(401, '60001', 'Invalid API key'),
    );
    expect(bench.logs.join('\n')).not.toContain(authyApiKey);
    expect((await check(about, 'x7kq9')).body.error_code).toBe('60022');
    expect((await check(about, 'X7kQ9')).status).toBe(200);
  });

  test('takes the place of the one before', async () => {
    const { about, e164 } = newPhone();
    await start(about);
    const first = codeIn(await textTo(e164));
    await laterOn();
    await start(about, { custom_code: 'later' });
    expect((await textTo(e164, 2)).text).toContain('later');
    expect((await check(about, first)).body.error_code).toBe('60022');
    expect((await check(about, 'later')).status).toBe(200);
  });
});

test('five wrong codes end the guessing, and a further start sends no code that nobody could enter', async () => {
  const { about, e164 } = newPhone();
  await start(about);
  const code = codeIn(await textTo(e164));
  const heard = [];
  for (let n = 0; n < 5; n++) heard.push(await check(about, wrong(code)));
  expect(heard).toEqual(
    heard.map(() => expect.objectContaining(refusal(401, '60022', 'Verification code is incorrect'))),
  );
  await laterOn();
  for (const refused of [await start(about), await check(about, code)]) {
    expect(refused).toMatchObject({ status: 429, body: { error_code: '60003', success: false } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(500);
  }
  expect(texts.filter(({ to }) => to === e164)).toHaveLength(1);
});

test.each([
  ['41', '791234567', 'cellphone'],
  ['41', '446681800', 'landline'],
  ['44', '5600123456', 'voip'],
  ['1', '(415) 555-2671', 'unknown'],
  ['+1', '+14155552671', 'unknown'],
])('what is known of %s %s: %s', async (country_code, phone_number, type) => {
  const { status, body } = await bench.authy('GET', `${PHONES}/info`, { query: { country_code, phone_number } });
  expect(status).toBe(200);
  expect(body).toEqual({
    message: expect.stringMatching(/^Phone number information as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
    type,
    provider: '',
    ported: false,
    success: true,
  });
});

describe('what is refused', () => {
  const { about } = newPhone();
  const withoutCountry = { phone_number: about.phone_number };

  test.each<[name: string, form: Record<string, string>, status: number, number: string, message: string]>([
    ['no via', about, 400, '60004', 'Invalid parameter: via - Parameter is required'],
    ['another via', { ...about, via: 'fax' }, 400, '60004', ''],
    ['a member of every object', { ...about, via: 'toString' }, 400, '60004', ''],
    [
      'no country code',
      { ...withoutCountry, via: 'sms' },
      400,
      '60004',
      'Invalid parameter: country_code - Parameter is required',
    ],
    [
      'a country code of letters',
      { ...withoutCountry, via: 'sms', country_code: 'xxx' },
      400,
      '60004',
      "Invalid parameter: country_code - 'xxx' is not a valid Integer",
    ],
    ['no number', { via: 'sms', country_code: '41' }, 400, '60004', ''],
    ['a number of letters', { via: 'sms', country_code: '41', phone_number: 'abc' }, 400, '60033', ''],
    [
      'too short a number',
      { via: 'sms', country_code: '41', phone_number: '12' },
      400,
      '60033',
      'Phone number is invalid',
    ],
    ['no such country', { via: 'sms', country_code: '999', phone_number: '123456789' }, 400, '60033', ''],
    ["another country's number", { via: 'sms', country_code: '1', phone_number: '+41791234567' }, 400, '60033', ''],
    ['a number that costs', { via: 'call', country_code: '41', phone_number: '900123456' }, 400, '60033', ''],
    ['a text message to a landline', { via: 'sms', country_code: '41', phone_number: '446681800' }, 403, '60082', ''],
    ['too short a code', { ...about, via: 'sms', code_length: '3' }, 400, '60004', ''],
    ['too long a code', { ...about, via: 'sms', code_length: '11' }, 400, '60004', ''],
    ['too short a chosen code', { ...about, via: 'sms', custom_code: 'abc' }, 400, '60004', ''],
    ['a chosen code with markup', { ...about, via: 'sms', custom_code: '<b>12' }, 400, '60004', ''],
    ['a text of the tenant', { ...about, via: 'sms', custom_message: 'Hello' }, 403, '60091', ''],
  ])('a start with %s', async (_, form, status, number, message) => {
    const reply = await bench.authy('POST', `${PHONES}/verification/start`, { form });
    expect(reply).toMatchObject({ status, body: { success: false, error_code: number } });
    expect(reply.body.message).toContain(message);
  });

  test('a landline can be called', async () => {
    const called = await start({ country_code: '41', phone_number: '446681800' }, { via: 'call' });
    expect(called.body).toMatchObject({ success: true, is_cellphone: false });
  });

  test('asking without a uuid or a number, or about nothing', async () => {
    expect(await status({})).toMatchObject({ status: 400, body: { error_code: '60042' } });
    for (const query of [{ uuid: 'x' }, { uuid: crypto.randomUUID() }, newPhone().about]) {
      expect(await status(query)).toMatchObject({ status: 404, body: { error_code: '60023' } });
    }
    expect((await check(newPhone().about, '0000')).body.error_code).toBe('60023');
    expect((await bench.authy('GET', `${PHONES}/info`)).body.error_code).toBe('60004');
  });

  test("another tenant's verification", async () => {
    const phone = newPhone();
    const { uuid } = (await start(phone.about)).body;
    const { authyApiKey: key } = await bench.addTenant('another');
    const asked = await bench.authy('GET', `${PHONES}/verification/status`, { query: { uuid }, key });
    expect(asked.body.error_code).toBe('60023');
    const query = { ...phone.about, verification_code: codeIn(await textTo(phone.e164)) };
    expect((await bench.authy('GET', `${PHONES}/verification/check`, { query, key })).body.error_code).toBe('60023');
  });

  test('a chosen code where the tenant may not', async () => {
    await bench.pool.query(`update tenants set switches = switches || '{"customCode":false}' where id = $1`, [
      bench.tenant.id,
    ]);
    const refused = await start(newPhone().about, { custom_code: '12345' });
    expect(refused).toMatchObject({ status: 403, body: { error_code: '60091' } });
  });
});

describe('wherever parameters travel', () => {
  test.each([
    ['a form body of GET', 'GET', 'form'],
    ['JSON', 'POST', 'json'],
    ['the query of POST', 'POST', 'query'],
  ])('a check takes them from %s', async (_, method, place) => {
    const { about, e164 } = newPhone();
    await start(about);
    const parameters = { ...about, verification_code: codeIn(await textTo(e164)) };
    const reply = await bench.authy(method, `${PHONES}/verification/check`, { [place]: parameters });
    expect(reply).toMatchObject({ status: 200, body: { success: true } });
  });

  test('a start takes numbers from JSON', async () => {
    const { about } = newPhone();
    const json = { via: 'sms', phone_number: about.phone_number, country_code: 41, code_length: 6, locale: null };
    expect((await bench.authy('POST', `${PHONES}/verification/start`, { json })).status).toBe(200);
  });
});

describe('an app that holds no key', () => {
  const sign = (payload: Record<string, unknown>, key = bench.tenant.authyApiKey) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(key));
  const nowSeconds = () => Math.floor(Date.now() / 1_000);
  const appId = async () => (await bench.authy('GET', '/protected/json/app/details')).body.app.app_id as number;
  const claims = async ({ phone_number: phoneNumber }: About) => ({
    app_id: await appId(),
    phone_number: phoneNumber,
    iat: nowSeconds(),
  });
  const withToken = (jwt: string) => ({ key: null, query: { jwt_token: jwt } });

  test('verifies the one phone that its token is about', async () => {
    const { about, e164 } = newPhone();
    const jwt = await sign(await claims(about));
    expect(await start(about, {}, withToken(jwt))).toMatchObject({ status: 200, body: { success: true } });
    const code = codeIn(await textTo(e164));
    const checked = await bench.authy('POST', `${PHONES}/verification/check`, {
      key: null,
      json: { ...about, verification_code: code, jwt_token: jwt },
    });
    expect(checked.body).toEqual({ message: 'Verification code is correct.', success: true });
  });

  test.each<[string, (about: About) => Promise<string>, number, string]>([
    ['about another phone', async () => sign(await claims(newPhone().about)), 401, '60116'],
    ['about none', async (about) => sign({ ...(await claims(about)), phone_number: undefined }), 401, '60116'],
    ['of no application', async (about) => sign({ ...(await claims(about)), app_id: 'bank' }), 401, '60116'],
    ['without a time', async (about) => sign({ ...(await claims(about)), iat: undefined }), 401, '60116'],
    ['an hour old', async (about) => sign({ ...(await claims(about)), iat: nowSeconds() - 3_600 }), 401, '60086'],
    ['of tomorrow', async (about) => sign({ ...(await claims(about)), iat: nowSeconds() + 86_400 }), 401, '60101'],
    ['signed by another', async (about) => sign(await claims(about), 'x'.repeat(32)), 401, '60101'],
    ['that is none', () => Promise.resolve('x.y'), 401, '60101'],
  ])('with a token %s is refused, and nothing is sent', async (_what, make, status, number) => {
    const { about, e164 } = newPhone();
    const refused = await start(about, {}, withToken(await make(about)));
    expect([refused.status, refused.body.error_code]).toEqual([status, number]);
    expect(await bench.authy('GET', `${PHONES}/verification/status`, { query: about })).toMatchObject({ status: 404 });
    expect(texts.filter(({ to }) => to === e164)).toEqual([]);
  });

  test('chooses no code, and does nothing else', async () => {
    const { about } = newPhone();
    const jwt = await sign(await claims(about));
    const chosen = await start(about, { custom_code: '123456' }, withToken(jwt));
    expect([chosen.status, chosen.body.error_code]).toEqual([403, '60091']);
    const read = await bench.authy('GET', `${PHONES}/verification/status`, {
      key: null,
      query: { ...about, jwt_token: jwt },
    });
    expect([read.status, read.body.error_code]).toEqual([401, '60001']);
  });
});
