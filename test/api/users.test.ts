import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createLogger } from '../../platform/telemetry/logger';
import { startProgram } from '../../program';
import { expectProblem } from '../support/expectProblem';
import { asTenant, countRows, send, startApi } from '../support/http';
import { addUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { ask, callAs } from '../support/signing';

let program: TestProgram;
beforeAll(async () => void (program = await startApi()), 60_000);
afterAll(() => program?.close());

const add = (user: object, headers = {}) => program.call('POST', '/v1/users', user, headers);
let lastNumber = 0;
/** A phone number that nobody has yet. */
const newPhone = () => `+4179${String(1_000_000 + ++lastNumber)}`;
const rowsOf = async (externalId: string) =>
  (await program.pool.query('select id from users where external_id = $1', [externalId])).rowCount;

describe('who a user is', () => {
  test('everything that was given comes back, also later', async () => {
    const phone = newPhone();
    const added = await add({ externalId: 'anna', phone, email: 'anna@example.com' });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({ externalId: 'anna', phone, email: 'anna@example.com' });
    expect(added.body.authyId).toBeLessThan(2 ** 31);
    expect((await program.call('GET', `/v1/users/${added.body.id}`)).body).toEqual(added.body);
  });

  test('a known externalId answers the user it has', async () => {
    const first = await add({ externalId: 'bea', phone: newPhone() });
    expect((await add({ externalId: 'bea' })).body).toEqual(first.body);
    expect((await add({ externalId: 'bea', phone: first.body.phone })).body).toEqual(first.body);
  });

  test('a known externalId with another phone is refused: phone_differs', async () => {
    await add({ externalId: 'carl', phone: newPhone() });
    const before = await countRows(program);
    expectProblem(await add({ externalId: 'carl', phone: newPhone() }), 'phone_differs', { field: 'phone' });
    await add({ externalId: 'carla' });
    expectProblem(await add({ externalId: 'carla', phone: newPhone() }), 'phone_differs', { field: 'phone' });
    expect((await countRows(program))['users']).toBe(before['users']! + 1);
  });

  test("another user's phone is refused: phone_in_use", async () => {
    const phone = newPhone();
    await add({ externalId: 'dora', phone });
    const before = await countRows(program);
    expectProblem(await add({ externalId: 'dorian', phone }), 'phone_in_use', { field: 'phone' });
    expectProblem(await add({ phone }), 'phone_in_use', { field: 'phone' });
    expect(await countRows(program)).toEqual(before);
  });

  test('without an externalId the phone says who it is, however it is written', async () => {
    const first = await add({ phone: '+41 44 668 18 00' });
    expect(first.body.phone).toBe('+41446681800');
    const again = await add({ phone: ' +41446681800 ' });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
  });

  test('two tenants know the same person without each other', async () => {
    const other = await program.addTenant('who knows the same');
    const phone = newPhone();
    const ours = await add({ externalId: 'emil', phone });
    const theirs = await add({ externalId: 'emil', phone }, { authorization: `Bearer ${other.apiKey}` });
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(ours.body.id);
  });

  test.each([
    ['no country', '044 668 18 00'],
    ['two zeros for the plus', '0041446681800'],
    ['too short for its country', '+414466'],
    ['too long', '+4144668180012345'],
    ['a country that there is not', '+999123456789'],
    ['words', 'call me maybe'],
    ['words after it', '+41446681800 or so'],
    ['an extension', '+41446681800 ext. 5'],
    ['two numbers', '+41446681800 +41446681801'],
    ['only zeros', '+00000000000'],
  ])('a phone with %s is refused: %s', async (_what, phone) => {
    const before = await countRows(program);
    expectProblem(await add({ externalId: randomUUID(), phone }), 'phone_invalid', { field: 'phone' });
    expectProblem(await program.call('GET', `/v1/users?phone=${encodeURIComponent(phone)}`), 'phone_invalid');
    expect(await countRows(program)).toEqual(before);
  });

  test('a phone whose owner is paid for what is sent to it is refused', async () => {
    expectProblem(await add({ externalId: randomUUID(), phone: '+41900123456' }), 'phone_invalid', { field: 'phone' });
  });
});

describe('twenty creations at once', () => {
  const twenty = (user: object) => Promise.all(Array.from({ length: 20 }, () => add(user)));

  test.each([
    ['of one externalId', () => ({ externalId: randomUUID() })],
    ['of one externalId with its phone', () => ({ externalId: randomUUID(), phone: newPhone() })],
    ['of one phone', () => ({ phone: newPhone() })],
  ])('%s make one user, and tell everybody of it', async (_what, user) => {
    const before = await countRows(program);
    const replies = await twenty(user());
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]!.status).toBe(201);
    const after = await countRows(program);
    expect(after['users']).toBe(before['users']! + 1);
    expect(after['events']).toBe(before['events']! + 1);
  });

  test('of one phone under as many externalIds make one user; the others hear phone_in_use', async () => {
    const phone = newPhone();
    const replies = await Promise.all(Array.from({ length: 20 }, () => add({ externalId: randomUUID(), phone })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 201)) expectProblem(reply, 'phone_in_use');
  });
});

