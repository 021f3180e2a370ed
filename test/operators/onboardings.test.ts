import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { onboardingWorkflowId } from '../../workflows/onboarding.messages';
import { addNewcomer } from '../support/newcomer';
import type { Newcomer } from '../support/newcomer';
import { until } from '../support/until';
import { createCarrier, INTERVENTIONS, openDesk, operate } from './desk';
import type { Desk } from './desk';

// Everything happens at once, because most of it is waiting for deadlines; each test then looks at its own.

type Case = Newcomer & ReturnType<typeof operate> & { row(): Promise<Row> };

interface Row {
  status: string;
  reason: string | null;
  expires_at: Date;
  closed_at: Date | null;
  workflow_due_at: Date | null;
}

const { texts, unreachable, smsSender } = createCarrier();
const readTexts = async (phone: string) => texts.filter(({ to }) => to === phone).map(({ text }) => text);

async function openCase(
  desk: Desk,
  request: Parameters<Newcomer['start']>[0],
  prepare?: (person: Newcomer) => unknown,
) {
  const { program, temporal } = desk;
  const person = await addNewcomer(program, { readTexts });
  await prepare?.(person);
  const { id: onboardingId } = await person.start(request);
  const workflowId = onboardingWorkflowId({ tenantId: program.tenant.id, onboardingId });
  /** From the table: the API would expire what it reads past its deadline. */
  const row = async () =>
    (await program.pool.query<Row>('select * from onboardings where id = $1', [onboardingId])).rows[0]!;
  const made: Case = { ...person, ...operate(program, temporal, workflowId), row };
  await made.workflowIs('RUNNING'); // its start is not waited for by the reply
  return made;
}

const states: Record<string, (desk: Desk, expiresInSeconds?: number) => Promise<Case>> = {
  'while a method is waited for': (desk, expiresInSeconds) => openCase(desk, { expiresInSeconds }),
  'while the link is sent patiently': async (desk, expiresInSeconds) => {
    const made = await openCase(desk, { method: 'push', expiresInSeconds }, ({ phone }) => unreachable.add(phone));
    await made.patientActivity();
    return made;
  },
  'while a device is waited for': async (desk, expiresInSeconds) => {
    const made = await openCase(desk, { method: 'push', expiresInSeconds });
    await made.readLink();
    return made;
  },
  'while it is confirmed': async (desk, expiresInSeconds) => {
    const made = await openCase(desk, { method: 'push', expiresInSeconds }, (person) => person.registerBefore());
    await made.showConfirmation();
    return made;
  },
  'while a code is waited for': async (desk, expiresInSeconds) => {
    const made = await openCase(desk, { method: 'sms', expiresInSeconds });
    await made.readCode();
    return made;
  },
  'after the end': async (desk) => {
    const made = await openCase(desk, { method: 'totp' });
    await made.enter(made.readTotp());
    await made.workflowIs('COMPLETED');
    return made;
  },
};

/** How the person goes on, whatever an operator did. */
const rest: Record<string, (made: Case) => Promise<unknown>> = {
  'while a method is waited for': async (made) => {
    await made.choose('totp');
    await made.enter(made.readTotp());
  },
  'while the link is sent patiently': async (made) => {
    await made.register((await made.choose('push')).link!);
    await made.confirm();
  },
  'while a device is waited for': async (made) => {
    await made.register(await made.readLink());
    await made.confirm();
  },
  'while it is confirmed': (made) => made.confirm(),
  'while a code is waited for': async (made) => made.enter(await made.readCode()),
  'after the end': async () => {},
};

const OPEN = Object.keys(states).slice(0, -1);
const matrix: [action: string, state: string, goesOn: 'goes on' | 'goes away', status: string][] = [
  ...OPEN.flatMap((state): typeof matrix => [
    ['terminate', state, 'goes on', 'enabled'],
    ['terminate', state, 'goes away', 'expired'],
    ['cancel', state, 'goes away', 'cancelled'],
    ['reset', state, 'goes on', 'enabled'],
    ['delete', state, 'goes on', 'enabled'],
    ['delete', state, 'goes away', 'expired'],
  ]),
  ['reset', 'after the end', 'goes away', 'enabled'],
  ['delete', 'after the end', 'goes away', 'enabled'],
];

