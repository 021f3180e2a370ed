import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { expectProblem } from '../support/expectProblem';
import { callerOf, startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';

// Without Temporal: nothing is sent here, only asked for.
let program: TestProgram;
let strict: TestProgram;
let other: TestProgram['call'];
beforeAll(async () => {
  program = await startTestProgram({ temporalAddress: '127.0.0.1:1' });
  strict = await startTestProgram({ temporalAddress: '127.0.0.1:1', env: { COUNTERSIGN_SIMULATOR: '0' } });
  other = callerOf(program.url, (await program.addTenant('other')).apiKey);
}, 60_000);
afterAll(async () => {
  await strict?.close();
  await program?.close();
});
afterEach(async () => {
  await program.pool.query('update webhook_endpoints set removed_at = now() where removed_at is null');
});

const URL = 'http://127.0.0.1:9/hook';
const create = async (more: object = {}, headers: Record<string, string> = {}) =>
  program.call('POST', '/v1/webhooks', { url: URL, ...more }, headers);
const made = async (more: object = {}) => (await create(more)).body as { id: string; secret: string };
const dueRows = async (id: string) => {
  const { rows } = await program.pool.query<{ state: string; type: string }>(
    `select d.state, e.type from deliveries d join events e on e.tenant_id = d.tenant_id and e.number = d.event_number
      where d.endpoint_id = $1 order by e.number`,
    [id],
  );
  return rows;
};

describe('creating', () => {
  test.each([
    ['http://hooks.example/', 'scheme'],
    ['ftp://hooks.example/', 'scheme'],
    ['https://127.0.0.1/', 'private_address'],
    ['https://[::ffff:10.0.0.1]/', 'private_address'],
    ['https://2130706433/', 'private_address'],
    ['https://localhost/', 'private_address'],
    ['https://user:pass@hooks.example/', 'credentials'],
    ['https://hooks.example:25/', 'port'],
    ['nonsense', 'syntax'],
  ])('%s is refused: %s; so is a change to it', async (url, reason) => {
    const refused = await strict.call('POST', '/v1/webhooks', { url });
    expectProblem(refused, 'callback_url_refused', { field: 'url' });
    expect(refused.body.reason).toBe(reason);
    const { id } = (await strict.call('POST', '/v1/webhooks', { url: 'https://hooks.example/' })).body;
    expectProblem(await strict.call('PUT', `/v1/webhooks/${id}`, { url }), 'callback_url_refused', { field: 'url' });
    await strict.call('DELETE', `/v1/webhooks/${id}`);
  });

  test.each([
    [{ url: `https://hooks.example/${'x'.repeat(2_048)}` }],
    [{ eventTypes: [] }],
    [{ eventTypes: ['nothing_of_ours'] }],
    [{ eventTypes: 'user_created' }],
    [{ description: 'x'.repeat(201) }],
    [{ description: 'a\u0000b' }],
    [{ secret: 'whsec_mine' }],
    [{ url: 7 }],
  ])('%j is refused', async (more) => {
    expectProblem(await create(more), 'invalid_request');
  });

  test('shows the secret once', async () => {
    const { body, status } = await create({ description: 'Shop', eventTypes: ['user_created'] });
    expect(status).toBe(201);
    const { secret, ...view } = body;
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect((await program.call('GET', `/v1/webhooks/${view.id}`)).body).toEqual(view);
    expect((await program.call('GET', '/v1/webhooks')).body).toEqual({ webhooks: [view] });
    expect(view).toMatchObject({ url: URL, description: 'Shop', eventTypes: ['user_created'], state: 'enabled' });
  });

  test('of thirty at once, twenty are made; one removed makes room for one', async () => {
    const replies = await Promise.all(Array.from({ length: 30 }, () => create()));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(20);
    for (const refused of replies.filter(({ status }) => status !== 201)) expectProblem(refused, 'too_many_webhooks');
    const { webhooks } = (await program.call('GET', '/v1/webhooks')).body;
    expect(webhooks).toHaveLength(20);
    expect((await other('POST', '/v1/webhooks', { url: URL })).status).toBe(201);
    await program.call('DELETE', `/v1/webhooks/${webhooks[0].id}`);
    expect((await create()).status).toBe(201);
    expectProblem(await create(), 'too_many_webhooks');
  });

  test('with one Idempotency-Key, also at the same time, makes one; with another body it is refused', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const replies = await Promise.all(Array.from({ length: 8 }, () => create({}, key)));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(replies[0]!.body.secret).toMatch(/^whsec_/);
    expect((await program.call('GET', '/v1/webhooks')).body.webhooks).toHaveLength(1);
    expectProblem(await create({ description: 'another' }, key), 'idempotency_key_reused');
  });
});

