import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { administer, createTestDatabase } from '../support/database';
import { createInstallation, endProcesses, startMain } from './mainProcess';
import type { Installation } from './mainProcess';

const CONFIG = 78;
const UNAVAILABLE = 69;

describe('the program refuses to start with one message that says what to do', () => {
  let installation: Installation;
  beforeAll(async () => void (installation = await createInstallation()));
  afterEach(endProcesses);
  afterAll(() => installation?.remove());

  test('naming every problem of its configuration, and no value', async () => {
    const main = startMain({
      DATABASE_URL: 'mysql://user:hunter2@db.example/secret',
      PORT: '70000',
      COUNTERSIGN_MASTER_KEYS: 'k1:bm90LTMyLWJ5dGVz',
      COUNTERSIGN_ROLES: 'api,cook',
      COUNTERSIGN_LOG_LEVEL: 'loudest',
      COUNTERSIGN_SIMULATER: 'misspelt-value',
      TEMPORAL_API_KEY: 'temporal-secret',
    });
    const { code, stdout, stderr } = await main.ended;
    expect(code).toBe(CONFIG);
    expect(stdout).toBe('');
    for (const name of [
      'DATABASE_URL',
      'PORT',
      'COUNTERSIGN_MASTER_KEYS',
      'COUNTERSIGN_ROLES',
      'COUNTERSIGN_LOG_LEVEL',
      'COUNTERSIGN_SIMULATER',
    ]) {
      expect(stderr).toContain(`- ${name} `);
    }
    for (const value of ['hunter2', 'mysql', '70000', 'bm90', 'cook', 'loudest', 'misspelt-value', 'temporal-secret']) {
      expect(stderr).not.toContain(value);
    }
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  test('with an empty environment', async () => {
    const { code, stderr } = await startMain({}).ended;
    expect(code).toBe(CONFIG);
    expect(stderr).toContain('DATABASE_URL is missing');
    expect(stderr).toContain('COUNTERSIGN_MASTER_KEYS is missing');
  });

  test('when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await startMain({ ...installation.env, PORT: String(port) }).ended;
    other.close();
    expect(code).toBe(UNAVAILABLE);
    expect(stderr).toBe(`countersign: port ${port} is taken; stop what uses it, or set PORT to another one.\n`);
  });

  test('when its address is none of this machine', async () => {
    const env = {
      ...installation.env,
      COUNTERSIGN_HOST: '192.0.2.1',
      COUNTERSIGN_PUBLIC_URLS: 'https://countersign.example',
      COUNTERSIGN_SIMULATOR: '0',
    };
    const { code, stderr } = await startMain(env).ended;
    expect(code).toBe(CONFIG);
    expect(stderr).toBe('countersign: COUNTERSIGN_HOST is no address of this machine; correct it.\n');
  });

  test('when the database is unreachable', async () => {
    const url = new URL(installation.databaseUrl);
    url.port = '1';
    const { code, stderr } = await startMain({ ...installation.env, DATABASE_URL: url.href }).ended;
    expect(code).toBe(UNAVAILABLE);
    expect(stderr).toBe(
      'countersign: the database of DATABASE_URL cannot be reached; start it, or correct DATABASE_URL.\n',
    );
  });

  test('when the database does not let it in', async () => {
    const url = new URL(installation.databaseUrl);
    url.password = 'hunter2';
    const { code, stderr } = await startMain({ ...installation.env, DATABASE_URL: url.href }).ended;
    expect(code).toBe(UNAVAILABLE);
    expect(stderr).toBe(
      'countersign: the database of DATABASE_URL refuses the connection; start it, or correct DATABASE_URL.\n',
    );
  });

  test('when the schema is older, or of a later release', async () => {
    const database = await createTestDatabase();
    const env = { ...installation.env, DATABASE_URL: database.url };
    try {
      await administer(database.url, `insert into schema_migrations (name, run_on) values ('9999_later', now())`);
      expect(await startMain(env).ended).toMatchObject({
        code: CONFIG,
        stderr: 'countersign: the database belongs to a newer release; run that release.\n',
      });
      await administer(database.url, 'delete from schema_migrations');
      expect(await startMain(env).ended).toMatchObject({
        code: CONFIG,
        stderr:
          'countersign: the database has an older schema; bring it up to date with: npm run cli -- migrate (built: node dist/cli/main.js migrate)\n',
      });
    } finally {
      await database.drop();
    }
  });
});
