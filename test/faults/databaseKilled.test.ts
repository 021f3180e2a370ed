import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setInterval as ticks } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { CountersignError } from '../../sdk/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { Reply, TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { useOwnPostgres } from './ownPostgres';
import type { OwnPostgres } from './ownPostgres';

const FLOWS_EVERY_MS = 200;
const ENOUGH_REFUSALS = 15;

jest.setTimeout(120_000);

describe('PostgreSQL killed under load, and restarted on its data', () => {
  let postgres: OwnPostgres;
  let program: TestProgram;
  let receiver: Receiver;
  let users: TestUser[];
  const refusals: Pick<Reply, 'status'>[] = [];
  beforeAll(async () => {
    postgres = await useOwnPostgres();
    program = await startTestProgram();
    receiver = await startReceiver();
    users = await Promise.all(Array.from({ length: 8 }, () => addUser(program)));
  });
  afterAll(async () => {
    await program?.close();
    await receiver?.close();
    await postgres?.close();
  });

  /** As a back end would: the same request again, under the same key, until it is answered. */
  async function insist(method: string, path: string, body?: unknown): Promise<Reply['body']> {
    const key = { 'idempotency-key': randomUUID() };
    for await (const _ of ticks(100)) {
      const reply = await program.call(method, path, body, key);
      if (reply.status < 300) return reply.body;
      refusals.push(reply);
      if (reply.status !== 503) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
      expect(reply.headers.get('retry-after')).not.toBeNull();
    }
  }

  async function answer({ phone }: TestUser, id: string): Promise<void> {
    for await (const _ of ticks(100)) {
      try {
        await phone.answer(await phone.show(id), 'approved');
        return;
      } catch (error) {
        if (!(error instanceof CountersignError) || error.status !== 503) throw error;
        refusals.push(error);
      }
    }
  }

  async function flow(index: number): Promise<string> {
    const user = users[index % users.length]!;
    const { id } = await insist('POST', '/v1/approvals', {
      userId: user.id,
      mode: 'transaction',
      title: `Payment ${index}`,
      callbackUrl: receiver.url,
    });
    await answer(user, id);
    let seen = await insist('GET', `/v1/approvals/${id}?wait=30`);
    while (seen.status === 'pending') seen = await insist('GET', `/v1/approvals/${id}?wait=30`);
    expect(seen).toMatchObject({ id, status: 'approved' });
    return id;
  }

  test('gives nothing but 503 meanwhile, loses nothing, and the workflows go on', async () => {
    const flows: Promise<string>[] = [];
    async function load(going: () => boolean): Promise<void> {
      for await (const _ of ticks(FLOWS_EVERY_MS)) {
        if (!going()) return;
        const started = flow(flows.length);
        started.catch(() => undefined); // seen below
        flows.push(started);
      }
    }
    await load(() => receiver.received.length < 4);
    await postgres.kill();
    await load(() => refusals.length < ENOUGH_REFUSALS);
    await postgres.restart();
    const pending = flows.length;
    await load(() => flows.length < pending + 5);

    const ids = await Promise.all(flows);
    expect(new Set(ids).size).toBe(flows.length);
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([503]));
    const told = () => new Set(receiver.received.map(({ headers }) => headers['webhook-id'] as string));
    await until(async () => told().size >= ids.length, { withinMs: 60_000, what: 'every callback' });
    expect([...told()].sort()).toEqual(ids.map((id) => `cb_${id}`).sort());

    const { rows } = await program.pool.query<{ approvals: number; events: number }>(
      `select (select count(*)::int from approvals) as approvals,
              (select count(*)::int from events where type = 'approval_approved') as events`,
    );
    expect(rows).toEqual([{ approvals: ids.length, events: ids.length }]);

    const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
    try {
      const client = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE']! });
      const mine = `WorkflowType = 'approval' and CountersignTenant = '${program.tenant.id}'`;
      await until(
        async () =>
          (await client.workflow.count(`${mine} and ExecutionStatus = 'Completed'`)).count === ids.length &&
          (await client.workflow.count(mine)).count === ids.length,
        { withinMs: 30_000, what: 'the end of every workflow' },
      );
    } finally {
      await connection.close();
    }
  });
});
