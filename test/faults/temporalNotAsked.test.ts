import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startH2cProxy } from '../support/proxies/h2cProxy';
import type { H2cProxy } from '../support/proxies/h2cProxy';
import { until } from '../support/until';

jest.setTimeout(60_000);

const STARTS = ['StartWorkflowExecution', 'SignalWorkflowExecution', 'SignalWithStartWorkflowExecution'];

describe('no request waits for Temporal', () => {
  let proxy: H2cProxy;
  let program: TestProgram;
  let user: TestUser;
  beforeAll(async () => {
    proxy = await startH2cProxy(Number(process.env['TEMPORAL_ADDRESS']!.split(':')[1]));
    // The role api alone, so that all calls that the proxy counts are made by requests.
    program = await startTestProgram({
      env: { TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`, COUNTERSIGN_ROLES: 'api' },
    });
    user = await addUser(program);
    await temporal('ok');
  });
  afterAll(async () => {
    await program?.close();
    await proxy?.close();
  });

  const temporal = (state: string) =>
    until(async () => (await program.call('GET', '/readyz')).body.temporal === state, { what: `temporal ${state}` });
  const ask = async () => program.call('POST', '/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay' });
  const calls = () => STARTS.map((name) => proxy.counts()[name] ?? 0);

  test('a start and a signal that hang do not hold the reply', async () => {
    const start = proxy.stopAt(({ name }) => name === 'StartWorkflowExecution', 'before');
    const created = await ask();
    expect(created.status).toBe(201);
    await start.arrived; // and it stands there still
    const signal = proxy.stopAt(({ name }) => name === 'SignalWorkflowExecution', 'before');
    const answered = await user.phone.answer(await user.phone.show(created.body.id), 'approved');
    expect(answered.status).toBe('approved');
    await signal.arrived;
    expect((await program.call('GET', `/v1/approvals/${created.body.id}?wait=30`)).body.status).toBe('approved');
    start.release();
    signal.release();
  });

  test('while it is away it is not called at all', async () => {
    proxy.fail(({ name }) => name === 'GetSystemInfo');
    await temporal('away');
    const before = calls();
    const { body } = await ask();
    await program.call('POST', `/v1/approvals/${body.id}/resend`);
    await user.phone.answer(await user.phone.show(body.id), 'denied');
    const other = (await ask()).body;
    await program.call('POST', `/v1/approvals/${other.id}/cancel`);
    expect((await program.call('GET', `/v1/approvals/${other.id}`)).body.status).toBe('cancelled');
    await program.call('DELETE', `/v1/users/${user.id}`);
    expect(calls()).toEqual(before);

    // The same requests with Temporal there are seen by the count.
    proxy.fail(undefined);
    await temporal('ok');
    user = await addUser(program);
    await ask();
    await until(async () => calls()[0]! > before[0]!, { what: 'a start' });
  });
});
