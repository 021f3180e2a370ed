import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createTenantRows } from '../../db/tenants';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { runCommand } from './run';

jest.setTimeout(120_000);

const masterKey = { id: 'k1', key: randomBytes(32) };
const rows = createTenantRows(createKeyring([masterKey]));

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let env: Record<string, string>;
let folder: string;
let name: string;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { size: 2 });
  folder = await mkdtemp(path.join(os.tmpdir(), 'countersign-tenant-'));
  env = {
    DATABASE_URL: database.url,
    COUNTERSIGN_MASTER_KEYS: `${masterKey.id}:${masterKey.key.toString('base64')}`,
  };
});
beforeEach(() => void (name = `Bank ${randomUUID()}`));
afterAll(async () => {
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const tenants = () => createTenants(pool, rows);
const tenant = (args: string[], input?: string) => runCommand(env, ['tenant', ...args], input);
const valueOf = (stdout: string, label: string) => new RegExp(`^${label} +(\\S+)$`, 'm').exec(stdout)?.[1] ?? '';
const authyKey = () => randomBytes(16).toString('hex');

describe('API keys', () => {
  test('are made with scopes and a lifetime, listed with their last use, and revoked one by one', async () => {
    const { tenant: made } = (await tenants().create(name))!;
    const created = await tenant([
      'create-key',
      name,
      '--scopes',
      'approvals:write,users:read',
      '--expires-in-days',
      '30',
    ]);
    expect(created).toMatchObject({ code: 0, stderr: '' });
    const key = valueOf(created.stdout, 'API key');
    expect(await tenants().authenticate(key)).toMatchObject({
      tenant: { id: made.id },
      scopes: ['approvals:write', 'users:read'],
    });

    const { stdout: list } = await tenant(['list-keys', name]);
    const today = new Date().toISOString().slice(0, 10);
    const inThirtyDays = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    const lines = list.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^ck_\w{6} +\S+ +never +- +all$/);
    expect(lines[2]!.split(/ +/)).toEqual([key.slice(0, 9), today, inThirtyDays, today, 'approvals:write,users:read']);
    expect(list).not.toContain(key);

    expect(await tenant(['revoke-key', name, key.slice(0, 9)])).toMatchObject({ code: 0 });
    expect(await tenants().authenticate(key)).toBeUndefined();
    const again = await tenant(['revoke-key', name, key.slice(0, 9)]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('list-keys') });
    expect((await tenants().listKeys(made.id)).map(({ hasExpired }) => hasExpired)).toEqual([false, true]);
  });

  test('that replace others have all scopes, and end those before them', async () => {
    const { apiKey } = (await tenants().create(name))!;
    const rotated = await tenant(['rotate-key', name, '--overlap-hours', '0']);
    const key = valueOf(rotated.stdout, 'API key');
    expect(await tenants().authenticate(key)).toMatchObject({ scopes: null });
    expect(await tenants().authenticate(apiKey)).toBeUndefined();
  });

  test.each([
    ['an unknown scope', ['--scopes', 'approvals:write,everything'], 'users:read'],
    ['no scope', ['--scopes', ''], 'users:read'],
    ['a lifetime of nothing', ['--scopes', 'all', '--expires-in-days', '0'], '--expires-in-days'],
    ['no choice', [], '--scopes'],
  ])('with %s are not made', async (_what, options, says) => {
    const { tenant: made } = (await tenants().create(name))!;
    const refused = await tenant(['create-key', name, ...options]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(says) });
    expect(refused.stderr).not.toContain('    at ');
    expect(await tenants().listKeys(made.id)).toHaveLength(1);
  });
});

