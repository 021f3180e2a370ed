import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { onboardingWorkflowId } from '../../workflows/onboarding.messages';
import { TEMPORAL_NAMESPACE } from '../../stack/temporal';
import { startInstallation } from '../campaign/installation';
import type { Installation } from '../campaign/installation';
import { addNewcomer } from '../support/newcomer';
import type { Newcomer } from '../support/newcomer';
import { callerOf } from '../support/program';
import { until } from '../support/until';
import { SCENES } from './onboardingSteps';
import { FAULTS, STEPS } from './onboardingTable';
import type { Fault, Step } from './onboardingTable';

// PostgreSQL, Temporal and the program, each a process that is killed while fifteen onboardings are each at another step.

const TOLD = ['StartWorkflowExecution', 'SignalWorkflowExecution'];

let installation: Installation;
let connection: Connection;
beforeAll(async () => {
  installation = await startInstallation();
  connection = await Connection.connect({ address: `127.0.0.1:${installation.temporal.port}` });
}, 90_000);
afterAll(async () => {
  await connection?.close();
  await installation?.close({ keepFiles: false });
}, 30_000);

/** Strikes while the calls are under way, and settles when all serves again. */
const STRIKES: Record<Fault, (calls: Promise<unknown>[]) => Promise<void>> = {
  async 'the program is killed'(calls) {
    await Promise.race(calls);
    await installation.kill('program');
    await installation.restart('program');
  },
  async 'Temporal is killed'(calls) {
    await installation.kill('temporal');
    await Promise.all(calls); // rows decide
    await installation.restart('temporal');
  },
  async 'PostgreSQL is killed'(calls) {
    await Promise.race(calls);
    await installation.kill('postgres');
    await installation.restart('postgres');
  },
  async 'the program is killed before it tells Temporal'(calls) {
    installation.temporal.fail(({ name }) => TOLD.includes(name));
    await Promise.all(calls);
    await installation.kill('program');
    installation.temporal.fail(undefined);
    await installation.restart('program');
  },
};

/** Brings one onboarding to the brink of each step, lets the fault strike, and goes on. */
async function suffer(fault: Fault): Promise<Map<Step, Promise<Newcomer>>> {
  const { apiUrl: url, apiKey, tenantId } = installation;
  const program = { url, call: callerOf(url, apiKey), tenant: { id: tenantId, apiKey } };
  const scenes = await Promise.all(
    STEPS.map(async ([step]) => {
      const person = await addNewcomer(program);
      await SCENES[step].before?.(person);
      return { step, person };
    }),
  );
  const calls = scenes.map(({ step, person }) => SCENES[step].call(person));
  for (const call of calls) call.catch(() => {}); // its test says so
  await STRIKES[fault](calls);
  const lives = scenes.map(async ({ step, person }, index) => {
    await calls[index];
    await SCENES[step].after?.(person);
    return person;
  });
  for (const life of lives) life.catch(() => {});
  return new Map(scenes.map(({ step }, index) => [step, lives[index]!]));
}

/** How it ended, with the reason; it has one end, and nothing is left to be done about it. */
async function endOf(id: string): Promise<string> {
  const { database, tenantId } = installation;
  const read = async () =>
    (
      await database.query<{ status: string; reason: string | null; is_over: boolean; ends: number; asked: number }>(
        `select status, reason, closed_at is not null and workflow_due_at is null as is_over,
                (select count(*)::int from events where onboarding_id = o.id
                    and type in ('two_factor_enabled', 'onboarding_expired', 'onboarding_cancelled')) as ends,
                (select count(*)::int from approvals where onboarding_id = o.id and status = 'pending') as asked
           from onboardings o where id = $1`,
        [id],
      )
    ).rows[0]!;
  await until(async () => (await read()).is_over, { withinMs: 60_000, what: 'the end' });
  const { status, reason, ends, asked } = await read();
  expect({ ends, asked }).toEqual({ ends: 1, asked: 0 });
  const temporal = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const handle = temporal.workflow.getHandle(onboardingWorkflowId({ tenantId, onboardingId: id }));
  await until(async () => (await handle.describe()).status.name === 'COMPLETED', { what: 'the end of the workflow' });
  return reason === null ? status : `${status} (${reason})`;
}

describe.each(FAULTS)('%s while it is', (fault) => {
  let lives: Map<Step, Promise<Newcomer>>;
  beforeAll(async () => {
    lives = await suffer(fault);
  }, 90_000);

  test.each(STEPS)(
    '%s: in the end it is %s',
    async (step, result) => {
      const person = await lives.get(step)!;
      expect(await endOf(person.firstId())).toBe(result);
    },
    90_000,
  );

  test('nothing else ended by itself', () => {
    expect(installation.accidents()).toEqual([]);
  });
});

test('a device registered before the workflow was started: in the end it is enabled', async () => {
  const { apiUrl: url, apiKey } = installation;
  const person = await addNewcomer({ url, call: callerOf(url, apiKey), tenant: { apiKey } });
  const start = installation.temporal.stopAt(
    ({ name, body }) => name === 'StartWorkflowExecution' && body.includes('onboarding/'),
    'before',
  );
  const { link } = await person.start({ method: 'push' });
  await start.arrived; // and it stands there still
  await person.register(link!);
  await person.showConfirmation();
  start.release();
  await person.confirm();
  expect(await endOf(person.id())).toBe('enabled');
}, 60_000);
