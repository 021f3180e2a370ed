import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTES } from '../../contracts/routes';
import { createTenantRows } from '../../db/tenants';
import { SCOPES } from '../../domain/scope';
import type { Scope } from '../../domain/scope';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { expectProblem } from '../support/expectProblem';
import { countRows, send, startApi } from '../support/http';
import type { TestProgram } from '../support/program';
import { createRouteCalls, nameOf } from '../support/routes';

const OF_TENANTS = ROUTES.filter(({ caller }) => caller === 'tenant');

let program: TestProgram;
beforeAll(async () => void (program = await startApi()), 60_000);
afterAll(() => program?.close());

const createKey = (scopes: readonly Scope[] | null): Promise<string> =>
  createTenants(program.pool, createTenantRows(createKeyring(program.config.masterKeys))).createKey(
    program.tenant.id,
    scopes,
    null,
  );
const withKey = (key: string) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });

test('a key that has every scope but the one of a route is refused there, names the scope, and changes nothing', async () => {
  const routes = await createRouteCalls(program);
  const lacking = new Map<Scope | undefined, string>();
  for (const scope of SCOPES) lacking.set(scope, await createKey(SCOPES.filter((other) => other !== scope)));
  const before = await countRows(program);
  for (const route of OF_TENANTS) {
    const reply = await routes.call(route, { headers: withKey(lacking.get(route.scope)!) });
    expect({ route: nameOf(route), status: reply.status }).toEqual({ route: nameOf(route), status: 403 });
    expectProblem(reply, 'scope_missing', { field: 'Authorization' });
    expect(reply.body).toMatchObject({ reason: `the key needs the scope ${String(route.scope)}` });
  }
  expect(await countRows(program)).toEqual(before);
});

test('a key that has only the scope of a route may call it', async () => {
  const routes = await createRouteCalls(program);
  const only = new Map<Scope | undefined, string>();
  for (const scope of SCOPES) only.set(scope, await createKey([scope]));
  // A stream would stay; what removes comes last.
  const order = [...OF_TENANTS].sort((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'));
  for (const route of order.filter(({ stream }) => !stream)) {
    const { status } = await routes.call(route, { headers: withKey(only.get(route.scope)!) });
    expect({ route: nameOf(route), forbidden: [401, 403].includes(status) }).toEqual({
      route: nameOf(route),
      forbidden: false,
    });
  }
});

test('a key without scopes may do nothing, a key without a list everything', async () => {
  const none = await createKey([]);
  const all = await createKey(null);
  const call = (key: string) => send(program, { path: '/v1/users', headers: withKey(key) });
  expectProblem(await call(none), 'scope_missing');
  expect((await call(all)).status).toBe(200);
});

test('a refused key learns nothing of what is there', async () => {
  const { ids } = await createRouteCalls(program);
  const headers = withKey(await createKey(['events:read']));
  const ask = async (userId: string) => {
    const { status, text } = await send(program, { path: `/v1/users/${userId}`, headers });
    return { status, text: text.replace(/"requestId":"[^"]*"/, '') };
  };
  expect(await ask(ids.userId)).toEqual(await ask(randomUUID()));
  expect(await ask('no-id')).toEqual(await ask(randomUUID()));
});

test('the day of the last use is written down once a day, whoever asks at the same time', async () => {
  const key = await createKey(['users:read']);
  const writes = async () => {
    const { rows } = await program.pool.query<{ xmin: string; used: boolean | null }>(
      `select xmin::text, last_used_on = (clock_timestamp() at time zone 'UTC')::date as used
         from api_keys where tenant_id = $1 and hint = $2`,
      [program.tenant.id, key.slice(0, 9)],
    );
    return rows[0]!;
  };
  const call = () => send(program, { path: '/v1/users', headers: withKey(key) });
  expect(await writes()).toMatchObject({ used: null });
  await Promise.all(Array.from({ length: 20 }, call));
  const once = await writes();
  expect(once).toMatchObject({ used: true });
  await call();
  expect(await writes()).toEqual(once);
});

test('the OpenAPI page says the scope of every route of tenants', () => {
  const { paths } = JSON.parse(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')) as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  for (const { method, path, caller, scope } of ROUTES) {
    const { security } = paths[path.replace(/:(\w+)/g, '{$1}')]![method]!;
    expect(security).toEqual(caller === 'anybody' ? undefined : [{ [caller]: caller === 'tenant' ? [scope] : [] }]);
  }
});
