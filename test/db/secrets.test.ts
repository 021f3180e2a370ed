import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTenantRows } from '../../db/tenants';
import { createKeyring } from '../../platform/keys/keyring';
import { startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { callAs, newToken } from '../support/signing';

let program: TestProgram;
beforeAll(async () => void (program = await startApi()), 60_000);
afterAll(() => program?.close());

test('what people and tenants want to keep to themselves is in no row in clear, as text or as bytes', async () => {
  const phone = '+41446681801';
  const { body: person } = await program.call('POST', '/v1/users', { phone, email: 'planted-mail@example.com' });
  await newToken(program, person.id as string);
  const user = await addUser(program);
  const request = {
    userId: user.id,
    title: 'planted-title',
    details: [{ label: 'planted-label', value: 'planted-value' }],
    hiddenDetails: { 'planted-hidden': 'planted-secret' },
    callbackUrl: 'http://127.0.0.1:9/planted-callback',
  };
  await program.call('POST', '/v1/approvals', request, { 'idempotency-key': 'any' });
  const body = '{"kind":"simulated","token":"planted-push-token"}';
  await callAs(program, user.devices[0]!, { method: 'PUT', path: '/v1/device/push-target', body });
  await program.call('GET', '/.well-known/jwks.json');

  const dump = await dumpOf(program);
  expect(dump).toContain(user.id);
  const { apiKey, signingKey } = program.tenant;
  const token = await newToken(program, user.id);
  const tenants = createTenantRows(createKeyring(program.config.masterKeys));
  const authyApiKey = (await tenants.readAuthyApiKey(program.pool, program.tenant.id))!;
  for (const secret of [
    phone,
    '446681801',
    'planted',
    apiKey,
    apiKey.slice(9),
    authyApiKey,
    signingKey,
    token.slice(-43),
    '"d"',
  ]) {
    expect({ secret, found: dump.includes(secret) }).toEqual({ secret, found: false });
  }
});

/** Every value of every row, bytes as text. */
async function dumpOf({ pool }: TestProgram): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const values: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<Record<string, unknown>>(`select * from ${name}`);
    for (const value of rows.flatMap((row) => Object.values(row))) {
      values.push(
        Buffer.isBuffer(value) ? value.toString('latin1') : typeof value === 'string' ? value : JSON.stringify(value),
      );
    }
  }
  return values.join('\n');
}
