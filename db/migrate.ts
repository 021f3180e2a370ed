import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';

const MIGRATIONS = join(__dirname, 'migrations');
const TABLE = 'schema_migrations';

/**
 * Brings the schema up to date. Safe to repeat, and by several processes at once (an advisory lock lets one work).
 * @throws what PostgreSQL says when it cannot be reached or a migration fails; a failed one leaves nothing behind.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: MIGRATIONS,
    migrationsTable: TABLE,
    direction: 'up',
    checkOrder: true,
    log: () => {},
  });
}

/** How the schema stands towards this program: `older` wants migrating, `newer` belongs to a later release. */
export async function schemaState(databaseUrl: string): Promise<'right' | 'older' | 'newer'> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const known = await client.query<{ exists: boolean }>(`select to_regclass($1) is not null as exists`, [TABLE]);
    if (!known.rows[0]?.exists) return 'older';
    const applied = await client.query<{ name: string }>(`select name from ${TABLE}`);
    const there = new Set(applied.rows.map((row) => row.name));
    const ours = readdirSync(MIGRATIONS).map((file) => file.replace(/\.sql$/, ''));
    if (ours.some((name) => !there.has(name))) return 'older';
    return there.size > ours.length ? 'newer' : 'right';
  } finally {
    await client.end();
  }
}
