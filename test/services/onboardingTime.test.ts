import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomInt, randomUUID } from 'node:crypto';
import type { OnboardingRequest } from '../../contracts/onboardings';
import { MOST_LINKS } from '../../domain/onboarding';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';

let database: TestDatabase;
let bench: Bench;
let tenantId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
  tenantId = bench.tenant.id;
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const nothingKept = async () => {};
const addUser = async (phone?: string) =>
  (await bench.services.users.create(tenantId, { externalId: randomUUID(), phone }, nothingKept)).id;
const addCallee = () => addUser(`+4179${randomInt(1_000_000, 9_999_999)}`);
const start = async (userId: string, request: Partial<OnboardingRequest> = {}) =>
  (await bench.services.onboardings.start(tenantId, userId, { ownApp: false, ...request }, nothingKept)).onboarding;
const recordTime = (id: string) => bench.services.onboardingSteps.recordTime(tenantId, id);

/** It is time for the reminder, by the database's clock. */
const makeDue = (id: string) =>
  bench.pool.query('update onboardings set remind_at = clock_timestamp() where id = $1', [id]);
const reminders = async (id: string) =>
  (
    await bench.pool.query<{ status: string }>(
      `select data->>'status' as status from events where onboarding_id = $1 and type = 'onboarding_reminded'`,
      [id],
    )
  ).rows.map(({ status }) => status);

test('nothing is reminded before its time, and nothing twice', async () => {
  const { id } = await start(await addCallee());
  expect((await recordTime(id)).remindAtMs).not.toBeNull();
  expect(await reminders(id)).toEqual([]);
  await makeDue(id);
  const reminded = await Promise.all(Array.from({ length: 10 }, () => recordTime(id)));
  for (const { remindAtMs } of reminded) expect(remindAtMs).toBeNull();
  expect(await reminders(id)).toEqual(['waiting_for_method']);
});

test('a reminder sends the link once more', async () => {
  const { id } = await start(await addCallee(), { method: 'push' });
  await bench.services.rows.onboardings.recordLink(bench.pool, { tenantId, id, linkRound: 1 }, 'sent');
  await makeDue(id);
  expect(await recordTime(id)).toMatchObject({ linkState: 'waiting', linkRound: 2 });
  expect(await reminders(id)).toEqual(['waiting_for_device']);
});

test.each([
  ['nobody can be reached', () => addUser(), {}, 0],
  ['the tenant has its own app', addCallee, { ownApp: true }, 0],
  ['it was sent often enough', addCallee, {}, MOST_LINKS],
] as const)('a reminder sends no link where %s', async (_why, add, request, rounds) => {
  const { id } = await start(await add(), { method: 'push', ...request });
  await bench.pool.query(`update onboardings set link_state = 'none', link_round = $2 where id = $1`, [id, rounds]);
  await makeDue(id);
  expect(await recordTime(id)).toMatchObject({ linkState: 'none', linkRound: rounds, remindAtMs: null });
  expect(await reminders(id)).toEqual(['waiting_for_device']);
});

test('a reminder of a confirmation pushes it once more', async () => {
  const user = await bench.addUser(1);
  const { id, approvalId } = await start(user.id, { method: 'push' });
  await makeDue(id);
  await recordTime(id);
  const { pushRound, pushState } = await bench.services.approvals.find(tenantId, approvalId!);
  expect({ pushRound, pushState }).toEqual({ pushRound: 1, pushState: 'waiting' });
  expect(await reminders(id)).toEqual(['waiting_for_confirmation']);
});

test('what is past its deadline expires in place of a reminder', async () => {
  const user = await bench.addUser(1);
  const { id, approvalId } = await start(user.id, { method: 'push' });
  await makeDue(id);
  for (const [table, key] of [
    ['onboardings', id],
    ['approvals', approvalId],
  ]) {
    await bench.pool.query(`update ${table} set expires_at = clock_timestamp() where id = $1`, [key]);
  }
  expect(await recordTime(id)).toMatchObject({ status: 'expired', remindAtMs: null });
  expect((await bench.services.approvals.find(tenantId, approvalId!)).status).toBe('expired');
  expect(await reminders(id)).toEqual([]);
});

test('its workflow is waited for until the next reminder or deadline, and not after the end', async () => {
  const dueInSeconds = async (id: string) => {
    await bench.services.rows.onboardings.touch(bench.pool, tenantId, id);
    const { rows } = await bench.pool.query<{ due: number | null }>(
      `select round(extract(epoch from workflow_due_at - created_at))::int as due from onboardings where id = $1`,
      [id],
    );
    return rows[0]!.due;
  };
  const { id } = await start(await addCallee(), { expiresInSeconds: 600, remindAfterSeconds: 60 });
  expect(await dueInSeconds(id)).toBe(65);
  await makeDue(id);
  await recordTime(id);
  expect(await dueInSeconds(id)).toBe(605);
  await bench.services.onboardings.chooseMethod(tenantId, id, 'push');
  const sending = await dueInSeconds(id); // a text message is given two minutes
  expect(sending).toBeGreaterThanOrEqual(150);
  expect(sending).toBeLessThan(160);
  await bench.services.onboardings.cancel(tenantId, id);
  expect(await dueInSeconds(id)).toBeNull();
});
