import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createDevice } from '../../sdk/device';
import { eventIdOf } from '../../services/views';
import { freePorts } from '../../stack/ports';
import { createInstallation, endProcesses, startMain } from '../operating/mainProcess';
import type { Installation, MainProcess } from '../operating/mainProcess';
import { buildProgram } from '../support/build';
import type { Build } from '../support/build';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { callerOf } from '../support/program';
import { startBalancer } from '../support/proxies/balancer';
import type { Balancer } from '../support/proxies/balancer';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { startLoad } from './load';

jest.setTimeout(120_000);

/** Whoever waits looks by himself every five seconds; sooner than that, he was notified. */
const NOTIFIED_MS = 4_000;
const PEOPLE = 4;
const NAMES = ['api1', 'api2', 'worker'] as const;
type Name = (typeof NAMES)[number];

let build: Build;
let installation: Installation;
let balancer: Balancer;
let callbacks: Receiver;
let webhooks: Receiver;
let users: TestUser[];
let ports: Record<'balancer' | 'api1' | 'api2' | 'worker', number>;
const processes = {} as Record<Name, MainProcess>;

const urlOf = (name: keyof typeof ports) => `http://127.0.0.1:${ports[name]}`;
const through = (name: keyof typeof ports) => callerOf(urlOf(name), installation.tenant.apiKey);

/** As docs/how-to/run-in-production.md says it, but for the addresses. */
function start(name: Name): void {
  processes[name] = startMain(
    {
      ...installation.env,
      COUNTERSIGN_WORKFLOW_BUNDLE: '', // the one that was built
      COUNTERSIGN_ROLES: name === 'worker' ? 'approvals,webhooks' : 'api',
      COUNTERSIGN_PUBLIC_URLS: [urlOf('balancer'), urlOf('api1'), urlOf('api2')].join(),
      COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '2',
      PORT: String(ports[name]),
    },
    [path.join(build.folder, 'main.js')],
  );
}

const working = (name: Name) => (name === 'worker' ? processes[name].logged('working') : balancer.ready(ports[name]));

beforeAll(async () => {
  [build, installation] = await Promise.all([buildProgram(), createInstallation()]);
  const [front = 0, api1 = 0, api2 = 0, worker = 0] = await freePorts(4);
  ports = { balancer: front, api1, api2, worker };
  balancer = await startBalancer(ports.balancer, [ports.api1, ports.api2]);
  [callbacks, webhooks] = await Promise.all([startReceiver(), startReceiver()]);
  NAMES.forEach(start);
  await Promise.all(NAMES.map(working));
  await through('balancer')('POST', '/v1/webhooks', { url: webhooks.url });
  const backend = { url: urlOf('balancer'), call: through('balancer') };
  users = await Promise.all(Array.from({ length: PEOPLE }, () => addUser(backend)));
});
afterAll(async () => {
  await endProcesses();
  await Promise.all([balancer, callbacks, webhooks].map((each) => each?.close()));
  await installation?.remove();
  build?.remove();
});

/** Its callback has come, and it has been decided once. */
async function expectDecidedAndTold(ids: readonly string[]): Promise<void> {
  const told = () => new Set(callbacks.received.map(({ headers }) => headers['webhook-id']));
  await until(() => Promise.resolve(ids.every((id) => told().has(`cb_${id}`))), {
    what: 'every callback',
    withinMs: 30_000,
  });
  const { rows } = await installation.pool.query<{ status: string; decisions: number; answers: number }>(
    `select a.status,
            (select count(*)::int from events e where e.approval_id = a.id and e.type = 'approval_approved') as decisions,
            (select count(*)::int from answers s where s.approval_id = a.id) as answers
       from approvals a
      where a.tenant_id = $1 and a.id = any($2::uuid[])`,
    [installation.tenant.id, ids],
  );
  expect(rows).toEqual(ids.map(() => ({ status: 'approved', decisions: 1, answers: 1 })));
}

async function expectEveryEventTold(): Promise<void> {
  const { rows } = await installation.pool.query<{ number: number }>(
    'select number::int from events where tenant_id = $1 and approval_id is not null',
    [installation.tenant.id],
  );
  const ids = rows.map(({ number }) => eventIdOf({ tenantId: installation.tenant.id, number }));
  const missing = () => {
    const told = new Set(webhooks.received.map(({ headers }) => headers['webhook-id']));
    return ids.filter((id) => !told.has(id));
  };
  await until(() => Promise.resolve(missing().length === 0), { what: 'every webhook', withinMs: 30_000 });
}

