import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { callerOf, startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';
import { BEHAVIOURS, startBadEndpoint } from './badEndpoint';
import type { BadEndpoint } from './badEndpoint';

jest.setTimeout(60_000);

/** Half of what one attempt may take. */
const SOON_MS = 5_000;
const MIB = 1024 * 1024;

describe('an endpoint for callbacks that', () => {
  let program: TestProgram;
  let user: TestUser;
  const endpoints: BadEndpoint[] = [];
  beforeAll(async () => {
    program = await startTestProgram();
    user = await addUser(program, { push: false });
  });
  afterAll(async () => {
    await program?.close();
    await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  });

  async function decideWith(endpoint: BadEndpoint): Promise<{ id: string; ms: number }> {
    const { body } = await program.call('POST', '/v1/approvals', {
      userId: user.id,
      mode: 'transaction',
      title: 'Pay',
      callbackUrl: endpoint.url,
    });
    const waiting = program.call('GET', `/v1/approvals/${body.id}?wait=30`);
    const shown = await user.phone.show(body.id);
    const startedMs = performance.now();
    await user.phone.answer(shown, 'approved');
    expect((await waiting).body.status).toBe('approved');
    return { id: body.id, ms: performance.now() - startedMs };
  }
  const stateOf = async (id: string) => (await program.call('GET', `/v1/approvals/${id}`)).body.callback.state;

  // All at once: each of them is waited for patiently.
  test.concurrent.each(Object.entries(BEHAVIOURS))(
    '%s holds nobody up, and is told in the end, under the same id',
    async (_name, behave) => {
      const endpoint = await startBadEndpoint(behave, BEHAVIOURS.fails);
      endpoints.push(endpoint);
      const { id, ms } = await decideWith(endpoint);
      expect(ms).toBeLessThan(SOON_MS);
      await until(async () => (await stateOf(id)) === 'delivered', { withinMs: 40_000, what: 'the callback' });
      expect(endpoint.ids.length).toBeGreaterThanOrEqual(3);
      expect(new Set(endpoint.ids)).toEqual(new Set([`cb_${id}`]));
      expect(new Set(endpoint.paths)).toEqual(new Set(['/callbacks'])); // no redirect was followed
      await endpoint.close();
      expect(endpoint.bytesSent()).toBeLessThan(64 * MIB);
    },
  );
});

describe('without the simulated carrier, an endpoint on a private address', () => {
  const REFUSED = [
    'http://127.0.0.1:8080/',
    'https://127.0.0.1/',
    'https://10.0.0.1/',
    'https://[::1]/',
    'http://a.example/',
  ];
  let before: TestProgram;
  let program: TestProgram;
  let endpoint: BadEndpoint;
  let user: TestUser;
  beforeAll(async () => {
    endpoint = await startBadEndpoint();
    // An approval from the time when the address was allowed, which nobody could deliver yet.
    before = await startTestProgram({ temporalAddress: '127.0.0.1:1' });
    user = await addUser(before, { push: false });
    const body = { userId: user.id, mode: 'transaction', title: 'Pay', callbackUrl: endpoint.url };
    const { id } = (await before.call('POST', '/v1/approvals', body)).body;
    await user.phone.answer(await user.phone.show(id), 'approved');
    await before.pool.query('update approvals set workflow_due_at = now()'); // so that it is taken up at once
    const { databaseUrl, masterKeys, taskQueuePrefix } = before.config;
    program = await startTestProgram({
      databaseUrl,
      env: {
        COUNTERSIGN_SIMULATOR: '0',
        COUNTERSIGN_MASTER_KEYS: masterKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
        COUNTERSIGN_TASK_QUEUE_PREFIX: taskQueuePrefix,
      },
    });
  });
  afterAll(async () => {
    await program?.close();
    await before?.close();
    await endpoint?.close();
  });

  test.each(REFUSED)('is refused while the caller can still read why: %s', async (callbackUrl) => {
    const call = callerOf(program.url, before.tenant.apiKey);
    const body = { userId: user.id, mode: 'transaction', title: 'Pay' };
    expect(await call('POST', '/v1/approvals', { ...body, callbackUrl })).toMatchObject({
      status: 400,
      body: { code: 'callback_url_refused', field: 'callbackUrl' },
    });
    expect((await before.call('POST', '/v1/approvals', { ...body, callbackUrl })).status).toBe(201);
  });

  test('is not called either for an approval that is older than the rule', async () => {
    const attempts = async () => {
      const { text } = await program.call('GET', '/metrics');
      return Number(/^countersign_callback_attempts_total\{result="failed"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    await until(async () => (await attempts()) >= 2, { withinMs: 40_000, what: 'the attempts' });
    expect(endpoint.ids).toEqual([]);
  });
});