describe('changing', () => {
  test('changes what is given and nothing else', async () => {
    const { id, secret: _, ...before } = (await create({ description: 'a', eventTypes: ['user_created'] })).body;
    const put = async (body: object) => (await program.call('PUT', `/v1/webhooks/${id}`, body)).body;
    expect(await put({})).toEqual({ id, ...before });
    expect(await put({ description: '' })).toEqual({ id, ...before, description: '' });
    expect(await put({ eventTypes: null })).toMatchObject({ eventTypes: null, url: URL });
    expect(await put({ url: `${URL}/2` })).toMatchObject({ url: `${URL}/2`, state: 'enabled' });
    expect(await put({ state: 'disabled' })).toMatchObject({ state: 'disabled', disabledReason: 'by_request' });
    expect(await put({ state: 'enabled' })).toMatchObject({ state: 'enabled', disabledReason: null });
    expectProblem(await program.call('PUT', `/v1/webhooks/${id}`, { state: 'removed' }), 'invalid_request');
  });

  test('a rotation whose reply was lost is repeated with its key, and rotates once', async () => {
    const { id, secret } = await made();
    const key = { 'idempotency-key': randomUUID() };
    const rotate = (headers = {}) => program.call('POST', `/v1/webhooks/${id}/rotate`, {}, headers);
    const first = await rotate(key);
    expect((await rotate(key)).body).toEqual(first.body);
    const next = await rotate();
    expect(new Set([secret, first.body.secret, next.body.secret]).size).toBe(3);
    expectProblem(await program.call('POST', `/v1/webhooks/${id}/rotate`, { overlapSeconds: -1 }), 'invalid_request');
  });

  test('what is removed is not there any more', async () => {
    const { id } = await made();
    expect((await program.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    for (const reply of await everyCall(program.call, id)) expectProblem(reply, 'webhook_not_found');
    expect((await program.call('GET', '/v1/webhooks')).body).toEqual({ webhooks: [] });
  });
});

describe('telling again', () => {
  test('a ping is due to this endpoint only, however its id is spelled', async () => {
    const [one, two] = [await made({ eventTypes: ['user_removed'] }), await made()];
    expect((await program.call('POST', `/v1/webhooks/${one.id.toUpperCase()}/ping`)).status).toBe(204);
    expect(await dueRows(one.id)).toEqual([{ state: 'due', type: 'webhook_pinged' }]);
    expect(await dueRows(two.id)).toEqual([]);
  });

  test('one, or all since a time, of this endpoint only; nothing while it is disabled', async () => {
    const { id } = await made({ eventTypes: ['user_created'] });
    const since = new Date().toISOString();
    for (let i = 0; i < 3; i++) await program.call('POST', '/v1/users', { externalId: randomUUID() });
    const again = (body: object, call = program.call) => call('POST', `/v1/webhooks/${id}/redeliver`, body);
    expect((await again({ since })).body).toEqual({ deliveries: 3 });
    expect((await again({ since: '2999-01-01T00:00:00Z' })).body).toEqual({ deliveries: 0 });
    const { deliveries } = (await program.call('GET', `/v1/webhooks/${id}/deliveries`)).body;
    await program.pool.query(`update deliveries set state = 'dead', due_at = null where endpoint_id = $1`, [id]);
    expect((await again({ deliveryId: deliveries[1].id })).body).toEqual({ deliveries: 1 });
    expect((await dueRows(id)).map(({ state }) => state)).toEqual(['dead', 'due', 'dead']);
    expectProblem(await again({ deliveryId: `${id}_0` }), 'delivery_not_found');
    const mine = await made();
    expectProblem(
      await program.call('POST', `/v1/webhooks/${mine.id}/redeliver`, { deliveryId: deliveries[0].id }),
      'delivery_not_found',
    );
    for (const body of [{}, { since: 'yesterday' }, { deliveryId: 'a\u0000' }, { since, deliveryId: `${id}_0` }]) {
      expectProblem(await again(body), 'invalid_request');
    }
    await program.call('PUT', `/v1/webhooks/${id}`, { state: 'disabled' });
    expectProblem(await again({ since }), 'webhook_disabled');
    expectProblem(await program.call('POST', `/v1/webhooks/${id}/ping`), 'webhook_disabled');
  });

  test('enabling says to the drain that something is due', async () => {
    const { id } = await made();
    const listener = await program.pool.connect();
    const heard: string[] = [];
    listener.on('notification', ({ payload = '' }) => void heard.push(payload));
    await listener.query('listen countersign');
    await program.call('PUT', `/v1/webhooks/${id}`, { state: 'disabled' });
    await program.call('PUT', `/v1/webhooks/${id}`, { description: 'still disabled' });
    await listener.query('select');
    expect(heard).toEqual([]);
    await program.call('PUT', `/v1/webhooks/${id}`, { state: 'enabled' });
    await listener.query('select');
    listener.release(true);
    expect(heard).toEqual([`delivery:${program.tenant.id}/${id}`]);
  });
});

test('the log is read page by page, newest first, each entry once', async () => {
  const { id } = await made({ eventTypes: ['user_created'] });
  for (let i = 0; i < 7; i++) await program.call('POST', '/v1/users', { externalId: randomUUID() });
  const numbers: number[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { body } = await program.call('GET', `/v1/webhooks/${id}/deliveries?limit=3${query}`);
    const page = body.deliveries as { eventId: string }[];
    numbers.push(...page.map(({ eventId }) => Number(eventId.split('_').at(-1))));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(numbers).toHaveLength(7);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => b - a));
  for (const wrong of ['cursor=9999999999999999999999', 'cursor=x', 'cursor=-1', 'limit=101', 'limit=0']) {
    expectProblem(await program.call('GET', `/v1/webhooks/${id}/deliveries?${wrong}`), 'invalid_request');
  }
});

describe('events', () => {
  test('are found by type, time and subject', async () => {
    const user = (await program.call('POST', '/v1/users', { externalId: randomUUID() })).body;
    await program.call('POST', `/v1/users/${user.id}/registration-tokens`);
    const types = async (query: string) =>
      ((await program.call('GET', `/v1/events?${query}`)).body.events as { type: string }[]).map(({ type }) => type);
    expect(await types(`userId=${user.id}`)).toEqual(['user_created', 'registration_token_created']);
    expect(await types(`userId=${String(user.id).toUpperCase()}&type=user_created`)).toEqual(['user_created']);
    expect(await types(`userId=${user.id}&limit=1`)).toEqual(['user_created']);
    expect(await types(`userId=${randomUUID()}`)).toEqual([]);
    const { events } = (await program.call('GET', `/v1/events?userId=${user.id}`)).body as {
      events: [{ timestamp: string }, { timestamp: string; type: string }];
    };
    const [{ timestamp: first }, { timestamp: second }] = events;
    const at = (name: string, instant: string) => `userId=${user.id}&${name}=${encodeURIComponent(instant)}`;
    expect(await types(at('since', second))).toEqual(first === second ? expect.anything() : [events[1].type]);
    expect(await types(at('until', first))).toEqual([]);
  });

  test('end with a cursor that goes on with what happens later, also after an empty page', async () => {
    let cursor = '0';
    let page: { events: object[]; cursor: string };
    do {
      page = (await program.call('GET', `/v1/events?limit=100&cursor=${cursor}`)).body;
      cursor = page.cursor;
    } while (page.events.length > 0);
    const user = (await program.call('POST', '/v1/users', { externalId: randomUUID() })).body;
    const { events } = (await program.call('GET', `/v1/events?cursor=${cursor}`)).body;
    expect(events).toMatchObject([{ type: 'user_created', data: { userId: user.id } }]);
  });

  test.each(['cursor=x', 'cursor=1e9', `cursor=${'9'.repeat(16)}`, 'type=unknown', 'since=x', 'userId=x', 'more=1'])(
    '?%s is refused',
    async (query) => {
      expectProblem(await program.call('GET', `/v1/events?${query}`), 'invalid_request');
    },
  );
});

async function everyCall(call: TestProgram['call'], id: string) {
  const path = `/v1/webhooks/${id}`;
  return [
    await call('GET', path),
    await call('PUT', path, { description: 'x' }),
    await call('POST', `${path}/rotate`, {}),
    await call('POST', `${path}/ping`),
    await call('GET', `${path}/deliveries`),
    await call('POST', `${path}/redeliver`, { since: new Date().toISOString() }),
    await call('POST', `${path}/redeliver`, { deliveryId: `${id}_1` }),
    await call('DELETE', path),
  ];
}

test('what is of another tenant answers the same bytes as what is not there, and stays as it is', async () => {
  const { id } = await made();
  const before = (await program.call('GET', `/v1/webhooks/${id}`)).text;
  const bytes = ({ status, text }: { status: number; text: string }) =>
    `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`;
  const foreign = (await everyCall(other, id)).map(bytes);
  const unknown = (await everyCall(other, randomUUID())).map(bytes);
  expect(foreign).toEqual(unknown);
  expect(foreign.every((reply) => reply.startsWith('404 '))).toBe(true);
  expect((await program.call('GET', `/v1/webhooks/${id}`)).text).toBe(before);
  expect(await dueRows(id)).toEqual([]);
});
