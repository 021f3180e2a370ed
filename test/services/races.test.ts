import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench, signFor } from '../support/services';
import type { Bench } from '../support/services';
import { atOnce, said } from './atOnce';
import { count } from './guesses';

/** What many callers at once can do to one approval, with nothing between them and the rows. */
let database: TestDatabase;
let bench: Bench;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

async function rowsOf(approvalId: string) {
  const one = async <T>(sql: string) => (await bench.pool.query<{ it: T }>(sql, [approvalId])).rows.map(({ it }) => it);
  return {
    status: (await one<string>('select status as it from approvals where id = $1'))[0],
    outcomes: await one<string>(
      `select type as it from events where approval_id = $1 and type ~ '^approval_(approved|denied|expired|cancelled)$'`,
    ),
    answers: await one<string>('select decision as it from answers where approval_id = $1'),
    votes: await one<string | null>('select decision as it from approvers where approval_id = $1'),
  };
}

describe('fifty contradictory answers at once, from five devices,', () => {
  test('make one decision, one event and one outcome, and everybody hears the same', async () => {
    const user = await bench.addUser(5);
    for (let round = 0; round < 5; round++) {
      const approval = await bench.ask(user.id);
      const before = bench.outcomes.length;
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          signFor(approval, user.phones[i % 5]!, i % 2 === 0 ? 'approved' : 'denied'),
        ),
      );
      const heard = await Promise.all(
        answers.map((jws) => said(bench.services.decisions.recordAnswer(approval.id, jws))),
      );
      const { status, outcomes, answers: counted, votes } = await rowsOf(approval.id);
      expect(['approved', 'denied']).toContain(status);
      expect({ outcomes, counted, votes }).toEqual({
        outcomes: [`approval_${status}`],
        counted: [status],
        votes: [status],
      });
      expect(bench.outcomes.slice(before)).toEqual([status]);
      // The device that decided said so ten times, half of them thus: its repeats are answered, all others refused.
      expect(count(heard)).toEqual({ [status!]: 5, approval_already_decided: 45 });
    }
  });
});

