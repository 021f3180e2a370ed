import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Agent, get } from 'node:http';
import { startPostgresProxy } from '../support/proxies/postgresProxy';
import type { PostgresProxy } from '../support/proxies/postgresProxy';
import { addUser } from '../support/phone';
import { until } from '../support/until';
import { clientOf, createInstallation, endProcesses, startMain } from './mainProcess';
import type { Installation } from './mainProcess';

const NOWHERE = '127.0.0.1:1';
jest.setTimeout(30_000);

describe('SIGTERM', () => {
  let installation: Installation;
  let proxy: PostgresProxy;
  let env: Record<string, string>;
  beforeAll(async () => void (installation = await createInstallation()));
  afterAll(() => installation?.remove());
  beforeEach(async () => {
    const url = new URL(installation.databaseUrl);
    proxy = await startPostgresProxy(Number(url.port));
    url.port = String(proxy.port);
    env = { ...installation.env, DATABASE_URL: url.href };
  });
  afterEach(async () => {
    await endProcesses();
    await proxy.close();
  });

  test('breaks no request that is under way, says that it drains, and ends with 0', async () => {
    const main = startMain(env);
    const { url, call } = await clientOf(main, installation);
    await main.logged('working');
    const { id: userId } = await addUser({ url, call });
    const ask = () => call('POST', '/v1/approvals', { userId, title: 'Log in' });
    const open = (await ask()).body.id as string;

    const commit = proxy.stopAt(
      ({ name, transaction }) =>
        name === 'commit' && transaction.some((step) => step.name.includes('insert into approvals')),
      'before',
    );
    const creating = ask();
    await commit.arrived;
    const polling = call('GET', `/v1/approvals/${open}?wait=30`);
    const stream = await fetch(`${url}/v1/approvals/${open}/stream`, {
      headers: { authorization: `Bearer ${installation.tenant.apiKey}` },
    });
    const streaming = stream.text();

    main.kill('SIGTERM');
    await main.logged('stopping');
    // Who waits for a change is answered at once, with what there is.
    expect(await polling).toMatchObject({ status: 200, body: { id: open, status: 'pending' } });
    expect(await streaming).toMatch(/^event: approval\ndata: .*"status":"pending"/);
    const ready = await call('GET', '/readyz');
    expect(ready).toMatchObject({ status: 503, body: { reason: 'shutting down' } });
    expect(ready.headers.get('connection')).toBe('close');
    expect(ready.headers.get('retry-after')).not.toBeNull();
    // Whoever has not heard of it yet is served.
    expect((await call('GET', `/v1/approvals/${open}`)).status).toBe(200);

    main.kill('SIGTERM'); // and once more, which changes nothing
    expect((await call('GET', '/healthz')).status).toBe(200);
    commit.release();
    expect((await creating).status).toBe(201);
    expect(await main.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('gives notice first: not ready, it serves as ever, until balancers have noticed', async () => {
    const main = startMain({ ...env, COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '3' });
    const { url, call } = await clientOf(main, installation);
    await main.logged('working');
    const user = await addUser({ url, call });
    const ask = async () =>
      (await call('POST', '/v1/approvals', { userId: user.id, title: 'Log in' })).body.id as string;
    const [first, second] = [await ask(), await ask()];
    const cancel = (id: string) => call('POST', `/v1/approvals/${id}/cancel`);
    const polling = call('GET', `/v1/approvals/${first}?wait=30`);

    main.kill('SIGTERM');
    await main.logged('stopping');
    const startedMs = performance.now();
    expect((await call('GET', '/readyz')).status).toBe(503);
    const streaming = call('GET', `/v1/approvals/${second}/stream`);
    // Whoever waits is told what happens, as long as it is told; and then goes elsewhere.
    for (const id of [first, second]) expect((await cancel(id)).status).toBe(200);
    const polled = await polling;
    expect(polled).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(polled.headers.get('connection')).toBe('close');
    expect((await streaming).text).toContain('"status":"cancelled"');
    const third = await ask();
    expect(await call('GET', `/v1/approvals/${third}?wait=30`)).toMatchObject({ body: { status: 'pending' } });
    expect(performance.now() - startedMs).toBeGreaterThan(2_000);
    expect(await main.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('under a stream of requests, none is carried out without its caller hearing of it', async () => {
    const main = startMain(env);
    const { url, call } = await clientOf(main, installation);
    await main.logged('working');
    const user = await addUser({ url, call });
    const statuses: number[] = [];
    let refused = 0;
    const knocking = Array.from({ length: 8 }, async () => {
      for (;;) {
        const status = await statusOf(`${url}/v1/users/${user.id}`, installation.tenant.apiKey);
        if (status === undefined) return void (refused += 1);
        statuses.push(status);
      }
    });
    await until(async () => statuses.length > 40);
    const before = statuses.length;
    main.kill('SIGTERM');
    const { code, stdout } = await main.ended;
    await Promise.all(knocking);
    expect(code).toBe(0);
    expect(refused).toBe(8);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(before);
    const carriedOut = stdout.split('\n').filter((line) => line.includes('"route":"/v1/users/:userId"'));
    expect(carriedOut).toHaveLength(statuses.length);
  });

  test('waits no longer than the grace for a request that does not end', async () => {
    const main = startMain({ ...env, COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '1' });
    const { url, call } = await clientOf(main, installation);
    await main.logged('working');
    const user = await addUser({ url, call });
    const stop = proxy.stopAt(({ name }) => name.includes('from users'), 'before');
    const hanging = call('GET', `/v1/users/${user.id}`).catch(() => 'broken');
    await stop.arrived;
    main.kill('SIGTERM');
    const startedMs = performance.now();
    await main.logged('stopping');
    expect(await hanging).toBe('broken');
    stop.drop();
    expect((await main.ended).code).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  });

  test.each([
    ['while Temporal has never been there', { TEMPORAL_ADDRESS: NOWHERE }, 'listening'],
    ['while the workers are being made', { COUNTERSIGN_WORKFLOW_BUNDLE: '' }, 'temporal is up'],
  ])('%s ends with 0', async (_, change, message) => {
    const main = startMain({ ...env, ...change });
    await main.logged(message);
    main.kill('SIGTERM');
    const { code, stderr, stdout } = await main.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('"level":"error"');
  });
});

/** The status of a request on a connection of its own; undefined when it was not taken: nobody listens (any more). */
function statusOf(url: string, apiKey: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent: new Agent(), headers: { authorization: `Bearer ${apiKey}` } }, (res) => {
      res.resume().once('end', () => resolve(res.statusCode));
    }).once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? resolve(undefined) : reject(error),
    );
  });
}
