import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { ensureSchedules } from '../../workers/schedules';

const QUEUE = 'nobody-listens';

let connection: NativeConnection;
let client: Client;
const prefixes: string[] = [];
beforeAll(async () => {
  connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
  client = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default' });
}, 30_000);
afterAll(async () => {
  for (const id of prefixes.flatMap(idsOf)) await client.schedule.getHandle(id).delete();
  await connection.close();
});

const idsOf = (prefix: string) => [`${prefix}-reconcile`, `${prefix}-retention`];

function newPrefix(): string {
  const prefix = `schedules-${randomBytes(4).toString('hex')}`;
  prefixes.push(prefix);
  return prefix;
}

const intervals = async (id: string) => (await client.schedule.getHandle(id).describe()).spec.intervals;

test('are made once, also when many processes start together', async () => {
  const prefix = newPrefix();
  await Promise.all(Array.from({ length: 8 }, () => ensureSchedules(client, prefix, QUEUE)));
  expect(await intervals(`${prefix}-reconcile`)).toMatchObject([{ every: 10_000 }]);
  expect(await intervals(`${prefix}-retention`)).toMatchObject([{ every: 3_600_000 }]);
});

test('of an older release are brought up to date, and what an operator paused stays so', async () => {
  const prefix = newPrefix();
  const [scheduleId] = idsOf(prefix);
  const handle = await client.schedule.create({
    scheduleId: scheduleId!,
    spec: { intervals: [{ every: 77_000 }] },
    action: { type: 'startWorkflow', workflowType: 'older', taskQueue: 'older' },
    state: { paused: true, note: 'maintenance' },
  });
  await ensureSchedules(client, prefix, QUEUE);
  const { spec, action, state } = await handle.describe();
  expect(spec.intervals).toMatchObject([{ every: 10_000 }]);
  expect(action).toMatchObject({ workflowType: 'reconcile', taskQueue: QUEUE, workflowRunTimeout: 30_000 });
  expect(state).toMatchObject({ paused: true, note: 'maintenance' });
});

test('that are as they should be are left alone', async () => {
  const prefix = newPrefix();
  await ensureSchedules(client, prefix, QUEUE);
  const updatedAt = async () => (await client.schedule.getHandle(`${prefix}-retention`).describe()).info.lastUpdatedAt;
  const before = await updatedAt();
  await ensureSchedules(client, prefix, QUEUE);
  expect(await updatedAt()).toEqual(before);
});
