import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import { expectProblem } from '../support/expectProblem';
import { asTenant, send, startApi } from '../support/http';
import type { RawReply } from '../support/http';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { ask, callAs } from '../support/signing';
import { until } from '../support/until';

let program: TestProgram;
let user: TestUser;
/** A long poll of an approval that lives for ten seconds; the other tests have their turn meanwhile. */
let tenSeconds: Promise<{ reply: RawReply; ms: number }>;
beforeAll(async () => void (program = await startApi()), 60_000);
beforeEach(async () => void (user = await addUser(program, { push: false })));
afterAll(() => program?.close());

/** The deadline comes this soon, by the database's clock. */
const expireIn = (id: string, when: string) =>
  program.pool.query(`update approvals set expires_at = clock_timestamp() + $2::interval where id = $1`, [id, when]);

const poll = (id: string, wait = 30) =>
  send(program, { path: `/v1/approvals/${id}?wait=${wait}`, headers: asTenant(program) });

/** How long a reply took, in ms. */
async function timed<T>(work: Promise<T>): Promise<{ reply: T; ms: number }> {
  const startedMs = performance.now();
  const reply = await work;
  return { reply, ms: performance.now() - startedMs };
}

/** True when the program waits for a change on behalf of somebody; nothing else lets a reply hang. */
const pending = async (work: Promise<unknown>, ms = 300) =>
  (await Promise.race([work.then(() => 'done'), new Promise((resolve) => setTimeout(resolve, ms, 'waits'))])) ===
  'waits';

describe('whoever goes away', () => {
  test('from streams, polls and inboxes leaves nothing behind', async () => {
    const { id } = await ask(program, user);
    const { cursor } = await user.phone.inbox();
    const before = await waiting(program);
    for (let round = 0; round < 3; round++) {
      const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(id)));
      const gone = new AbortController();
      const polls = Array.from({ length: 20 }, () =>
        fetch(`${program.url}/v1/approvals/${id}?wait=30`, { headers: asTenant(program), signal: gone.signal }),
      );
      const inboxes = Array.from({ length: 5 }, () => user.phone.inbox({ wait: 30, cursor, signal: gone.signal }));
      const settled = Promise.allSettled([...polls, ...inboxes]);
      await until(async () => (await waiting(program)) === before + 45, { what: 'everybody waiting' });
      for (const stream of streams) stream.leave();
      gone.abort();
      await settled;
      await until(async () => (await waiting(program)) === before, { what: 'nobody waiting' });
    }
    // Connections to the database were given back, too: far more than the pool has waited, and it still answers.
    expect((await program.call('GET', `/v1/approvals/${id}`)).status).toBe(200);
  });
});

describe('a long poll', () => {
  beforeAll(async () => {
    const { id } = await addUser(program, { push: false });
    const request = { userId: id, title: 'x', expiresInSeconds: 10 };
    const { body } = await program.call('POST', '/v1/approvals', request);
    tenSeconds = timed(poll(body.id as string));
  });

  test.each([
    [
      'the decision',
      'approved',
      async (id: string) => void (await user.phone.answer(await user.phone.show(id), 'approved')),
    ],
    [
      'the cancellation',
      'cancelled',
      async (id: string) => void (await program.call('POST', `/v1/approvals/${id}/cancel`)),
    ],
    ['the removal of the user', 'cancelled', async () => void (await program.call('DELETE', `/v1/users/${user.id}`))],
  ])('ends with %s', async (_what, status, change) => {
    const { id } = await ask(program, user);
    // Capitals too: what wakes up is told in small letters.
    const polls = [poll(id), poll(id.toUpperCase()), poll(id)];
    expect(await pending(Promise.race(polls))).toBe(true);
    await change(id);
    const { reply, ms } = await timed(Promise.all(polls));
    for (const one of reply) expect([one.status, one.body.status]).toEqual([200, status]);
    expect(ms).toBeLessThan(2_500); // well before anybody would look again without being woken
  });

  test('ends at the deadline with the expiry, which it writes', async () => {
    const { id } = await ask(program, user);
    await expireIn(id, '700 milliseconds');
    const { reply, ms } = await timed(poll(id));
    expect(reply.body).toMatchObject({ status: 'expired', decidedAt: expect.any(String) });
    expect(ms).toBeGreaterThan(500);
    expect(ms).toBeLessThan(2_500);
    expect(Date.parse(reply.body.decidedAt as string)).toBeGreaterThanOrEqual(
      Date.parse(reply.body.expiresAt as string),
    );
  });

  test('ends at once where everything is decided, and when its time is over where nothing is', async () => {
    const { id } = await ask(program, user);
    const open = await timed(poll(id, 1));
    expect(open.reply.body.status).toBe('pending');
    expect(open.ms).toBeGreaterThan(900);
    expect((await timed(poll(id, 0))).ms).toBeLessThan(900);
    await program.call('POST', `/v1/approvals/${id}/cancel`);
    expect((await timed(poll(id))).ms).toBeLessThan(2_500);
  });
});