describe('an operator', () => {
  let desk: Desk;
  const lives = new Map<string, Promise<Case>>();

  async function live(action: string, state: string, goesOn: string, status: string): Promise<Case> {
    const made = await states[state]!(desk, status === 'expired' ? 12 : 600);
    await INTERVENTIONS[action]!(made);
    if (goesOn === 'goes on') await rest[state]!(made);
    await until(async () => (await made.row()).closed_at !== null, { withinMs: 60_000, what: 'the end' });
    return made;
  }

  beforeAll(async () => {
    desk = await openDesk({ smsSender });
    for (const which of matrix) {
      const life = live(...which);
      life.catch(() => {}); // its test says so
      lives.set(String(which), life);
    }
  }, 60_000);
  afterAll(() => desk.close(), 60_000);

  test.each(matrix)(
    '%s %s, and the person %s: the onboarding becomes %s in time, and once',
    async (...which) => {
      const [action, state, , status] = which;
      const made = await lives.get(String(which))!;
      const { closed_at, expires_at, reason, ...row } = await made.row();
      expect(row.status).toBe(status);
      expect(reason).toBe(status === 'cancelled' ? 'requested' : null);
      expect(closed_at!.getTime()).toBeLessThanOrEqual(expires_at.getTime() + 30_000);
      // Nothing is left to be accompanied, nor does anybody go on with it.
      await until(async () => (await made.row()).workflow_due_at === null, { withinMs: 60_000, what: 'the last look' });
      if (!(action === 'delete' && state === 'after the end')) await made.workflowIs('COMPLETED');

      const { pool } = desk.program;
      const { rows: ends } = await pool.query<{ type: string }>(
        `select type from events
          where onboarding_id = $1 and type in ('two_factor_enabled', 'onboarding_expired', 'onboarding_cancelled')`,
        [made.id()],
      );
      const closing = status === 'enabled' ? 'two_factor_enabled' : `onboarding_${status}`;
      expect(ends.map(({ type }) => type)).toEqual([closing]);
      const { rows: asked } = await pool.query<{ status: string }>(
        `select status from approvals where onboarding_id = $1 and status = 'pending'`,
        [made.id()],
      );
      expect(asked).toEqual([]); // nobody is asked any more
    },
    90_000,
  );

  test('the signals, typed by hand, change nothing, and `cancel` cancels', async () => {
    const made = await states['while a code is waited for']!(desk);
    const { namespace } = desk.program.config.temporal;
    const type = (signalName: string, data: string) =>
      desk.temporal.workflowService.signalWorkflowExecution({
        namespace,
        workflowExecution: { workflowId: made.workflowId },
        signalName,
        input: { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(data) }] },
      });
    for (const name of ['method_chosen', 'device_registration_complete', 'confirmation_decided', 'code_accepted']) {
      await type(name, '{"status":"enabled"}');
      await type(name, 'enabled!');
    }
    await type('two_factor_enabled', '{}');
    await type('look', '{}');
    expect((await made.row()).status).toBe('waiting_for_code');
    await made.handle.signal('cancel');
    expect(await made.end()).toMatchObject({ status: 'cancelled', reason: 'requested' });
    await made.workflowIs('COMPLETED');
    const { events } = await made.handle.fetchHistory();
    expect(events!.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  }, 60_000);

  test.each([
    ['nothing', []],
    ['no ids', [{}]],
    ['one that there is not', [{ tenantId: crypto.randomUUID(), onboardingId: crypto.randomUUID() }]],
    ["somebody's SQL", [{ tenantId: "'; drop table onboardings", onboardingId: 'x' }]],
  ])(
    'a workflow started by hand with %s fails at once',
    async (_, args) => {
      const started = await desk.temporal.workflow.start('onboarding', {
        workflowId: `by-hand-${crypto.randomUUID()}`,
        taskQueue: `${desk.program.config.taskQueuePrefix}-approvals`,
        args,
      });
      await until(async () => (await started.describe()).status.name === 'FAILED');
    },
    30_000,
  );

  test('the list of workflows is searched by kind and by how it ended', async () => {
    const find = async (query: string) => {
      for await (const _ of desk.temporal.workflow.list({ query })) return true;
      return false;
    };
    const mine = `CountersignTenant = '${desk.program.tenant.id}' and CountersignKind = 'onboarding'`;
    await until(() => find(`${mine} and CountersignOutcome = 'cancelled'`), { withinMs: 30_000 });
    expect(await find(`${mine} and CountersignOutcome = 'enabled'`)).toBe(false);
  }, 60_000);
});
