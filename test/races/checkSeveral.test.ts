import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench, signFor } from '../support/services';
import type { Bench } from '../support/services';
import { findSeveralViolations } from './checkSeveral';

/** The checker of the races has to see what is wrong, or its zeros mean nothing. */
let database: TestDatabase;
let bench: Bench;
let id: string;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

/** Two of three: yes, no, yes; nobody removed. */
beforeEach(async () => {
  await bench.pool.query('truncate approvals, events cascade');
  const people = [await bench.addUser(1), await bench.addUser(1), await bench.addUser(1)];
  const approval = await bench.ask(
    people.map((person) => person.id),
    { required: 2 },
  );
  id = approval.id;
  for (const [i, decision] of ['approved', 'denied', 'approved'].entries()) {
    await bench.services.decisions.recordAnswer(id, await signFor(approval, people[i]!.phones[0]!, decision));
  }
});

const found = async () =>
  Object.entries(await findSeveralViolations(bench.pool))
    .filter(([, count]) => count > 0)
    .map(([name]) => name);

test('finds nothing where nothing is wrong', async () => {
  expect((await bench.services.approvals.find(bench.tenant.id, id)).status).toBe('approved');
  expect(await found()).toEqual([]);
});

test.each([
  ['another outcome', `update approvals set status = 'denied'`, ['deniedThoughReachable', 'notOneOutcomeEvent']],
  ['more required', `update approvals set required = 3`, ['approvedByTooFew']],
  ['a veto', `update approvals set veto = true`, ['approvedAgainstAVeto']],
  [
    'cancelled',
    `update approvals set status = 'cancelled', required = 1`,
    ['cancelledThoughReachable', 'notOneOutcomeEvent', 'answersWithoutEvent'],
  ],
  [
    'left open',
    `update approvals set status = 'pending', decided_at = null`,
    ['openThoughDecided', 'notOneOutcomeEvent', 'answersWithoutEvent'],
  ],
  [
    'an answer too much',
    `delete from answers where position = 2`,
    ['voteDisagrees', 'positionsBroken', 'answersWithoutEvent'],
  ],
  [
    'an outcome told twice',
    `insert into events (tenant_id, number, type, approval_id) select tenant_id, 1000, type, approval_id from events where type = 'approval_approved'`,
    ['notOneOutcomeEvent'],
  ],
  [
    'a removed person who counts',
    `update users set removed_at = now() - interval '1 hour' where id = (select user_id from answers where position = 1)`,
    ['countedAfterRemoval', 'answeredAfterRemoval'],
  ],
  [
    'a person taken out who is there',
    `update approvers set withdrawn_at = now(), withdrawn_after = 0 where decision = 'denied'`,
    ['withdrawnThoughThere'],
  ],
])('finds %s', async (_, spoil, names) => {
  await bench.pool.query(spoil);
  expect((await found()).sort()).toEqual([...names].sort());
});