describe('the stream of an approval', () => {
  test('tells it now, at every change, and ends with the decision', async () => {
    const { id } = await ask(program, user);
    const stream = await openStream(id);
    expect(stream.response.headers['content-type']).toBe('text/event-stream');
    expect((await stream.next()).status).toBe('pending');
    await program.call('POST', `/v1/approvals/${id}/resend`);
    expect(await pending(stream.next())).toBe(true); // a resend that changes nothing to be seen is no event
    await user.phone.answer(await user.phone.show(id), 'denied');
    await until(async () => stream.seen.at(-1)?.status === 'denied');
    await stream.ended;
    expect(stream.seen.map(({ status }) => status)).toEqual(['pending', 'denied']);
    expect(stream.seen.at(-1)).toEqual((await program.call('GET', `/v1/approvals/${id}`)).body);
  });

  test('of one that is decided is one event', async () => {
    const { id } = await ask(program, user);
    await program.call('POST', `/v1/approvals/${id}/cancel`);
    const stream = await openStream(id);
    await stream.ended;
    expect(stream.seen.map(({ status }) => status)).toEqual(['cancelled']);
  });

  test('ends with the expiry at the deadline', async () => {
    const { id } = await ask(program, user);
    await expireIn(id, '500 milliseconds');
    const stream = await openStream(id);
    await stream.ended;
    expect(stream.seen.map(({ status }) => status)).toEqual(['pending', 'expired']);
  });

  test('of one that is not there is an ordinary refusal', async () => {
    const reply = await send(program, {
      path: `/v1/approvals/00000000-0000-4000-8000-000000000000/stream`,
      headers: asTenant(program),
    });
    expectProblem(reply, 'approval_not_found');
  });

  test('answers HEAD with its headers, and does not stay', async () => {
    const { id } = await ask(program, user);
    const path = `/v1/approvals/${id}/stream`;
    const before = await waiting(program);
    const { reply, ms } = await timed(send(program, { method: 'HEAD', path, headers: asTenant(program) }));
    expect(reply).toMatchObject({ status: 200, text: '', headers: { 'content-type': 'text/event-stream' } });
    expect(ms).toBeLessThan(2_500);
    await until(async () => (await waiting(program)) <= before, { withinMs: 4_000, what: 'nobody waiting' });
  });
});

describe("a phone's inbox", () => {
  const inbox = (query = '') => callAs(program, user.devices[0]!, { path: '/v1/device/approvals', query });

  test('has what is open, oldest first, and nothing else', async () => {
    const [first, second, cancelled, expired] = [
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
      await ask(program, user),
    ];
    await program.call('POST', `/v1/approvals/${cancelled.id}/cancel`);
    await expireIn(expired.id, '0 seconds');
    const { body } = await inbox();
    expect(body.approvals).toEqual([first, second]);
  });

  test('without a cursor waits until there is something', async () => {
    const reading = inbox('?wait=30');
    expect(await pending(reading)).toBe(true);
    const { id } = await ask(program, user);
    const { reply, ms } = await timed<RawReply>(reading);
    expect(reply.body.approvals).toMatchObject([{ id }]);
    expect(ms).toBeLessThan(2_500);
    expect((await timed(inbox('?wait=30'))).ms).toBeLessThan(2_500);
  });

  test.each([
    ['something more', async () => void (await ask(program, user)), 2],
    ['an answer', async (id: string) => void (await user.phone.answer(await user.phone.show(id), 'denied')), 0],
    ['a cancellation', async (id: string) => void (await program.call('POST', `/v1/approvals/${id}/cancel`)), 0],
    ['a resend', async (id: string) => void (await program.call('POST', `/v1/approvals/${id}/resend`)), 1],
    ['a deadline', async (id: string) => void (await expireIn(id, '0 seconds')), 0],
  ])('with a cursor waits until there is a change: %s', async (what, change, left) => {
    const { id } = await ask(program, user);
    const { body } = await inbox();
    // Nobody tells of a deadline that was moved in the database; it is looked at again by itself.
    if (what === 'a deadline') await expireIn(id, '600 milliseconds');
    const reading = inbox(`?wait=30&cursor=${body.cursor}`);
    expect(await pending(reading)).toBe(true);
    if (what !== 'a deadline') await change(id);
    const { reply, ms } = await timed<RawReply>(reading);
    expect(reply.body.approvals).toHaveLength(left);
    expect(reply.body.cursor).not.toBe(body.cursor);
    expect(ms).toBeLessThan(2_500);
  });

  test('with the cursor of now answers the same when the time is over, with any other at once', async () => {
    await ask(program, user);
    const { body } = await inbox();
    const same = await timed(inbox(`?wait=1&cursor=${body.cursor}`));
    expect(same.reply.body).toEqual(body);
    expect(same.ms).toBeGreaterThan(900);
    const other = await timed(inbox(`?wait=30&cursor=another`));
    expect(other.reply.body).toEqual(body);
    expect(other.ms).toBeLessThan(2_500);
  });
});

test('a long poll of an approval of ten seconds ends after ten seconds', async () => {
  const { reply, ms } = await tenSeconds;
  expect(reply.body.status).toBe('expired');
  expect(ms).toBeGreaterThan(9_000);
  expect(ms).toBeLessThan(13_000);
}, 20_000);

/** How many wait inside the program at this moment, as its metrics say. */
async function waiting(of: TestProgram): Promise<number> {
  const { text } = await of.call('GET', '/metrics');
  return Number(/^countersign_waiting (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

interface Seen {
  status: string;
}

/** Opens a stream and collects its events. */
async function openStream(id: string) {
  const { hostname, port } = new URL(program.url);
  const request = http.get({ hostname, port, path: `/v1/approvals/${id}/stream`, headers: asTenant(program) });
  request.on('error', () => {}); // we hang up ourselves
  const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
  const seen: Seen[] = [];
  let rest = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop()!;
    for (const part of parts) {
      const [, data] = /^event: approval\ndata: (.*)$/.exec(part) ?? [];
      if (data) seen.push(JSON.parse(data) as Seen);
    }
  });
  response.on('error', () => {});
  let taken = 0;
  return {
    response,
    seen,
    next: () => until(async () => seen.length > taken && seen[taken++], { what: 'another event' }),
    ended: new Promise<void>((resolve) => response.once('end', resolve)),
    leave: () => request.destroy(),
  };
}
