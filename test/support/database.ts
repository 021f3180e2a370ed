import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { TEST_DATABASE_URL, TEST_TEMPLATE } from './testEnvironment';

export interface TestDatabase {
  readonly url: string;
  /** Removes it, and ends whoever is still connected to it. */
  drop(): Promise<void>;
}

/** A database of its own for one test file, copied from the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = process.env[TEST_DATABASE_URL];
  const template = process.env[TEST_TEMPLATE];
  if (!adminUrl || !template) {
    throw new Error('no test servers: jest.config.cjs lists this folder as one that needs none');
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(adminUrl, `create database ${name} template ${template} strategy file_copy`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`) };
}

/** Runs one statement on the server's own database. */
export async function administer(adminUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
