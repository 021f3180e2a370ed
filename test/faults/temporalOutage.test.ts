import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setInterval as ticks } from 'node:timers/promises';
import { verifyCallback } from '../../sdk/callback';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { planOwnTemporal } from './ownTemporal';
import type { OwnTemporal } from './ownTemporal';

/** `COUNTERSIGN_TEST_OUTAGE_SECONDS=60 npm test -- temporalOutage` is the long version. */
const OUTAGE_SECONDS = Number(process.env['COUNTERSIGN_TEST_OUTAGE_SECONDS'] ?? 10);
const FLOWS_EVERY_MS = 200;
const OUTCOMES = ['approved', 'denied', 'cancelled', 'expired'] as const;

jest.setTimeout((OUTAGE_SECONDS + 120) * 1_000);

interface Told {
  id: string;
  status: string;
}

describe('Temporal killed under load, and restarted on its data', () => {
  let temporal: OwnTemporal;
  let program: TestProgram;
  let receiver: Receiver;
  let users: TestUser[];
  beforeAll(async () => {
    temporal = await planOwnTemporal();
    await temporal.start();
    program = await startTestProgram({ env: { TEMPORAL_ADDRESS: temporal.address } });
    receiver = await startReceiver();
    users = await Promise.all(Array.from({ length: 8 }, () => addUser(program)));
  });
  afterAll(async () => {
    await program?.close();
    await receiver?.close();
    await temporal?.close();
  });

  /** One approval from the request to what its back end is told; every reply has to be a success. */
  async function flow(index: number): Promise<Told> {
    const user = users[index % users.length]!;
    const outcome = OUTCOMES[index % OUTCOMES.length]!;
    const call = async (method: string, path: string, body?: unknown) => {
      const reply = await program.call(method, path, body);
      if (reply.status > 299) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
      return reply.body;
    };
    const { id } = await call('POST', '/v1/approvals', {
      userId: user.id,
      mode: 'transaction',
      title: `Payment ${index}`,
      callbackUrl: receiver.url,
      expiresInSeconds: outcome === 'expired' ? 10 : 600,
    });
    const waiting = call('GET', `/v1/approvals/${id}?wait=30`);
    if (outcome === 'cancelled') await call('POST', `/v1/approvals/${id}/cancel`);
    if (outcome === 'approved' || outcome === 'denied') await user.phone.answer(await user.phone.show(id), outcome);
    const { status } = await waiting;
    expect({ id, status }).toEqual({ id, status: outcome });
    return { id, status };
  }

  test(`for ${OUTAGE_SECONDS} s: no request fails, each outcome is told under one id, and every workflow ends`, async () => {
    const flows: Promise<Told>[] = [];
    async function load(going: () => boolean): Promise<void> {
      for await (const _ of ticks(FLOWS_EVERY_MS)) {
        if (!going()) return;
        const started = flow(flows.length);
        started.catch(() => undefined); // seen below
        flows.push(started);
      }
    }
    const within = (seconds: number) => {
      const endMs = performance.now() + seconds * 1_000;
      return () => performance.now() < endMs;
    };

    await load(() => receiver.received.length < 4);
    await temporal.kill();
    await load(within(OUTAGE_SECONDS));
    expect((await program.call('GET', '/readyz')).body).toMatchObject({ status: 'ready', temporal: 'away' });
    await temporal.start();
    const backMs = performance.now();
    await load(within(2));

    const told = await Promise.all(flows);
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set(OUTCOMES));
    const arrived = () =>
      new Set(
        receiver.received.map(({ headers, body }) => {
          const { id, type } = verifyCallback({ headers, body, signingKey: program.tenant.signingKey });
          return `${id} ${type}`;
        }),
      );
    await until(async () => arrived().size >= told.length, { withinMs: 60_000, what: 'every callback' });
    const backSeconds = (performance.now() - backMs) / 1_000;
    expect([...arrived()].sort()).toEqual(told.map(({ id, status }) => `cb_${id} approval.${status}`).sort());

    await temporal.withClient((client) =>
      until(
        async () => {
          const running = await client.workflow.count(`WorkflowType = 'approval' and ExecutionStatus = 'Running'`);
          const ended = await client.workflow.count(`WorkflowType = 'approval' and ExecutionStatus = 'Completed'`);
          return running.count === 0 && ended.count === told.length;
        },
        { withinMs: 30_000, what: 'the end of every workflow' },
      ),
    );
    const { rows } = await program.pool.query<{ due: number }>(
      'select count(*)::int as due from approvals where workflow_due_at is not null',
    );
    expect(rows).toEqual([{ due: 0 }]);
    const repeats = receiver.received.length - told.length;
    process.stderr.write(
      `${told.length} approvals over an outage of ${OUTAGE_SECONDS} s, 0 requests failed, all told ` +
        `${backSeconds.toFixed(1)} s after the restart, ${repeats} callbacks sent again under the same id\n`,
    );
  });
});
