import { Client } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { NativeConnection } from '@temporalio/worker';
import type { PushSender } from '../../channels/push/push';
import type { SmsMessage, SmsSender } from '../../channels/sms/sms';
import { approvalWorkflowId } from '../../workflows/approval.messages';
import { codeDeliveryWorkflowId } from '../../workflows/codeDelivery.messages';
import { codePromptWorkflowId } from '../../workflows/codePrompt.messages';
import type { PushMessage } from '../../channels/push/push';
import { authyCallerOf } from '../support/authy';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { addPhoneUser } from '../support/texts';
import { TEST_MASTER_KEY } from './key';
import { until } from '../support/until';

export interface World {
  program: TestProgram;
  user: TestUser;
  /** Three more people, for what several decide. */
  directors: TestUser[];
  /** Every push that was taken. */
  pushes: PushMessage[];
  /** Every text message that was taken. */
  texts: SmsMessage[];
  /** How many pushes from now on fail. */
  failPushes(count: number): void;
  /** The same for text messages. */
  failTexts(count: number): void;
  /** Without our keys, as an operator's tools are: it sees what is stored. */
  temporal: Client;
  close(): Promise<void>;
}

/** The whole program with one user; with `elsewhere`, API and workers share no connection, as on different machines. */
export async function openWorld({ elsewhere = false } = {}): Promise<World> {
  let failing = 0;
  const pushes: PushMessage[] = [];
  const push: PushSender = {
    kind: 'simulated',
    send: async (message) => {
      if (failing-- > 0) throw new Error('the push service answered 503');
      pushes.push(message);
    },
  };
  let failingTexts = 0;
  const texts: SmsMessage[] = [];
  const smsSender: SmsSender = {
    send: async (message) => {
      if (failingTexts-- > 0) throw new Error('the carrier answered 503');
      texts.push(message);
    },
  };
  const { id, key } = TEST_MASTER_KEY;
  const env = { COUNTERSIGN_MASTER_KEYS: `${id}:${key.toString('base64')}` };
  const roles = elsewhere ? { COUNTERSIGN_ROLES: 'api' } : {};
  const program = await startTestProgram({ pushSenders: [push], smsSender, env: { ...env, ...roles } });
  const { databaseUrl, taskQueuePrefix } = program.config;
  const workers = elsewhere
    ? await startTestProgram({
        pushSenders: [push],
        smsSender,
        databaseUrl,
        env: { ...env, COUNTERSIGN_ROLES: 'approvals,webhooks', COUNTERSIGN_TASK_QUEUE_PREFIX: taskQueuePrefix },
      })
    : undefined;
  await until(async () => (await program.call('GET', '/readyz')).body.temporal === 'ok');
  const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
  return {
    program,
    user: await addUser(program),
    directors: await Promise.all(Array.from({ length: 3 }, () => addUser(program))),
    pushes,
    texts,
    failPushes: (count) => (failing = count),
    failTexts: (count) => (failingTexts = count),
    temporal: new Client({ connection, namespace: program.config.temporal.namespace }),
    async close() {
      await workers?.close();
      await program.close();
      await connection.close();
    },
  };
}

/** Asks, and waits until the workflow has nothing to do but wait. */
async function ask({ program, user, temporal }: World, more: object = {}, push = 'sent') {
  const whom = 'approvers' in more ? {} : { userId: user.id };
  const created = await program.call('POST', '/v1/approvals', { ...whom, title: 'Log in', ...more });
  const approvalId: string = created.body.id;
  const handle = temporal.workflow.getHandle(approvalWorkflowId({ tenantId: program.tenant.id, approvalId }));
  const waits = ({ events }: History) => events?.some((event) => event.timerStartedEventAttributes);
  await until(async () => waits(await handle.fetchHistory().catch(() => ({}))), { what: 'the first workflow task' });
  await until(async () => (await program.call('GET', `/v1/approvals/${approvalId}`)).body.push.state === push);
  return {
    handle,
    approvalId,
    async answer(decision: 'approved' | 'denied', { phone } = user) {
      const { approvals } = await phone.inbox();
      return phone.answer(
        approvals.find(({ id }) => id === approvalId)!,
        decision,
      );
    },
    end: () => endOf(handle),
  };
}

