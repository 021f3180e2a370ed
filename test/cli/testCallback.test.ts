import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createHmac, randomBytes } from 'node:crypto';
import { signAuthy } from '../../channels/authy/sign';
import { createTenantRows } from '../../db/tenants';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { runCommand } from './run';

jest.setTimeout(120_000);

/** A callback that an operator tests: what is sent, and what she can compare. */
const masterKey = { id: 'k1', key: randomBytes(32) };
const authyApiKey = randomBytes(16).toString('hex');
let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let receiver: Receiver;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 2 });
  await createTenants(pool, createTenantRows(createKeyring([masterKey]))).create('Bank', { authyApiKey });
  receiver = await startReceiver();
});
beforeEach(() => void (receiver.received.length = 0));
afterAll(async () => {
  await receiver.close();
  await pool.end();
  await database.drop();
});

const tenant = (...args: string[]) =>
  runCommand(
    {
      DATABASE_URL: database.url,
      COUNTERSIGN_MASTER_KEYS: `${masterKey.id}:${masterKey.key.toString('base64')}`,
      COUNTERSIGN_SIMULATOR: '1',
    },
    ['tenant', ...args],
  );
const signedIn = (stdout: string) => />>>(.*)<<</.exec(stdout)?.[1] ?? '';
const hmac = (text: string) => createHmac('sha256', authyApiKey).update(text).digest('base64');

test('whoever sets a URL sees what a verifier gets, the text that is signed, and the answer', async () => {
  const { code, stdout } = await tenant('set', 'Bank', '--authy-callback-url', receiver.url);
  expect(code).toBe(0);
  expect(stdout).toContain('Answer: 204\n');
  const [call] = receiver.received;
  const { 'x-authy-signature': signature, 'x-authy-signature-nonce': nonce } = call!.headers;
  expect(call!.rawHeaders).toEqual(expect.arrayContaining(['X-Authy-Signature', 'X-Authy-Signature-Nonce']));
  const parameters = JSON.parse(call!.body) as Record<string, unknown>;
  expect(signature).toBe(
    signAuthy(authyApiKey, { nonce: nonce as string, method: 'POST', url: receiver.url, parameters }),
  );
  expect(hmac(signedIn(stdout))).toBe(signature);
  expect(stdout).toContain(call!.body);
  expect(stdout).not.toContain(authyApiKey);
  // All that an answer has, and nothing that lets anybody in.
  expect(parameters).toMatchObject({
    authy_id: 2_147_483_647,
    callback_action: 'approval_request_status',
    device_uuid: expect.any(String),
    status: 'denied',
    approval_request: {
      transaction: { status: 'denied', details: { amount: '10 € + tip' }, hidden_details: { test: 'true' } },
      logos: [{ res: 'default', url: expect.any(String) }],
    },
    signature: expect.stringMatching(/^[A-Za-z\d+/]{86}==$/),
    device: { os_type: 'android' },
  });
});

test('by GET the query is what is signed; --no-test sends nothing', async () => {
  await tenant('set', 'Bank', '--authy-callback-url', receiver.url, '--authy-callback-method', 'GET', '--no-test');
  expect(receiver.received).toEqual([]);
  const { code, stdout } = await tenant('test-callback', 'Bank');
  expect(code).toBe(0);
  const [call] = receiver.received;
  expect(call!.method).toBe('GET');
  expect(call!.headers['x-authy-signature']).toBe(hmac(signedIn(stdout)));
  expect(signedIn(stdout).split('|').slice(1)).toEqual(['GET', receiver.url, call!.path.split('?')[1]]);
});

test('an endpoint that fails is reported, and stays set', async () => {
  receiver.answers.push(500, 302);
  const refused = await tenant('set', 'Bank', '--authy-callback-url', receiver.url, '--authy-callback-method', 'POST');
  expect(refused).toMatchObject({ code: 0, stderr: '' });
  expect(refused.stdout).toContain('Answer: 500\nThe callback was not accepted. It is set all the same');
  expect(await tenant('test-callback', 'Bank')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Answer: 302'),
    stderr: 'The callback was not accepted.\n',
  });
  const nobody = 'http://127.0.0.1:1/callback';
  expect((await tenant('set', 'Bank', '--authy-callback-url', nobody)).stdout).toContain(
    'No answer: connection_refused',
  );
  expect((await tenant('show', 'Bank')).stdout).toContain(`POST ${nobody}`);
  await tenant('set', 'Bank', '--authy-callback-url', 'none');
  expect(await tenant('test-callback', 'Bank')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Bank has none'),
  });
});