describe('the list of users', () => {
  test('has everybody once, newest first, page by page', async () => {
    const tenant = await program.addTenant('with many users');
    const headers = { authorization: `Bearer ${tenant.apiKey}` };
    // All at once, so that several have the same millisecond.
    const added = await Promise.all(
      Array.from({ length: 23 }, (_, i) => add({ externalId: `user-${i}` }, headers).then(({ body }) => body)),
    );
    const seen: { id: string; createdAt: string }[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const page = await program.call('GET', `/v1/users?limit=5${query}`, undefined, headers);
      expect(page.body.users.length).toBeLessThanOrEqual(5);
      seen.push(...page.body.users);
      cursor = page.body.nextCursor as string | null;
    } while (cursor !== null);
    expect(seen.map(({ id }) => id).sort()).toEqual(added.map(({ id }) => id as string).sort());
    const times = seen.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('finds one by externalId, by phone, and by both only where both fit', async () => {
    const phone = newPhone();
    const { body: user } = await add({ externalId: 'fritz & co', phone });
    const find = async (query: Record<string, string>) =>
      (await program.call('GET', `/v1/users?${new URLSearchParams(query).toString()}`)).body.users;
    expect(await find({ externalId: 'fritz & co' })).toEqual([user]);
    expect(await find({ phone })).toEqual([user]);
    expect(await find({ externalId: 'fritz & co', phone })).toEqual([user]);
    expect(await find({ externalId: 'fritz & co', phone: newPhone() })).toEqual([]);
    expect(await find({ externalId: 'fritz' })).toEqual([]);
  });
});

describe('a removed user', () => {
  test('is no longer there, nor are the devices, and open approvals are cancelled', async () => {
    const user = await addUser(program, { devices: 2 });
    const open = await ask(program, user);
    const answered = await ask(program, user);
    await user.phone.answer(answered, 'approved');

    expect((await program.call('DELETE', `/v1/users/${user.id}`)).status).toBe(204);
    expectProblem(await program.call('GET', `/v1/users/${user.id}`), 'user_not_found');
    expectProblem(await program.call('GET', `/v1/users/${user.id}/devices`), 'user_not_found');
    expectProblem(await program.call('POST', `/v1/users/${user.id}/registration-tokens`), 'user_not_found');
    expectProblem(await program.call('DELETE', `/v1/users/${user.id}`), 'user_not_found');
    expectProblem(await program.call('POST', '/v1/approvals', { userId: user.id, title: 'x' }), 'user_not_found');
    for (const phone of user.devices) {
      expectProblem(await callAs(program, phone, { path: '/v1/device/approvals' }), 'device_unauthorized');
    }
    expect((await program.call('GET', `/v1/approvals/${open.id}`)).body.status).toBe('cancelled');
    expect((await program.call('GET', `/v1/approvals/${answered.id}`)).body.status).toBe('approved');
  });

  test('leaves externalId and phone free, and nothing of phone and e-mail behind', async () => {
    const person = { externalId: 'gone', phone: newPhone(), email: 'gone@example.com' };
    const first = await add(person);
    await program.call('DELETE', `/v1/users/${first.body.id}`);
    const { rows } = await program.pool.query('select phone, phone_index, email from users where id = $1', [
      first.body.id,
    ]);
    expect(rows).toEqual([{ phone: null, phone_index: null, email: null }]);
    const second = await add(person);
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
    expect(await rowsOf('gone')).toBe(2);
  });

  test('is removed once, also by twenty at once', async () => {
    const user = await addUser(program);
    await ask(program, user);
    const before = await countRows(program);
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        send(program, { method: 'DELETE', path: `/v1/users/${user.id}`, headers: asTenant(program) }),
      ),
    );
    expect(replies.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 204)) expectProblem(reply, 'user_not_found');
    // device_removed, user_removed, approval_cancelled
    expect((await countRows(program))['events']).toBe(before['events']! + 3);
  });
});

test('after a change of the master key a phone is still one phone', async () => {
  const phone = newPhone();
  const old = await add({ externalId: 'from before', phone });
  const [first] = program.config.masterKeys;
  const masterKeys = [{ ...first!, id: 'k2', key: Buffer.alloc(32, 7) }, first!];
  const rotated = await startProgram({ ...program.config, masterKeys }, createLogger({ level: 'silent' }));
  try {
    const later = { ...program, url: rotated.url };
    const post = (body: object) =>
      send(later, { method: 'POST', path: '/v1/users', headers: asTenant(program), body: JSON.stringify(body) });
    expectProblem(await post({ externalId: 'from after', phone }), 'phone_in_use', { field: 'phone' });
    expect((await post({ externalId: 'from before', phone })).body).toEqual(old.body);
  } finally {
    await rotated.close();
  }
});
