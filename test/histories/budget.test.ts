import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countOf } from './count';
import { approved, openWorld } from './scenarios';
import type { World } from './scenarios';

describe('an approval by one person, with push and callback, lived through now', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  }, 60_000);
  afterAll(() => world.close());

  test('takes at most 14 events, 2 workflow tasks and 5 billable actions', async () => {
    const history = await approved(world);
    const { events, workflowTasks, actions } = countOf(history);
    expect(events).toBeLessThanOrEqual(14);
    expect(workflowTasks).toBe(2);
    expect(actions).toBe(5);
    // One process: the worker got its first task with the reply to the start.
    expect(history.events![0]!.workflowExecutionStartedEventAttributes!.eagerExecutionAccepted).toBe(true);
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