async function endOf(handle: WorkflowHandle): Promise<History> {
  // The result is encrypted and this client has no key: only that it has ended counts.
  const hasEnded = async () => (await handle.describe()).status.name === 'COMPLETED';
  await until(() => hasEnded().catch(() => false), { withinMs: 60_000 }); // at first there may be no such workflow yet
  return handle.fetchHistory();
}

/** A code that the carrier takes at once: the life that the budget is about. */
export async function codeSent({ program, temporal }: World): Promise<History> {
  const user = await addPhoneUser(program);
  const sent = await program.call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms' });
  const input = { tenantId: program.tenant.id, codeId: sent.body.id as string, generation: 1 };
  return endOf(temporal.workflow.getHandle(codeDeliveryWorkflowId(input)));
}

async function codeFailedFirst(world: World): Promise<History> {
  world.failTexts(1);
  return codeSent(world);
}

/** A phone that is asked to show its digits, where no message is sent. */
export async function codePrompted({ program, pushes, temporal }: World): Promise<History> {
  const { id } = await addUser(program, { more: { phone: '+41791234500' } });
  const { authyId } = (await program.call('GET', `/v1/users/${id}`)).body;
  const authy = authyCallerOf(program, program.tenant.authyApiKey);
  await authy('GET', `/protected/json/sms/${authyId}`);
  const asked = await until(() => Promise.resolve(pushes.find(({ about }) => about === 'code')), { what: 'the push' });
  const [, promptId = ''] = asked.idempotencyKey.split(':');
  return endOf(
    temporal.workflow.getHandle(codePromptWorkflowId({ tenantId: program.tenant.id, userId: id, promptId })),
  );
}

/** Approved by one person, with push and callback: the life that the budget is about. */
export async function approved(world: World): Promise<History> {
  const receiver = await startReceiver();
  try {
    const asked = await ask(world, { callbackUrl: receiver.url });
    await asked.answer('approved');
    await receiver.wait();
    return await asked.end();
  } finally {
    await receiver.close();
  }
}

/** Approved by two of three, with push and callback; one after the other, as people answer. */
export async function twoOfThree(world: World): Promise<History> {
  const receiver = await startReceiver();
  const { directors } = world;
  try {
    const approvers = directors.map(({ id }) => id);
    const asked = await ask(world, { approvers, required: 2, mode: 'transaction', callbackUrl: receiver.url });
    await asked.answer('approved', directors[0]);
    // Until the workflow has taken the first answer in, and waits again.
    await until(
      async () => {
        const { events } = await asked.handle.fetchHistory();
        return (events ?? []).filter((event) => event.markerRecordedEventAttributes).length >= 2;
      },
      { what: 'the second workflow task' },
    );
    await asked.answer('approved', directors[1]);
    await receiver.wait();
    return await asked.end();
  } finally {
    await receiver.close();
  }
}

async function denied(world: World): Promise<History> {
  const asked = await ask(world);
  await asked.answer('denied');
  return asked.end();
}

async function expired(world: World): Promise<History> {
  const asked = await ask(world, { expiresInSeconds: 10 });
  return asked.end();
}

async function cancelled(world: World): Promise<History> {
  const asked = await ask(world);
  await world.program.call('POST', `/v1/approvals/${asked.approvalId}/cancel`);
  return asked.end();
}

async function callbackFailedFirst(world: World): Promise<History> {
  const receiver = await startReceiver([503]);
  try {
    const asked = await ask(world, { callbackUrl: receiver.url });
    await asked.answer('approved');
    await receiver.wait(2);
    return await asked.end();
  } finally {
    await receiver.close();
  }
}

async function pushFailedFirst(world: World): Promise<History> {
  world.failPushes(1);
  const asked = await ask(world);
  await asked.answer('approved');
  return asked.end();
}

/** In this order: a push service that failed is not tried quickly again for a while. */
export const SCENARIOS: Readonly<Record<string, (world: World) => Promise<History>>> = {
  approved,
  'two-of-three': twoOfThree,
  denied,
  expired,
  cancelled,
  'callback-failed-first': callbackFailedFirst,
  'push-failed-first': pushFailedFirst,
  'code-sent': codeSent,
  'code-failed-first': codeFailedFirst,
  'code-prompted': codePrompted,
};