describe('answers that race', () => {
  test('a cancellation: either it is cancelled, or it was decided before', async () => {
    const user = await bench.addUser(2);
    const ends: string[] = [];
    for (let round = 0; round < 40; round++) {
      const approval = await bench.ask(user.id);
      const jws = await signFor(approval, user.phones[0]!, 'approved');
      const answer = () => said(bench.services.decisions.recordAnswer(approval.id, jws));
      const cancel = () => said(bench.services.approvals.cancel(bench.tenant.id, approval.id));
      const [answered, cancelled] = await atOnce(bench, round, answer, cancel);
      const { status, outcomes } = await rowsOf(approval.id);
      expect(outcomes).toEqual([`approval_${status}`]);
      expect([answered, cancelled, status]).toEqual(
        status === 'approved'
          ? ['approved', 'approval_already_decided', 'approved']
          : ['approval_cancelled', 'cancelled', 'cancelled'],
      );
      ends.push(status!);
    }
    expect(new Set(ends)).toEqual(new Set(['approved', 'cancelled']));
  });

  test('the deadline: decided before it, or expired', async () => {
    const user = await bench.addUser(2);
    const ends: string[] = [];
    let inMs = 3; // towards the time that an answer takes on this machine: about there both sides of the deadline are met
    for (let round = 0; round < 40; round++) {
      const approval = await bench.ask(user.id);
      const jws = await signFor(approval, user.phones[0]!, 'approved');
      await bench.pool.query(
        `update approvals
            set expires_at = date_trunc('milliseconds', clock_timestamp() + $2 * interval '1 millisecond')
          where id = $1`,
        [approval.id, inMs],
      );
      const heard = await Promise.all([
        said(bench.services.decisions.recordAnswer(approval.id, jws)),
        ...Array.from({ length: 4 }, () => said(bench.services.decisions.recordExpiry(bench.tenant.id, approval.id))),
        said(bench.services.decisions.recordAnswer(approval.id, jws)),
      ]);
      const { rows } = await bench.pool.query(
        `select status, decided_at < expires_at as in_time from approvals where id = $1`,
        [approval.id],
      );
      inMs = rows[0].status === 'expired' ? 2 * inMs + 1 : Math.floor(inMs / 2);
      if (rows[0].status === 'pending') continue; // nobody came after the deadline
      expect(rows[0].in_time).toBe(rows[0].status === 'approved');
      expect(heard[0]).toBe(rows[0].status === 'approved' ? 'approved' : 'approval_expired');
      expect((await rowsOf(approval.id)).outcomes).toEqual([`approval_${rows[0].status}`]);
      ends.push(rows[0].status as string);
    }
    expect(new Set(ends)).toEqual(new Set(['approved', 'expired']));
  }, 20_000);

  test('the removal of their device never decide after it (200 rounds)', async () => {
    const ends = new Set<string>();
    const user = await bench.addUser(1);
    const phone = user.phones[0]!;
    for (let round = 0; round < 200; round++) {
      await bench.pool.query('update devices set removed_at = null where id = $1', [phone.id]);
      const approval = await bench.ask(user.id);
      const jws = await signFor(approval, phone, 'approved');
      const answer = () => said(bench.services.decisions.recordAnswer(approval.id, jws));
      const remove = () => bench.services.users.removeDevice(bench.tenant.id, user.id, phone.id).then(() => 'removed');
      const [heard] = await atOnce(bench, round, answer, remove);
      const { rows } = await bench.pool.query(
        `select a.status, a.decided_at <= d.removed_at as in_time, d.removed_at is not null as removed
           from approvals a, devices d where a.id = $1 and d.id = $2`,
        [approval.id, phone.id],
      );
      expect(rows[0]).toEqual(
        heard === 'approved'
          ? { status: 'approved', in_time: true, removed: true }
          : { status: 'pending', in_time: null, removed: true },
      );
      ends.add(heard);
    }
    expect(ends).toEqual(new Set(['approved', 'device_removed']));
  }, 60_000);

  test('the removal of their user never decide after it, and what is open is cancelled (60 rounds)', async () => {
    const ends = new Set<string>();
    const user = await bench.addUser(1);
    for (let round = 0; round < 60; round++) {
      await bench.pool.query('update users set removed_at = null where id = $1', [user.id]);
      await bench.pool.query('update devices set removed_at = null where user_id = $1', [user.id]);
      const approvals = [await bench.ask(user.id), await bench.ask(user.id)];
      const signed = await Promise.all(approvals.map((approval) => signFor(approval, user.phones[0]!, 'denied')));
      const answer = () =>
        Promise.all(approvals.map(({ id }, i) => said(bench.services.decisions.recordAnswer(id, signed[i]!))));
      const remove = () => bench.services.users.remove(bench.tenant.id, user.id);
      const [heard] = await atOnce(bench, round, answer, remove);
      const { rows } = await bench.pool.query(
        `select a.status, a.decided_at <= u.removed_at as in_time
           from approvals a join approvers p on p.approval_id = a.id join users u on u.id = p.user_id
          where a.id = any($1) order by a.id`,
        [approvals.map(({ id }) => id)],
      );
      const denied = rows.filter(({ status }) => status === 'denied');
      expect(denied.every(({ in_time }) => in_time === true)).toBe(true);
      expect(denied).toHaveLength(heard.filter((one) => one === 'denied').length);
      expect(rows.filter(({ status }) => status === 'cancelled')).toHaveLength(2 - denied.length);
      for (const one of heard) ends.add(one);
    }
    expect(ends).toContain('denied');
    expect([...ends].filter((one) => !['denied', 'device_removed', 'approval_cancelled'].includes(one))).toEqual([]);
    expect(ends.size).toBeGreaterThan(1);
  }, 60_000);

  test('a creation: nobody is asked who was removed before', async () => {
    for (let round = 0; round < 30; round++) {
      const user = await bench.addUser(1);
      const [created] = await atOnce(
        bench,
        round,
        () => said(bench.ask(user.id)),
        () => bench.services.users.remove(bench.tenant.id, user.id),
      );
      const { rows } = await bench.pool.query(
        `select a.status from approvals a join approvers p on p.approval_id = a.id where p.user_id = $1`,
        [user.id],
      );
      expect(rows).toEqual(created === 'pending' ? [{ status: 'cancelled' }] : []);
    }
  });
});

describe('several people', () => {
  test('are locked in one order: creations and removals that name them in any order do not wait for each other', async () => {
    for (let round = 0; round < 10; round++) {
      const people = await Promise.all(Array.from({ length: 4 }, () => bench.addUser(1)));
      const ids = people.map(({ id }) => id);
      const orders = Array.from({ length: 12 }, (_, i) => [...ids.slice(i % 4), ...ids.slice(0, i % 4)]);
      const orderly = orders.map((order, i) => (i % 2 === 0 ? order : [...order].reverse()));
      const remove = async () => {
        await bench.services.users.remove(bench.tenant.id, ids[round % 4]!);
        return { status: 'removed' };
      };
      // Anything but a refusal, a deadlock above all, fails here.
      const heard = await Promise.all([
        ...orderly.map((order) => said(bench.ask(order, { required: 2 }))),
        said(remove()),
      ]);
      expect(heard.filter((one) => !['pending', 'user_not_found', 'removed'].includes(one))).toEqual([]);
      const { rows } = await bench.pool.query<{ people: number }>(
        `select count(*) filter (where withdrawn_at is null)::int as people from approvers
          where approval_id in (select approval_id from approvers where user_id = any($1)) group by approval_id`,
        [ids],
      );
      expect(rows.map((row) => row.people)).toEqual(heard.filter((one) => one === 'pending').map(() => 3));
    }
  }, 60_000);
});

test('the numbers of events have no gap and no double, whoever wrote at once', async () => {
  const { rows } = await bench.pool.query(
    `select count(*)::int as written, max(number)::int as last, count(distinct number)::int as distinct,
            (select last_number::int from event_counters where tenant_id = $1) as counter
       from events where tenant_id = $1`,
    [bench.tenant.id],
  );
  const { written, ...others } = rows[0];
  expect(written).toBeGreaterThan(500);
  expect(others).toEqual({ last: written, distinct: written, counter: written });
});
