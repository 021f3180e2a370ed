import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { Reply, TestProgram } from '../support/program';
import { startPostgresProxy } from '../support/proxies/postgresProxy';
import type { PostgresProxy } from '../support/proxies/postgresProxy';
import { until } from '../support/until';
import { readStream } from './events';

jest.setTimeout(60_000);

/** As many connections as the program's pool has. */
const POOL = 20;

function expectAway({ status, headers, body, text }: Reply): void {
  expect({ status, text }).toMatchObject({ status: 503 });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(body.code).toBe('temporarily_unavailable');
}

describe('PostgreSQL away', () => {
  let proxy: PostgresProxy;
  let program: TestProgram;
  let user: TestUser;
  beforeAll(async () => {
    program = await startTestProgram({
      async through(databaseUrl) {
        const url = new URL(databaseUrl);
        proxy = await startPostgresProxy(Number(url.port));
        url.port = String(proxy.port);
        return url.href;
      },
    });
    user = await addUser(program);
  });
  afterAll(async () => {
    await proxy?.close(); // before the program, which would wait for what the proxy still holds
    await program?.close();
  });
  beforeEach(async () => {
    proxy.refuse(false);
    await recovered();
  });

  const recovered = () => until(async () => (await program.call('GET', '/readyz')).status === 200);
  const ask = async () =>
    (await program.call('POST', '/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay', push: 'none' }))
      .body;
  const cut = () => {
    proxy.refuse(true);
    proxy.cutAll();
  };

  test('gives 503 and says when to come again; the process is alive, and recovers by itself', async () => {
    const { id } = await ask();
    cut();
    expectAway(await program.call('GET', `/v1/approvals/${id}`));
    expectAway(await program.call('POST', '/v1/approvals', { userId: user.id, title: 'Pay' }));
    expectAway(await program.call('GET', `/v1/approvals/${id}?wait=30`));
    expectAway(await program.call('GET', `/v1/approvals/${id}/stream`));
    expectAway(await program.call('GET', '/readyz'));
    expect((await program.call('GET', '/healthz')).status).toBe(200);
    proxy.refuse(false);
    await recovered();
    expect((await program.call('GET', `/v1/approvals/${id}`)).status).toBe(200);
  });

  test('does not end long polls, streams and inboxes: they hear of what happens afterwards', async () => {
    const { id } = await ask();
    const listens = () => proxy.counts()['listen countersign'] ?? 0;
    const { cursor } = await user.phone.inbox();
    const statements = () => Object.values(proxy.counts()).reduce((sum, count) => sum + count, 0);
    const asked = statements();
    const seen = [
      program.call('GET', `/v1/approvals/${id}?wait=30`),
      readStream(program, id),
      user.phone.inbox({ wait: 30, cursor }),
    ] as const;
    await until(async () => (await waiting(program)) === 3, { what: 'three that wait' });
    // Each has proved who calls and has seen something by now; whoever has seen nothing yet would rightly be told 503.
    await until(async () => statements() >= asked + 6, { what: 'three first looks' });
    await program.call('GET', `/v1/approvals/${id}`);
    const before = listens();
    cut();
    expectAway(await program.call('GET', `/v1/approvals/${id}`));
    proxy.refuse(false);
    await until(async () => listens() > before, { what: 'a new LISTEN' });
    expect(await waiting(program)).toBe(3);
    await recovered();
    await user.phone.answer(await user.phone.show(id), 'approved');
    expect(await seen[0]).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect(await seen[1]).toEqual({ status: 200, seen: ['pending', 'approved'] });
    expect((await seen[2]).approvals.map((each) => each.id)).not.toContain(id);
  });

  test('with every connection in use and silent, everybody gets 503 instead of hanging', async () => {
    const stops = Array.from({ length: POOL + 5 }, () =>
      proxy.stopAt(({ name }) => name.startsWith('select * from users where tenant_id'), 'before'),
    );
    const startedMs = performance.now();
    // Five more than there are connections: whoever of them still gets one meets a stop too.
    const replies = await Promise.all(stops.map(() => program.call('GET', `/v1/users/${user.id}`)));
    replies.forEach(expectAway);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    stops.forEach((stop) => stop.drop());
    await recovered();
    expect((await program.call('GET', `/v1/users/${user.id}`)).status).toBe(200);
  });

  test('in the middle of a transaction nothing of it is written', async () => {
    const before = await count(program);
    const commit = proxy.stopAt(
      ({ name, transaction }) =>
        name === 'commit' && transaction.some((step) => step.name.includes('insert into approvals')),
      'before',
    );
    const creating = program.call('POST', '/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay' });
    await commit.arrived;
    commit.drop();
    expectAway(await creating);
    expect(await count(program)).toEqual(before);
  });
});

/** How many long polls, streams and inboxes wait, as the program itself counts them. */
async function waiting(program: TestProgram): Promise<number> {
  const { text } = await program.call('GET', '/metrics');
  return Number(/^countersign_waiting\w* (\d+)$/m.exec(text)?.[1]);
}

async function count({ pool }: TestProgram): Promise<unknown> {
  const { rows } = await pool.query('select count(*)::int from approvals');
  return rows;
}
