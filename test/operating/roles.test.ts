import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { approvalWorkflowId } from '../../workflows/approval.messages';
import { addUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { clientOf, createInstallation, endProcesses, startMain } from './mainProcess';
import type { Installation, MainProcess } from './mainProcess';

jest.setTimeout(60_000);

describe('roles in processes of their own, on one database and one Temporal', () => {
  let installation: Installation;
  let worker: MainProcess;
  let api: Pick<TestProgram, 'url' | 'call'>;
  let receiver: Receiver;
  beforeAll(async () => {
    installation = await createInstallation();
    const { env } = installation;
    worker = startMain({ ...env, COUNTERSIGN_ROLES: 'approvals,webhooks' });
    const server = startMain({ ...env, COUNTERSIGN_ROLES: 'api' });
    api = await clientOf(server, installation);
    await Promise.all([worker.logged('working'), server.logged('temporal is up')]);
    receiver = await startReceiver();
  });
  afterAll(async () => {
    await receiver?.close();
    await endProcesses();
    await installation?.remove();
  });

  test('an approval goes through: pushed, answered and told, by a workflow that was not started eagerly', async () => {
    const user = await addUser(api);
    const { body } = await api.call('POST', '/v1/approvals', {
      userId: user.id,
      title: 'Log in',
      callbackUrl: receiver.url,
    });
    const pushed = await until(async () => (await api.call('GET', '/v1/simulator/messages')).body.messages[0]);
    expect(pushed).toMatchObject({ approvalId: body.id });
    const { approvals } = await user.phone.inbox();
    await user.phone.answer(approvals[0]!, 'approved');
    const [callback] = await receiver.wait();
    expect(callback!.headers['webhook-id']).toBe(`cb_${body.id}`);

    const connection = await Connection.connect({ address: installation.env['TEMPORAL_ADDRESS']! });
    try {
      const client = new Client({ connection, namespace: installation.env['TEMPORAL_NAMESPACE']! });
      const workflowId = approvalWorkflowId({ tenantId: installation.tenant.id, approvalId: body.id });
      const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
      expect(events![0]!.workflowExecutionStartedEventAttributes!.eagerExecutionAccepted).toBe(false);
    } finally {
      await connection.close();
    }
  });

  test('a worker serves probes and metrics, and no API', async () => {
    const { call } = await clientOf(worker, installation);
    expect(await call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { temporal: 'ok', database: 'ok' } });
    expect((await call('GET', '/metrics')).text).toContain('countersign_callback_attempts_total{result="delivered"} 1');
    expect(await call('GET', '/v1/users')).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
    expect((await api.call('GET', '/v1/users')).status).toBe(200);
  });
});
