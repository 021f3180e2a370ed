import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { phoneVerificationWorkflowId } from '../../workflows/phoneVerification.messages';
import { authyCallerOf } from '../support/authy';
import { until } from '../support/until';
import { createCarrier, INTERVENTIONS, openDesk, operate } from './desk';
import type { Desk } from './desk';

interface Row {
  status: string;
  expires_at: Date;
  closed_at: Date | null;
  workflow_due_at: Date | null;
}

const { texts, unreachable, smsSender } = createCarrier();

/** A verification whose workflow waits; with `reachable: false` its message is sent patiently. */
async function openCase({ program, temporal }: Desk, { reachable = true } = {}) {
  const authy = authyCallerOf(program, program.tenant.authyApiKey);
  const number = `79${randomInt(1_000_000, 9_999_999)}`;
  const to = `+41${number}`;
  if (!reachable) unreachable.add(to);
  const about = { country_code: '41', phone_number: number };
  const started = await authy('POST', '/protected/json/phones/verification/start', { form: { via: 'sms', ...about } });
  const id: string = started.body.uuid;
  const operator = operate(program, temporal, phoneVerificationWorkflowId({ tenantId: program.tenant.id, verificationId: id })); // prettier-ignore
  await operator.workflowIs('RUNNING'); // its start is not waited for by the reply
  if (!reachable) await operator.patientActivity();
  const row = async () =>
    (await program.pool.query<Row>('select * from phone_verifications where id = $1', [id])).rows[0]!;
  return {
    ...operator,
    id,
    row,
    /** The carrier takes what comes from now on, and the person types the code. */
    async enter() {
      unreachable.delete(to);
      const text = await until(() => Promise.resolve(texts.find((each) => each.to === to)?.text), {
        what: `a code for ${to}`,
        withinMs: 60_000,
      });
      const query = { ...about, verification_code: /\b\d{4}\b/.exec(text)![0] };
      return authy('GET', '/protected/json/phones/verification/check', { query });
    },
    /** As if the time had passed by when its workflow should have been heard from. */
    passPatience: () =>
      program.pool.query('update phone_verifications set workflow_due_at = clock_timestamp() where id = $1', [id]),
    /** As if its ten minutes were over in a moment. */
    hurry: () =>
      program.pool.query(
        `update phone_verifications
            set expires_at = clock_timestamp() + interval '2 seconds', workflow_due_at = least(workflow_due_at, now() + interval '7 seconds')
          where id = $1`,
        [id],
      ),
  };
}

const matrix: [action: string, reachable: boolean, rest: 'enter' | 'hurry' | 'nothing', status: string][] = [
  ['terminate', true, 'enter', 'verified'],
  ['terminate', true, 'hurry', 'expired'],
  ['terminate', false, 'enter', 'verified'],
  ['cancel', true, 'nothing', 'expired'],
  ['cancel', false, 'nothing', 'expired'],
  ['reset', true, 'enter', 'verified'],
  ['delete', true, 'enter', 'verified'],
  ['delete', false, 'enter', 'verified'],
  ['delete', true, 'hurry', 'expired'],
];

describe('an operator', () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk({ smsSender });
  }, 60_000);
  afterAll(() => desk?.close(), 60_000);

  test.each(matrix)(
    '%s, message taken: %s, then %s: the verification becomes %s, once',
    async (action, reachable, rest, status) => {
      const made = await openCase(desk, { reachable });
      await INTERVENTIONS[action]!(made);
      if (!reachable && rest === 'enter') await made.passPatience();
      if (rest === 'enter') expect((await made.enter()).status).toBe(200);
      if (rest === 'hurry') await made.hurry();
      await until(async () => (await made.row()).closed_at !== null, { withinMs: 60_000, what: 'the end' });
      expect((await made.row()).status).toBe(status);
      // Nothing is left to be accompanied, nor does anybody go on with it.
      await until(async () => (await made.row()).workflow_due_at === null, { withinMs: 60_000, what: 'the last look' });
      await made.workflowIs('COMPLETED');
      const { rows: ends } = await desk.program.pool.query<{ type: string; reason: string | null }>(
        `select type, data->>'reason' as reason from events
          where data->>'verificationId' = $1 and type in ('phone_verification_accepted', 'phone_verification_expired')`,
        [made.id],
      );
      const reason = status === 'verified' ? null : action === 'cancel' ? 'cancelled' : 'time';
      const type = `phone_verification_${status === 'verified' ? 'accepted' : 'expired'}`;
      expect(ends).toEqual([{ type, reason }]);
    },
    120_000,
  );

  test('signals, typed by hand, change nothing', async () => {
    const made = await openCase(desk);
    for (const name of ['code_checked', 'resend', 'look', 'verified']) await made.handle.signal(name, 'verified!');
    // Only when it has taken them in: what comes with its end would make it look once more.
    await until(
      async () => {
        const { events } = await made.handle.fetchHistory();
        return events?.at(-1)?.workflowTaskCompletedEventAttributes ?? events?.at(-1)?.markerRecordedEventAttributes;
      },
      { what: 'rest' },
    );
    expect((await made.row()).status).toBe('pending');
    expect((await made.enter()).status).toBe(200);
    await made.workflowIs('COMPLETED');
    const { events } = await made.handle.fetchHistory();
    expect(events!.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  }, 60_000);

  test.each([
    ['nothing', []],
    ['no ids', [{}]],
    ['one that there is not', [{ tenantId: crypto.randomUUID(), verificationId: crypto.randomUUID() }]],
  ])(
    'a workflow started by hand with %s fails at once',
    async (_, args) => {
      const started = await desk.temporal.workflow.start('phoneVerification', {
        workflowId: `by-hand-${crypto.randomUUID()}`,
        taskQueue: `${desk.program.config.taskQueuePrefix}-approvals`,
        args,
      });
      await until(async () => (await started.describe()).status.name === 'FAILED');
    },
    30_000,
  );
});
