import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countOf } from './count';
import { pushByLink } from './onboardings';
import { approved, codePrompted, codeSent, openWorld, twoOfThree } from './scenarios';
import type { World } from './scenarios';
import { phoneVerified } from './verifications';

describe('lived through now', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  }, 60_000);
  afterAll(() => world.close());

  test('an approval by one person, with push and callback takes at most 14 events, 2 workflow tasks and 5 billable actions', async () => {
    const history = await approved(world);
    const { events, workflowTasks, actions } = countOf(history);
    expect(events).toBeLessThanOrEqual(14);
    expect(workflowTasks).toBe(2);
    expect(actions).toBe(5);
    // One process: the worker got its first task with the reply to the start.
    expect(history.events![0]!.workflowExecutionStartedEventAttributes!.eagerExecutionAccepted).toBe(true);
  }, 60_000);

  test.each([
    ['a code that the carrier takes at once', 8, 1, 2, codeSent],
    ['asking a phone for its digits', 11, 2, 2, codePrompted],
    ['an onboarding for push, method chosen later, link sent, registered, confirmed', 23, 4, 9, pushByLink],
    ['a verification whose message the carrier takes at once', 14, 2, 5, phoneVerified],
  ])(
    '%s takes at most %i events, %i workflow tasks and %i billable actions',
    async (_life, mostEvents, tasks, billable, live) => {
      const { events, workflowTasks, actions } = countOf(await live(world));
      expect(events).toBeLessThanOrEqual(mostEvents);
      expect(workflowTasks).toBe(tasks);
      expect(actions).toBe(billable);
    },
    60_000,
  );
});

describe('an approval by two of three, with push and callback, lived through now', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  }, 60_000);
  afterAll(() => world.close());

  test('takes at most 20 events, and the phones of the others are told that it is decided', async () => {
    const history = await twoOfThree(world);
    const { events, workflowTasks } = countOf(history);
    expect(events).toBeLessThanOrEqual(20);
    expect(workflowTasks).toBe(3);
    const devices = world.directors.map(({ devices: [phone] }) => phone!.id);
    const told = (about: string) =>
      world.pushes.filter((push) => push.about === about).map(({ deviceId }) => devices.indexOf(deviceId));
    expect(told('asked').sort()).toEqual([0, 1, 2]);
    expect(told('decided').sort()).toEqual([0, 2]); // the second one's answer decided
  }, 60_000);
});

describe('where API and workers share no connection', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld({ elsewhere: true });
  }, 60_000);
  afterAll(() => world.close());

  test('a workflow is not started eagerly, ends as well and costs the same', async () => {
    const history = await approved(world);
    const started = history.events![0]!.workflowExecutionStartedEventAttributes!;
    expect(started.eagerExecutionAccepted ?? false).toBe(false);
    expect(countOf(history)).toEqual({ events: 14, workflowTasks: 2, actions: 5 });
    const [approval] = (await world.program.call('GET', '/v1/approvals')).body.approvals;
    expect(approval).toMatchObject({ status: 'approved', callback: { state: 'delivered' } });
  }, 60_000);
});
