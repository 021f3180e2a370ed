import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { SmsMessage, SmsSender } from '../../channels/sms/sms';
import type { PushSender } from '../../channels/push/push';
import type { Substitutes } from '../../program';
import { approvalWorkflowId } from '../../workflows/approval.messages';
import { addUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { until } from '../support/until';

const MASTER_KEYS = `k1:${Buffer.alloc(32, 9).toString('base64')}`;

/** The product at work, and an operator before it: who has Temporal's tools, and none of our keys. */
export async function openDesk({
  workersAtOnce = true,
  ...substitutes
}: Substitutes & { workersAtOnce?: boolean } = {}) {
  const unreachable = new Set<string>();
  const push: PushSender = {
    kind: 'simulated',
    send: async ({ deviceId }) => {
      if (unreachable.has(deviceId)) throw new Error('the push service answered 503');
    },
  };
  const env = { COUNTERSIGN_MASTER_KEYS: MASTER_KEYS };
  const roles = workersAtOnce ? {} : { COUNTERSIGN_ROLES: 'api' };
  const program = await startTestProgram({ pushSenders: [push], ...substitutes, env: { ...env, ...roles } });
  const { databaseUrl, taskQueuePrefix, temporal: at } = program.config;
  await until(async () => (await program.call('GET', '/readyz')).body.temporal === 'ok');
  const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
  const temporal = new Client({ connection, namespace: at.namespace });
  const [user, userWithoutPush] = await Promise.all([addUser(program), addUser(program)]);
  unreachable.add(userWithoutPush.devices[0]!.id);
  const later: TestProgram[] = [];
  const open: Case[] = [];

  return {
    program,
    temporal,
    /** Starts the roles that were left out. */
    async startWorkers() {
      const prefix = { COUNTERSIGN_ROLES: 'approvals,webhooks', COUNTERSIGN_TASK_QUEUE_PREFIX: taskQueuePrefix };
      later.push(await startTestProgram({ pushSenders: [push], databaseUrl, env: { ...env, ...prefix } }));
    },
    /** One more approval, with a back end of its own that takes nothing until `recover`. */
    async ask({ pushable = true, expiresInSeconds = 300, ailing = false }: Asking = {}): Promise<Case> {
      const person = pushable ? user : userWithoutPush;
      const made = await ask(program, temporal, person.id, { expiresInSeconds, ailing }, async (id, decision) => {
        const { approvals } = await person.phone.inbox();
        await person.phone.answer(
          approvals.find((shown) => shown.id === id)!,
          decision,
        );
      });
      open.push(made);
      return made;
    },
    async close() {
      await Promise.all(later.map((more) => more.close()));
      await program.close();
      await Promise.all(open.map((each) => each.close()));
      await connection.close();
    },
  };
}
export type Desk = Awaited<ReturnType<typeof openDesk>>;

interface Asking {
  pushable?: boolean;
  expiresInSeconds?: number | undefined;
  ailing?: boolean;
}

export interface Row {
  status: string;
  push_state: string;
  callback_state: string;
  expires_at: Date;
  decided_at: Date | null;
  workflow_due_at: Date | null;
}

/** What an operator can do to a workflow. */
export function operate(program: TestProgram, temporal: Client, workflowId: string) {
  const handle = temporal.workflow.getHandle(workflowId);
  const { namespace } = program.config.temporal;
  return {
    workflowId,
    handle,
    workflowExists: () => until(async () => handle.describe().catch(() => undefined), { what: 'a workflow' }),
    /** Where one quick try was not enough. */
    patientActivity: () =>
      until(
        async () => {
          const { events } = await handle.fetchHistory().catch(() => ({ events: [] }));
          return events?.some((event) => event.activityTaskScheduledEventAttributes);
        },
        { what: 'a patient activity' },
      ),
    async workflowIs(status: string) {
      await until(async () => (await handle.describe().catch(() => undefined))?.status.name === status, {
        withinMs: 60_000,
        what: `${workflowId} ${status}`,
      });
    },
    /** As the Temporal UI does it: to where the first workflow task was completed. */
    async reset() {
      // An approval can be waited for before its workflow's first task is complete.
      const first = await until(async () => {
        const { events } = await handle.fetchHistory();
        return events?.find((event) => event.workflowTaskCompletedEventAttributes);
      });
      await temporal.workflowService.resetWorkflowExecution({
        namespace,
        workflowExecution: { workflowId },
        workflowTaskFinishEventId: first.eventId ?? null,
        reason: 'an operator',
        requestId: randomUUID(),
      });
    },
    async delete() {
      await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
      await until(async () => handle.describe().then(() => false, () => true), { withinMs: 60_000, what: 'the deletion' }); // prettier-ignore
    },
  };
}

/** What an operator does in the Temporal UI, by its name. */
export const INTERVENTIONS: Record<string, (workflow: ReturnType<typeof operate>) => Promise<unknown>> = {
  terminate: ({ handle }) => handle.terminate('an operator'),
  cancel: ({ handle }) => handle.cancel(),
  reset: (workflow) => workflow.reset(),
  delete: (workflow) => workflow.delete(),
};

/** A carrier of text messages that reaches all numbers but some. */
export function createCarrier() {
  const texts: SmsMessage[] = [];
  const unreachable = new Set<string>();
  const smsSender: SmsSender = {
    async send(message) {
      if (unreachable.has(message.to)) throw new Error('the carrier answered 503');
      texts.push(message);
    },
  };
  return { texts, unreachable, smsSender };
}

async function ask(
  program: TestProgram,
  temporal: Client,
  userId: string,
  { expiresInSeconds, ailing }: { expiresInSeconds: number; ailing: boolean },
  answer: (id: string, decision: 'approved' | 'denied') => Promise<void>,
) {
  const receiver = await startReceiver(ailing ? Array<number>(1_000).fill(503) : []);
  const request = { userId, mode: 'transaction', title: 'Pay', expiresInSeconds, callbackUrl: receiver.url };
  const created = await program.call('POST', '/v1/approvals', request);
  const id: string = created.body.id;
  const workflowId = approvalWorkflowId({ tenantId: program.tenant.id, approvalId: id });

  /** From the table: the API would expire what it reads past its deadline. */
  async function row(): Promise<Row> {
    const { rows } = await program.pool.query<Row>('select * from approvals where id = $1', [id]);
    return rows[0]!;
  }

  return {
    id,
    ...operate(program, temporal, workflowId),
    row,
    answer: (decision: 'approved' | 'denied') => answer(id, decision),
    /** Waits until the row is as asked; longest the deadline and what is promised after it. */
    rowWhere: (seen: (row: Row) => boolean, what: string) =>
      until(
        async () => {
          const now = await row();
          return seen(now) && now;
        },
        { withinMs: 60_000, what },
      ),
    /** As if the time had passed by when the workflow should have been heard from. */
    passPatience: () =>
      program.pool.query('update approvals set workflow_due_at = clock_timestamp() where id = $1', [id]),
    /** From now on the back end takes what comes. */
    recover: () => void receiver.answers.splice(0),
    /** The distinct ids under which outcomes came, with their types. */
    told: () => [...new Set(receiver.received.map(({ headers, body }) => `${String(headers['webhook-id'])} ${typeOf(body)}`))], // prettier-ignore
    attempts: () => receiver.received.length,
    async outcomeEvents(): Promise<string[]> {
      const { rows } = await program.pool.query<{ type: string }>(
        `select type from events where approval_id = $1 and type ~ '^approval_(approved|denied|expired|cancelled)$'`,
        [id],
      );
      return rows.map(({ type }) => type);
    },
    close: () => receiver.close(),
  };
}
export type Case = Awaited<ReturnType<typeof ask>>;

const typeOf = (body: string): string => (JSON.parse(body) as { type: string }).type;
