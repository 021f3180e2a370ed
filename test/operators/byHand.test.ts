import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/until';
import { openDesk } from './desk';
import type { Case, Desk } from './desk';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
}, 60_000);
afterAll(() => desk.close(), 60_000);

/** As the Temporal UI and the CLI send it: in clear, in whatever encoding was chosen there. */
async function type(asked: Case, signalName: string, encoding: string, data: string): Promise<void> {
  await desk.temporal.workflowService.signalWorkflowExecution({
    namespace: desk.program.config.temporal.namespace,
    workflowExecution: { workflowId: asked.workflowId },
    signalName,
    input: { payloads: [{ metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data) }] },
  });
}

/** Until the workflow has taken up everything that came: one task is completed after the last signal. */
async function settled({ handle }: Case): Promise<void> {
  await until(async () => {
    const { events = [] } = await handle.fetchHistory();
    const last = events!.map((event) => !!event.workflowExecutionSignaledEventAttributes).lastIndexOf(true);
    return events!.slice(last).some((event) => event.workflowTaskCompletedEventAttributes);
  });
}

describe('a signal typed by hand', () => {
  test('`approve` and `deny` change nothing, and the workflow goes on', async () => {
    const asked = await desk.ask();
    await asked.workflowIs('RUNNING'); // its start is not waited for by the reply
    for (const signal of ['approve', 'deny']) {
      await type(asked, signal, 'json/plain', '{"answer":"yes"}');
      await type(asked, signal, 'json/plain', '"approve"');
      await type(asked, signal, 'json/plain', 'approve!');
      await type(asked, signal, 'json/plain', '{"answer":{"toString":1}}');
      await type(asked, signal, 'json/protobuf', '{"answer":"x"}');
      await type(asked, signal, 'binary/null', '');
    }
    await type(asked, 'aprove', 'json/plain', '{}');
    await settled(asked);
    expect(await asked.row()).toMatchObject({ status: 'pending' });
    await asked.answer('denied');
    await asked.workflowIs('COMPLETED');
    expect(await asked.row()).toMatchObject({ status: 'denied', callback_state: 'delivered' });
    const { events } = await asked.handle.fetchHistory();
    expect(events!.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  }, 60_000);

  test('`cancel` cancels, and the back end is told', async () => {
    const asked = await desk.ask();
    await asked.workflowIs('RUNNING'); // its start is not waited for by the reply
    await asked.workflowExists();
    await asked.handle.signal('cancel');
    await asked.rowWhere(({ callback_state }) => callback_state === 'delivered', 'the delivery');
    expect(asked.told()).toEqual([`cb_${asked.id} approval.cancelled`]);
  }, 60_000);

  test('`look` is harmless', async () => {
    const asked = await desk.ask();
    await asked.workflowIs('RUNNING'); // its start is not waited for by the reply
    await asked.workflowExists();
    await asked.handle.signal('look');
    await settled(asked);
    expect(await asked.row()).toMatchObject({ status: 'pending' });
  }, 60_000);
});

test.each([
  ['nothing', []],
  ['no ids', [{}]],
  ['an approval that there is not', [{ tenantId: crypto.randomUUID(), approvalId: crypto.randomUUID() }]],
  ["somebody's SQL", [{ tenantId: "'; drop table approvals", approvalId: 'x' }]],
])(
  'a workflow started by hand with %s fails at once',
  async (_, args) => {
    const started = await desk.temporal.workflow.start('approval', {
      workflowId: `by-hand-${crypto.randomUUID()}`,
      taskQueue: `${desk.program.config.taskQueuePrefix}-approvals`,
      args,
    });
    await until(async () => (await started.describe()).status.name === 'FAILED');
  },
  30_000,
);

describe('the list of workflows', () => {
  const find = async (query: string, id: string) => {
    for await (const { workflowId } of desk.temporal.workflow.list({ query })) if (workflowId === id) return true;
    return false;
  };

  test('is searched by tenant, kind and outcome', async () => {
    const [approved, denied] = await Promise.all([desk.ask(), desk.ask()]);
    await approved.answer('approved');
    await denied.answer('denied');
    await Promise.all([approved.workflowIs('COMPLETED'), denied.workflowIs('COMPLETED')]);
    const tenant = `CountersignTenant = '${desk.program.tenant.id}'`;

    for (const { workflowId } of [approved, denied]) {
      await until(() => find(`${tenant} and CountersignKind = 'approval'`, workflowId));
    }
    await until(() => find(`${tenant} and CountersignOutcome = 'denied'`, denied.workflowId));
    expect(await find(`CountersignOutcome = 'denied'`, approved.workflowId)).toBe(false);
    expect(await find(`CountersignTenant = '${crypto.randomUUID()}'`, denied.workflowId)).toBe(false);
  }, 60_000);
});