describe.each([
  ['api1', 'api2'],
  ['api2', 'api1'],
] as const)('what is asked for through %s', (one, other) => {
  test('is told to those who wait there as soon as the phone has answered through the other', async () => {
    const user = await addUser({ url: urlOf(other), call: through(other) });
    const { body } = await through(one)('POST', '/v1/approvals', { userId: user.id, title: 'Log in' });
    const waiting = Promise.all(
      ['?wait=30', '/stream'].map((how) => through(one)('GET', `/v1/approvals/${body.id}${how}`)),
    );
    const cursor = (await user.phone.inbox()).cursor;
    const inbox = user.phone.inbox({ wait: 30, cursor });
    const { approvals } = await user.phone.inbox();
    await user.phone.answer(approvals[0]!, 'approved');
    const answeredMs = performance.now();
    const [polled, streamed] = await waiting;
    expect(performance.now() - answeredMs).toBeLessThan(NOTIFIED_MS);
    expect(polled!.body.status).toBe('approved');
    expect(streamed!.text).toContain('"status":"approved"');
    expect((await inbox).approvals).toEqual([]);
  });

  test('is known to the other under its Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = { userId: users[0]!.id, title: 'Log in' };
    const made = await through(one)('POST', '/v1/approvals', body, headers);
    const again = await through(other)('POST', '/v1/approvals', body, headers);
    expect(again).toMatchObject({ status: 201, body: { id: made.body.id } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await through(other)('POST', '/v1/approvals', { ...body, title: 'Pay' }, headers)).status).toBe(422);
    await through(other)('POST', `/v1/approvals/${made.body.id}/cancel`);
  });
});

test('a rolling restart of all three under load fails no request, and loses and doubles nothing', async () => {
  const load = startLoad({
    url: urlOf('balancer'),
    apiKey: installation.tenant.apiKey,
    users,
    callbackUrl: callbacks.url,
  });
  const endings: object[] = [];
  await load.more(10);
  try {
    for (const name of NAMES) {
      processes[name].kill('SIGTERM');
      const { code, stderr, stdout } = await processes[name].ended;
      endings.push({
        name,
        code,
        stderr,
        errors: stdout.split('\n').filter((line) => line.includes('"level":"error"')),
      });
      start(name);
      await working(name);
      await load.more(10);
    }
  } finally {
    await load.stop();
  }

  expect(endings).toEqual(NAMES.map((name) => ({ name, code: 0, stderr: '', errors: [] })));

  expect(load.failed).toEqual([]);
  expect(load.wrong).toEqual([]);
  expect(load.decided).toHaveLength(load.asked.length);
  expect(Math.max(...load.toldAfterMs)).toBeLessThan(NOTIFIED_MS);
  const { [ports.api1]: toFirst = 0, [ports.api2]: toSecond = 0 } = balancer.counts();
  expect(Math.min(toFirst, toSecond)).toBeGreaterThan(20);
  await expectDecidedAndTold(load.accepted);
  await expectEveryEventTold();
});

test('kill -9 of one api is not seen by callers of the other, and what it had accepted goes on there', async () => {
  const about = { apiKey: installation.tenant.apiKey, callbackUrl: callbacks.url };
  const dying = startLoad({ ...about, url: urlOf('api1'), users: users.slice(0, 2) });
  const staying = startLoad({ ...about, url: urlOf('api2'), users: users.slice(2) });
  await Promise.all([dying.more(10), staying.more(10)]);
  processes.api1.kill('SIGKILL');
  await processes.api1.ended;
  await Promise.all([dying.stop(), staying.more(10)]);
  await staying.stop();

  expect({ failed: staying.failed, wrong: staying.wrong }).toEqual({ failed: [], wrong: [] });
  expect(Math.max(...staying.toldAfterMs)).toBeLessThan(NOTIFIED_MS);
  expect(dying.failed.length).toBeGreaterThan(0); // under way when it was killed

  // As their callers do now: ask again, under the same key.
  const again = await Promise.all(
    dying.asked.map(({ body, headers }) => through('api2')('POST', '/v1/approvals', body, headers)),
  );
  const ids = again.map(({ body }) => body.id as string);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(dying.accepted));
  for (const { devices } of users.slice(0, 2)) {
    const { key, device } = devices[0]!;
    const phone = createDevice({ baseUrl: urlOf('api2'), key, identity: device.identity! });
    for (const open of (await phone.inbox()).approvals) await phone.answer(open, 'approved');
  }
  await expectDecidedAndTold([...ids, ...staying.accepted]);
  await expectEveryEventTold();
});
