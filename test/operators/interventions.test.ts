import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERVENTIONS, openDesk } from './desk';
import type { Case, Desk } from './desk';

// Everything happens at once, because most of it is waiting for deadlines; each test then looks at its own.

const SECONDS_30 = 30_000;

const states: Record<string, (desk: Desk, expiresInSeconds?: number) => Promise<Case>> = {
  'while it is pushed patiently': async (desk, expiresInSeconds) => {
    const asked = await desk.ask({ pushable: false, expiresInSeconds });
    await asked.patientActivity();
    return asked;
  },
  'while it waits for an answer': async (desk, expiresInSeconds) => {
    const asked = await desk.ask({ expiresInSeconds });
    await asked.rowWhere(({ push_state }) => push_state === 'sent', 'the push');
    return asked;
  },
  'while it delivers patiently': async (desk) => {
    const asked = await desk.ask({ ailing: true });
    await asked.rowWhere(({ push_state }) => push_state === 'sent', 'the push');
    await asked.answer('approved');
    await asked.rowWhere(() => asked.attempts() >= 2, 'a second attempt');
    return asked;
  },
  'after the end': async (desk) => {
    const asked = await desk.ask();
    await asked.rowWhere(({ push_state }) => push_state === 'sent', 'the push');
    await asked.answer('approved');
    await asked.workflowIs('COMPLETED');
    return asked;
  },
};

const matrix: [action: string, state: string, outcome: string][] = [
  ['terminate', 'while it is pushed patiently', 'expired'],
  ['cancel', 'while it is pushed patiently', 'cancelled'],
  ['reset', 'while it is pushed patiently', 'approved'],
  ['delete', 'while it is pushed patiently', 'expired'],
  ['terminate', 'while it waits for an answer', 'expired'],
  ['cancel', 'while it waits for an answer', 'cancelled'],
  ['reset', 'while it waits for an answer', 'approved'],
  ['delete', 'while it waits for an answer', 'expired'],
  ['terminate', 'while it delivers patiently', 'approved'],
  ['cancel', 'while it delivers patiently', 'approved'],
  ['reset', 'while it delivers patiently', 'approved'],
  ['delete', 'while it delivers patiently', 'approved'],
  ['reset', 'after the end', 'approved'],
  ['delete', 'after the end', 'approved'],
];
const nameOf = (action: string, state: string) => `${action} ${state}`;

describe('an operator', () => {
  let desk: Desk;
  const lives = new Map<string, Promise<Case>>();

  async function live(action: string, state: string, outcome: string): Promise<Case> {
    const asked = await states[state]!(desk, outcome === 'expired' ? 10 : 300);
    await INTERVENTIONS[action]!(asked);
    if (outcome === 'approved' && (await asked.row()).status === 'pending') await asked.answer('approved');
    asked.recover();
    // The two minutes after which an approval is taken up whose delivery was not heard of.
    if (state === 'while it delivers patiently') await asked.passPatience();
    await asked.rowWhere(({ callback_state }) => callback_state === 'delivered', `${nameOf(action, state)}: delivery`);
    return asked;
  }

  beforeAll(async () => {
    desk = await openDesk();
    for (const [action, state, outcome] of matrix) {
      const life = live(action, state, outcome);
      life.catch(() => {}); // its test says so
      lives.set(nameOf(action, state), life);
    }
  }, 60_000);
  afterAll(() => desk.close(), 60_000);

  test.each(matrix)(
    '%s %s: the approval becomes %s in time, and the back end is told once',
    async (action, state, outcome) => {
      const asked = await lives.get(nameOf(action, state))!;
      const { status, decided_at, expires_at } = await asked.row();
      expect(status).toBe(outcome);
      expect(decided_at!.getTime()).toBeLessThanOrEqual(expires_at.getTime() + SECONDS_30);
      expect(asked.told()).toEqual([`cb_${asked.id} approval.${outcome}`]);
      expect(await asked.outcomeEvents()).toEqual([`approval_${outcome}`]);
      // Nothing is left to be accompanied, nor does anybody go on with it.
      await asked.rowWhere(({ workflow_due_at }) => workflow_due_at === null, 'the end');
      if (!(action === 'delete' && state === 'after the end')) await asked.workflowIs('COMPLETED');
    },
    90_000,
  );

  test('after the end, Terminate and Cancel are refused by Temporal', async () => {
    const asked = await states['after the end']!(desk);
    await expect(asked.handle.terminate()).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
    await asked.handle.cancel().catch(() => {}); // accepted or refused, by version
    expect((await asked.handle.describe()).status.name).toBe('COMPLETED');
  }, 60_000);

  test('a reset after the end delivers nothing again', async () => {
    const asked = await lives.get(nameOf('reset', 'after the end'))!;
    await asked.workflowIs('COMPLETED');
    expect(asked.attempts()).toBe(1);
  }, 60_000);
});

describe('an operator, before the first task of the workflow', () => {
  let desk: Desk;
  let terminated: Case;
  let cancelled: Case;
  let deleted: Case;
  beforeAll(async () => {
    desk = await openDesk({ workersAtOnce: false });
    [terminated, cancelled, deleted] = await Promise.all([desk.ask(), desk.ask(), desk.ask()]);
    await Promise.all([terminated, cancelled, deleted].map((asked) => asked.workflowExists()));
    await Promise.all([terminated.handle.terminate(), cancelled.handle.cancel(), deleted.delete()]);
    await desk.startWorkers();
  }, 60_000);
  afterAll(() => desk.close(), 60_000);

  test('Cancel cancels, and the back end is told', async () => {
    await ended(cancelled, 'cancelled');
  }, 90_000);

  test.each([
    ['Terminate', () => terminated],
    ['deletion', () => deleted],
  ])(
    '%s is made good for within seconds: nobody had heard of the workflow, so it is started again and pushes',
    async (_, which) => {
      await which().rowWhere(({ push_state }) => push_state === 'sent', 'the push');
      await which().answer('approved');
      await ended(which(), 'approved');
    },
    90_000,
  );

  async function ended(asked: Case, outcome: string): Promise<void> {
    await asked.rowWhere(({ callback_state }) => callback_state === 'delivered', 'the delivery');
    expect((await asked.row()).status).toBe(outcome);
    expect(asked.told()).toEqual([`cb_${asked.id} approval.${outcome}`]);
    await asked.workflowIs('COMPLETED');
  }
});