describe('an Authy API key', () => {
  test('is made for every new tenant, and is no key of /v1', async () => {
    const { stdout } = await tenant(['create', name]);
    const key = valueOf(stdout, 'Authy API key');
    expect(key).toMatch(/^[0-9A-Za-z]{32}$/);
    const known = await rows.findByAuthyApiKey(pool, key);
    expect(known).toMatchObject({ name });
    expect(await rows.readAuthyApiKey(pool, known!.id)).toBe(key);
    expect(await tenants().authenticate(key)).toBeUndefined();
  });

  test('that exists is taken over from standard input or a file, and is not printed', async () => {
    const [first, second] = [authyKey(), authyKey()];
    const created = await tenant(['create', name, '--authy-api-key', '-'], `${first}\n`);
    expect(created).toMatchObject({ code: 0 });
    expect(created.stdout + created.stderr).not.toContain(first);
    expect(await rows.findByAuthyApiKey(pool, first)).toMatchObject({ name });

    const file = path.join(folder, 'authy-key');
    await writeFile(file, second);
    expect(await tenant(['set-authy-key', name, '--authy-api-key', file])).toMatchObject({ code: 0 });
    expect(await rows.findByAuthyApiKey(pool, second)).toMatchObject({ name });
    expect(await rows.findByAuthyApiKey(pool, first)).toBeUndefined();
  });

  test('of another tenant is refused in words, whatever it was indexed under', async () => {
    const key = authyKey();
    await tenants().create(name, { authyApiKey: key });
    const other = `Other ${name}`;
    const refused = await tenant(['create', other, '--authy-api-key', '-'], key);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Another tenant has this') });
    expect(await tenants().findByName(other)).toBeUndefined();

    await tenants().create(other);
    const rotated = {
      ...env,
      COUNTERSIGN_MASTER_KEYS: `k2:${randomBytes(32).toString('base64')},${env['COUNTERSIGN_MASTER_KEYS']}`,
    };
    for (const each of [env, rotated]) {
      const set = await runCommand(each, ['tenant', 'set-authy-key', other, '--authy-api-key', '-'], key);
      expect(set).toMatchObject({ code: 1, stderr: expect.stringContaining('Another tenant has this') });
    }
    expect(await rows.findByAuthyApiKey(pool, key)).toMatchObject({ name });
  });

  test('that two tenants claim at the same moment becomes the one of one', async () => {
    const key = authyKey();
    const claims = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => tenants().create(`${name} ${n}`, { authyApiKey: key })),
    );
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = claims.flatMap((each) => (each.status === 'rejected' ? [(each.reason as Error).name] : []));
    expect(new Set(reasons)).toEqual(new Set(['AuthyKeyInUse']));
  });

  test.each([
    ['too short', 'x'.repeat(19)],
    ['too long', 'x'.repeat(201)],
    ['with a space', `${'x'.repeat(20)} y`],
    ['of two lines', `${'x'.repeat(20)}\n${'y'.repeat(20)}`],
    ['empty', ''],
  ])('%s is refused', async (_what, key) => {
    const refused = await tenant(['create', name, '--authy-api-key', '-'], key);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('20 to 200') });
    expect(await tenants().findByName(name)).toBeUndefined();
  });

  test('given on the command line, where everybody sees it, is not repeated and not taken', async () => {
    const key = authyKey();
    const refused = await tenant(['create', name, '--authy-api-key', key]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('a file, or -') });
    expect(refused.stderr).not.toContain(key);
    expect(await tenants().findByName(name)).toBeUndefined();
  });
});

describe('what the Authy dialect needs', () => {
  test('dashboard keys are made once and shown again', async () => {
    await tenants().create(name);
    const first = await tenant(['dashboard-keys', name]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const keys = ['App API key', 'Access key', 'API signing key'].map((label) => valueOf(first.stdout, label));
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^[0-9A-Za-z]{32}$/);
    expect((await tenant(['dashboard-keys', name])).stdout).toBe(first.stdout);
    expect(await tenants().findByAppApiKey(keys[0]!)).toMatchObject({
      tenant: { name },
      accessKeys: [{ key: keys[1] }],
      apiSigningKey: keys[2],
    });
  });

  test('switches are on or off, and keep what nobody changes', async () => {
    await tenants().create(name);
    expect((await tenant(['set', name, '--unforced-verify', 'on'])).stdout).toMatch(/^unforced-verify +on$/m);
    const { stdout } = await tenant(['set', name, '--repeat-window', 'off']);
    expect(stdout).toMatch(/^unforced-verify +on$/m);
    expect(stdout).toMatch(/^repeat-window +off$/m);
    expect(await tenant(['set', name, '--repeat-window', 'maybe'])).toMatchObject({ code: 1 });
    expect((await tenants().findByName(name))?.switches).toMatchObject({ unforcedVerify: true, repeatWindow: false });
  });

  test('a callback is set, changed in part and taken away; it is sealed', async () => {
    const { tenant: made } = (await tenants().create(name))!;
    const url = 'https://app.example.com/authy/callback';
    const callbackOf = async (...args: string[]) =>
      /^Authy callback +(.*)$/m.exec((await tenant(['set', name, '--no-test', ...args])).stdout)?.[1];
    expect(await callbackOf()).toBe('none');
    expect(await callbackOf('--authy-callback-url', url)).toBe(`POST ${url}`);
    const { rows: sealed } = await pool.query(`select authy_callback_url from tenants where id = $1`, [made.id]);
    expect((sealed[0] as { authy_callback_url: Buffer }).authy_callback_url.includes('example')).toBe(false);
    expect(await callbackOf('--authy-callback-method', 'get')).toBe(`GET ${url}`);
    expect(await callbackOf('--authy-callback-url', 'none')).toBe('none');
  });

  test.each([
    ['--authy-callback-url', 'http://app.example.com/'],
    ['--authy-callback-url', 'https://127.0.0.1/'],
    ['--authy-callback-url', 'callback'],
    ['--authy-callback-url', 'https://app.example.com/?a=b'],
    ['--authy-callback-url', 'https://app.example.com/#a'],
    ['--authy-callback-method', 'PUT'],
  ])('a callback that would not be called, or not be verified, is refused: %s %s', async (option, value) => {
    const { tenant: made } = (await tenants().create(name))!;
    const refused = await tenant(['set', name, option, value]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(option) });
    expect(await rows.readAuthyCallback(pool, made.id)).toEqual({ url: null, method: 'POST' });
  });
});
