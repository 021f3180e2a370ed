import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { startH2cProxy } from './h2cProxy';
import type { H2cProxy } from './h2cProxy';

let proxy: H2cProxy;
let connection: Connection;
let client: Client;

beforeEach(async () => {
  proxy = await startH2cProxy(Number(process.env['TEMPORAL_ADDRESS']!.split(':')[1]));
  connection = await Connection.connect({ address: `127.0.0.1:${proxy.port}` });
  client = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE']! });
});
afterEach(async () => {
  await connection.close();
  await proxy.close();
});

test('a real client talks through it to a real server, also of things that do not exist', async () => {
  const workflowId = await start();
  const description = await client.workflow.getHandle(workflowId).describe();
  expect(description.status.name).toBe('RUNNING');
  await client.workflow.getHandle(workflowId).terminate();
  await expect(client.workflow.getHandle(`not-${workflowId}`).describe()).rejects.toMatchObject({
    name: 'WorkflowNotFoundError',
  });
  expect(proxy.counts()).toMatchObject({ StartWorkflowExecution: 1, TerminateWorkflowExecution: 1 });
});

test('stopped after a start, the workflow runs and its starter does not know', async () => {
  const workflowId = randomUUID();
  const stop = proxy.stopAt(
    ({ name, body }) => name === 'StartWorkflowExecution' && body.includes(workflowId),
    'after',
  );
  let known = false;
  const started = start(workflowId).finally(() => (known = true));
  await stop.arrived;
  const handle = client.workflow.getHandle(workflowId);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  expect(known).toBe(false);
  stop.release();
  await started;
  await handle.terminate();
});

test('stopped before a start, there is no workflow', async () => {
  const workflowId = randomUUID();
  const stop = proxy.stopAt(({ name }) => name === 'StartWorkflowExecution', 'before');
  const started = start(workflowId);
  await stop.arrived;
  await expect(client.workflow.getHandle(workflowId).describe()).rejects.toMatchObject({
    name: 'WorkflowNotFoundError',
  });
  stop.release();
  await started;
  await client.workflow.getHandle(workflowId).terminate();
});

test('a call that fails is refused, and nothing happened', async () => {
  const workflowId = randomUUID();
  proxy.fail(({ name }) => name === 'StartWorkflowExecution');
  await expect(start(workflowId)).rejects.toMatchObject({ cause: { code: 7 } });
  proxy.fail(undefined);
  await start(workflowId);
  await client.workflow.getHandle(workflowId).terminate();
});

async function start(workflowId: string = randomUUID()): Promise<string> {
  await client.workflow.start('nobody-runs-this', { workflowId, taskQueue: `proxy-${workflowId}` });
  return workflowId;
}
