import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { RawReply } from '../support/http';
import { message, startOneTouch, uuidOf } from '../support/oneTouch';
import type { OneTouchApp } from '../support/oneTouch';

/** How often one person may be asked, by a client that may be a stranger with a key. */
const MOST = 3;

let app: OneTouchApp;
let person: Awaited<ReturnType<OneTouchApp['addPerson']>>;
beforeAll(async () => {
  app = await startOneTouch();
  await app.limit(MOST);
}, 60_000);
beforeEach(async () => void (person = await app.addPerson()));
afterAll(() => app?.close());

const ask = (text = message(), more: object = {}) => app.create({ json: { message: text, ...more } }, person.authyId);
const askUntilFull = () => Promise.all(Array.from({ length: MOST }, () => ask()));
const accepted = (replies: readonly RawReply[]) => replies.filter(({ status }) => status === 200);

function expectFull({ status, headers, body }: RawReply, leastSeconds: number, mostSeconds: number): void {
  expect([status, body]).toEqual([
    429,
    {
      approval_request: { uuid: null },
      message: 'Too many requests; wait and try again',
      success: false,
      errors: { message: 'Too many requests; wait and try again' },
      error_code: '60003',
    },
  ]);
  expect(Number(headers['retry-after'])).toBeGreaterThan(leastSeconds);
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(mostSeconds);
}

test('so many go to a person of any number at once; the others learn when fewer are open', async () => {
  const replies = await Promise.all(Array.from({ length: 12 }, () => ask()));
  expect(accepted(replies)).toHaveLength(MOST);
  for (const refused of replies.filter(({ status }) => status !== 200)) expectFull(refused, 86_000, 86_400);
  expect(await app.inbox(person.user)).toHaveLength(MOST);
  expect((await app.create({ json: { message: message() } })).status).toBe(200); // another person
});

test('a retry is not counted, not even where no more may be asked', async () => {
  const text = message();
  const [first, ...others] = await Promise.all(Array.from({ length: 2 * MOST }, () => ask(text)));
  for (const other of others) expect(uuidOf(other)).toBe(uuidOf(first!));
  expect(accepted([await ask(), await ask()])).toHaveLength(MOST - 1);
  expect((await ask(text)).status).toBe(200);
  expectFull(await ask(), 86_000, 86_400);
});

test('who approves can be asked again; who denies cannot, for an hour', async () => {
  await askUntilFull();
  const [approved, denied] = await app.inbox(person.user);
  await person.user.phone.answer(approved!, 'approved');
  expect((await ask()).status).toBe(200);
  await person.user.phone.answer(denied!, 'denied');
  expectFull(await ask(), 3_500, 3_600);
});

test('questions that end at once count for an hour all the same', async () => {
  const asked = await Promise.all(Array.from({ length: MOST }, () => ask(message(), { seconds_to_expire: 10 })));
  const age = (by: string) =>
    app.pool.query(
      'update approvals set created_at = created_at - $2::interval, expires_at = expires_at - $2::interval where id = any($1)',
      [asked.map(uuidOf), by],
    );
  await age('50 minutes');
  for (const reply of asked) expect((await app.read(uuidOf(reply))).body.approval_request.status).toBe('expired');
  expectFull(await ask(), 500, 600);
  await age('10 minutes');
  expect((await ask()).status).toBe(200);
});
