import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import type { Socket } from 'node:net';
import { putEvents } from '../support/events';
import { expectProblem } from '../support/expectProblem';
import { startApi } from '../support/http';
import { callerOf } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';

const EVENTS = 2_345; // more than two parts
const START = Date.parse('2026-03-01T00:00:00Z');
const timeOf = (position: number) => new Date(START + position * 60_000);
const userId = randomUUID();

let program: TestProgram;
/** Every event as GET /v1/events tells it. */
let told: { id: string }[];
beforeAll(async () => {
  program = await startApi();
  const events = Array.from({ length: EVENTS }, (_, i) => ({
    type: i % 3 === 0 ? 'code_sent' : 'user_created',
    at: timeOf(i),
    userId,
    ...(i % 3 === 0 && { data: { channel: 'sms', purpose: 'login, "first"' } }),
  }));
  await putEvents(program.pool, program.tenant.id, events);
  told = [];
  for (let cursor = '0', more = true; more;) {
    const { body } = await program.call('GET', `/v1/events?limit=100&cursor=${cursor}`);
    told.push(...(body.events as { id: string }[]));
    ({ cursor } = body);
    more = body.events.length > 0;
  }
}, 60_000);
afterAll(async () => program?.close());

const exported = async (query = '') => program.call('GET', `/v1/events/export${query}`);
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string });

/** Reads CSV as RFC 4180 has it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('NDJSON has every event once, in order, as the list tells it', async () => {
  const { status, headers, text } = await exported();
  expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
  expect(headers.get('content-disposition')).toBe('attachment; filename="events.ndjson"');
  expect(told).toHaveLength(EVENTS);
  expect(linesOf(text)).toEqual(told);
});

test('CSV has a row for each event, with the names of its columns above', async () => {
  const { headers, text } = await exported('?format=csv');
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const [names, ...rows] = parseCsv(text);
  expect(names).toEqual(['id', 'type', 'timestamp', 'userId', 'deviceId', 'approvalId', 'onboardingId', 'data']);
  expect(rows.map(([id]) => id)).toEqual(told.map(({ id }) => id));
  const time = timeOf(0).toISOString();
  const data = '{"channel":"sms","purpose":"login, \\"first\\""}';
  expect(rows[0]).toEqual([told[0]!.id, 'code_sent', time, userId, '', '', '', data]);
  expect(rows[1]!.slice(3)).toEqual([userId, '', '', '', '']);
});

test('a file that was cut off goes on after the last event that is there, without a second header', async () => {
  const { text } = await exported();
  const cut = text.slice(0, 200_000);
  const whole = cut.slice(0, cut.lastIndexOf('\n') + 1);
  const { id } = linesOf(whole).at(-1)!;
  const rest = await exported(`?after=${id}`);
  expect(whole + rest.text).toBe(text);

  const csv = (await exported('?format=csv')).text;
  const [first] = csv.split(id);
  const upTo = csv.slice(0, csv.indexOf('\r\n', first!.length) + 2);
  expect(upTo + (await exported(`?format=csv&after=${id}&header=absent`)).text).toBe(csv);
});

test('a number is a cursor as well, and behind the last event there is an empty file', async () => {
  expect(linesOf((await exported('?after=2340')).text)).toEqual(told.slice(2_340));
  const { status, text } = await exported(`?after=${EVENTS}`);
  expect([status, text]).toEqual([200, '']);
});

test('since and until bound it in time: the first is in, the last is not', async () => {
  const query = `?since=${timeOf(100).toISOString()}&until=${timeOf(1_500).toISOString()}`;
  expect(linesOf((await exported(query)).text)).toEqual(told.slice(100, 1_500));
  expect((await exported('?since=2030-01-01T00:00:00Z')).text).toBe('');
  expect((await exported('?until=2020-01-01T00:00:00Z')).text).toBe('');
});

test('the list of events has the same bounds', async () => {
  const query = `since=${timeOf(100).toISOString()}&until=${timeOf(103).toISOString()}`;
  expect((await program.call('GET', `/v1/events?${query}`)).body.events).toEqual(told.slice(100, 103));
});

test('another tenant gets nothing of it, and goes on after no event of ours', async () => {
  const { apiKey, id } = await program.addTenant('other');
  const theirs = callerOf(program.url, apiKey);
  expect((await theirs('GET', '/v1/events/export')).text).toBe('');
  expectProblem(await theirs('GET', `/v1/events/export?after=${told[5]!.id}`), 'invalid_request', { field: 'after' });
  expect((await theirs('GET', `/v1/events/export?after=evt_${id}_5`)).status).toBe(200);
});

test('callers who read nothing hold no connection to the database, and whoever goes on reading gets the whole', async () => {
  const { apiKey, id } = await program.addTenant('long');
  const total = 20_000; // several times of what the system holds for a socket
  for (let from = 0; from < total; from += 5_000) {
    const part = Array.from({ length: 5_000 }, (_, i) => ({ type: 'user_created', at: timeOf(from + i), userId }));
    await putEvents(program.pool, id, part);
  }
  const { hostname, port, host } = new URL(program.url);
  const request = `GET /v1/events/export HTTP/1.0\r\nhost: ${host}\r\nauthorization: Bearer ${apiKey}\r\n\r\n`;
  const begin = async (): Promise<Socket> => {
    const socket = net.connect(Number(port), hostname).pause();
    socket.write(request);
    await once(socket, 'readable'); // its first part is there
    return socket;
  };
  const callers = await Promise.all(Array.from({ length: 22 }, begin)); // more than there are connections

  const busy = `select from pg_stat_activity
                 where datname = current_database() and application_name = 'countersign' and state <> 'idle'
                   and pid <> pg_backend_pid()`;
  await until(async () => (await program.pool.query(busy)).rowCount === 0, { what: 'an idle database' });
  expect((await program.call('GET', '/v1/events?limit=1')).status).toBe(200);

  const [patient, ...others] = callers as [Socket, ...Socket[]];
  for (const socket of others) socket.destroy();
  const chunks: Buffer[] = [];
  for await (const chunk of patient as AsyncIterable<Buffer>) chunks.push(chunk);
  const [, body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  expect(linesOf(body)).toHaveLength(total);
}, 60_000);

test.each(['after=-1', 'after=x', 'format=xml', 'since=yesterday', 'header=1', 'limit=1', 'after=9999999999999999'])(
  '%s is refused before anything is sent',
  async (query) => expectProblem(await exported(`?${query}`), 'invalid_request'),
);
