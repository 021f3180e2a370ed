import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { importFile } from '../../cli/importFile';
import { authyCallerOf } from '../support/authy';
import type { AuthyCaller } from '../support/authy';
import { countRows, startApi } from '../support/http';
import { callerOf } from '../support/program';
import type { TestProgram, TestTenant } from '../support/program';
import { until } from '../support/until';
import { runCommand, startCommand } from './run';

jest.setTimeout(180_000);

const folder = mkdtempSync(path.join(os.tmpdir(), 'countersign-import-'));
let program: TestProgram;
let bank: TestTenant;
let authy: AuthyCaller;
let call: TestProgram['call'];
beforeAll(async () => {
  program = await startApi();
  bank = await program.addTenant('Bank');
  await program.addTenant('Shop');
  authy = authyCallerOf(program, bank.authyApiKey);
  call = callerOf(program.url, bank.apiKey);
}, 60_000);
afterAll(async () => {
  await program?.close();
  rmSync(folder, { recursive: true });
});

const env = () => ({
  DATABASE_URL: program.config.databaseUrl,
  COUNTERSIGN_MASTER_KEYS: program.config.masterKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
});

let files = 0;
async function fileOf(content: string | Buffer): Promise<string> {
  const file = path.join(folder, `users-${++files}.csv`);
  await writeFile(file, content);
  return file;
}

const argumentsOf = (file: string, tenant: string, more: readonly string[]) => [
  'import-authy',
  file,
  '--tenant',
  tenant,
  ...more,
];

/** Imports a file; answers the exit code and what was said. */
async function importing(content: string | Buffer, more: readonly string[] = [], tenant = 'Bank') {
  const { code, stdout, stderr } = await runCommand(env(), argumentsOf(await fileOf(content), tenant, more));
  return { code, lines: stdout.trimEnd().split('\n'), stderr };
}

const refusalsOf = (lines: readonly string[]) =>
  lines.flatMap((line) => {
    const [, at, code] = /^line (\d+): (\w+): /.exec(line) ?? [];
    return code === undefined ? [] : [[Number(at), code]];
  });

const statusOf = async (id: number) => (await authy('GET', `/protected/json/users/${id}/status`)).body.status;
const created = async (tenant: TestTenant = bank) => {
  const { rows } = await program.pool.query<{ users: number; ids: number }>(
    `select count(*)::int as users, count(distinct user_id)::int as ids from events
      where tenant_id = $1 and type = 'user_created'`,
    [tenant.id],
  );
  expect(rows[0]!.ids).toBe(rows[0]!.users); // never two of one person
  return rows[0]!.users;
};
const manyUsers = (count: number, firstId: number, firstPhone: number) =>
  [
    'authy_id,country_code,phone,email',
    ...Array.from({ length: count }, (_, n) => `${firstId + n},1,${firstPhone + n},u${n}@example.com`),
    '',
  ].join('\n');

test('users keep their Authy ids, whatever the columns are called; the same file again changes nothing', async () => {
  const file = [
    '\uFEFFE-Mail;Authy ID;Notes;"country\r\ncode";CELLPHONE;External-Id;Confirmed',
    'a@example.com;217244768;"a; note\r\nof two lines";41;079 123 45 67;ours-1;TRUE',
    '',
    ';2147483647;;+1;(415) 555-2671;;',
    "b@example.com;1;;44;'+44 7911 123456;'=ours;no;",
    ';5;;;;only-ours;f',
    '',
  ].join('\r\n');
  const before = await created();
  expect(await importing(file)).toMatchObject({
    code: 0,
    lines: [expect.stringMatching(/^Bank: 4 added, 0 already there, 0 refused, [\d.]+ s$/)],
    stderr: expect.stringContaining('Columns that are not used: Notes\n'),
  });
  expect(await statusOf(217244768)).toMatchObject({
    ...{ authy_id: 217244768, confirmed: true, country_code: 41, phone_number: 'XXX-XXX-4567', email: 'a@example.com' },
  });
  expect(await statusOf(2147483647)).toMatchObject({ confirmed: false, country_code: 1, email: null });
  const own = await call('GET', `/v1/users?externalId=${encodeURIComponent('=ours')}`);
  expect(own.body.users).toMatchObject([{ authyId: 1, phone: '+447911123456', email: 'b@example.com' }]);
  const registered = await authy('POST', '/protected/json/users/new', {
    form: { 'user[email]': 'x@example.com', 'user[cellphone]': '791234567', 'user[country_code]': '41' },
  });
  expect(registered.body.user).toEqual({ id: 217244768 });
  expect(await created()).toBe(before + 4);

  const rows = await countRows(program);
  const again = await importing(file);
  expect(again).toMatchObject({ code: 0, lines: [expect.stringContaining('0 added, 4 already there, 0 refused')] });
  expect(await countRows(program)).toEqual(rows);
});

test('each refused line says its number and why, and keeps no other one back', async () => {
  await importing('authy_id,phone,external_id\n50001,+14155550100,theirs\n', [], 'Shop');
  await importing('authy_id,phone,external_id\n60001,+14155550101,mine\n60002,+14155550102,\n60009,+14155550109,\n');
  const { body: removed } = await call('GET', `/v1/users?phone=${encodeURIComponent('+14155550109')}`);
  await call('DELETE', `/v1/users/${removed.users[0].id}`);
  const rows: [line: string, code: string | undefined][] = [
    ['61001,1,4155550110,,,', undefined],
    ['0,1,4155550111,,,', 'authy_id_invalid'],
    ['2147483648,1,4155550111,,,', 'authy_id_invalid'],
    ['12.5,1,4155550111,,,', 'authy_id_invalid'],
    [',1,4155550111,,,', 'authy_id_invalid'],
    ['61002,,,a@example.com,,', 'phone_missing'],
    ['61002,999,4155550111,,,', 'country_code_invalid'],
    ['61002,,4155550111,,,', 'phone_invalid'],
    ['61002,1,415555,,,', 'phone_invalid'],
    ['61002,41,+14155550111,,,', 'phone_invalid'],
    ['61002,1,4155550111,a@localhost,,', 'email_invalid'],
    ['61002,1,4155550111,,,perhaps', 'confirmed_invalid'],
    [`61002,1,4155550111,,${'x'.repeat(129)},`, 'external_id_invalid'],
    ['61002,1,4155550111', 'columns_differ'],
    ['61002,1,4155550111,,,,more', 'columns_differ'],
    ['61002,1,"4155550111"x,,,', 'line_unreadable'],
    ['61002,1,"4155550111,,,', 'line_unreadable'],
    ['61002,1,4155550111,\xff@example.com,,', 'not_utf8'],
    ['50001,1,4155550111,,,', 'authy_id_in_use'],
    ['60009,1,4155550109,,,', 'user_removed'],
    ['60001,1,4155550111,,,', 'phone_differs'],
    ['60001,1,4155550101,,other,', 'external_id_differs'],
    ['61002,1,4155550101,,,', 'phone_in_use'],
    ['61002,1,4155550110,,,', 'phone_in_use'], // by the first line of this file
    ['61002,1,4155550111,,mine,', 'external_id_in_use'],
    ['61003,1,4155550112,,,', undefined],
    ['61003,1,4155550112,,,', undefined], // twice in one file is once
    // Of another tenant, which is nobody's business here:
    ['61004,1,4155550100,,theirs,', undefined],
  ];
  const header = 'authy_id,country_code,phone,email,external_id,confirmed';
  const content = Buffer.from([header, ...rows.map(([line]) => line)].join('\n'), 'latin1');
  const expected = rows.flatMap(([, code], index) => (code === undefined ? [] : [[index + 2, code]]));

  const before = await countRows(program);
  const rehearsed = await importing(content, ['--dry-run']);
  expect(refusalsOf(rehearsed.lines)).toEqual(expected);
  expect(rehearsed.lines.at(-1)).toContain('3 would be added, 1 already there, 24 refused');
  expect(await countRows(program)).toEqual(before);

  const refused = path.join(folder, 'refused.csv');
  const done = await importing(content, ['--refused', refused]);
  expect(done).toMatchObject({ code: 1 });
  expect(refusalsOf(done.lines)).toEqual(expected.slice(0, 20));
  expect(done.lines.slice(-2)).toEqual([
    `… and 4 more: ${refused}`,
    expect.stringContaining('3 added, 1 already there, 24 refused'),
  ]);
  expect(await countRows(program)).toMatchObject({ users: before['users']! + 3, events: before['events']! + 3 });

  // Mended and imported again; what would be a formula had an apostrophe before it.
  const written = await readFile(refused, 'utf8');
  expect(written.split('\r\n').slice(0, 2)).toEqual([
    `refused_line,refused_code,refused_reason,${header}`,
    '3,authy_id_invalid,the Authy id is not a whole number from 1 to 2147483647,0,1,4155550111,,,',
  ]);
  expect(written).toContain("61002,41,'+14155550111");
  const mended = written.split('\r\n').filter((line) => !line || /^refused|\+14155550111/.test(line)).join('\r\n').replace(',41,', ',1,'); // prettier-ignore
  expect(await importing(mended)).toMatchObject({ code: 0, stderr: '', lines: [expect.stringContaining('1 added')] });
  expect(await statusOf(61002)).toMatchObject({ phone_number: 'XXX-XXX-0111' });
});

test.each([
  ['nothing', '', 'The file is empty.'],
  ['no ids', 'phone,email\n', 'no column authy_id'],
  ['neither phones nor external ids', 'authy_id,email\n', 'no column phone, nor external_id'],
  ['one column twice', 'authy_id,Authy ID,phone\n', 'two columns say the same: authy_id, Authy ID'],
  ['an open quote in its header', '"authy_id,phone\n1,2\n', 'quotes of its first line'],
  ['UTF-16', Buffer.from('\xff\xfea', 'latin1'), 'Save it as CSV in UTF-8.'],
  ['a line without end', 'x'.repeat(1_100_000), 'a line of more than a million characters'],
])('a file of %s is not usable', async (_what, content, said) => {
  const nobody = { add: () => Promise.reject(new Error()), rehearse: () => Promise.reject(new Error()) };
  const ignored = { onHeader: () => {}, onRefused: () => {}, onProgress: () => {} };
  const options = { tenantId: bank.id, dryRun: false, tell: true, signal: new AbortController().signal, ...ignored };
  await expect(importFile(await fileOf(content), nobody, options)).rejects.toThrow(said);
});

test('what cannot be begun ends with 2, and changes nothing', async () => {
  const rows = await countRows(program);
  const itself = await fileOf('authy_id,phone\n');
  const said = await Promise.all([
    runCommand(env(), argumentsOf(path.join(folder, 'none.csv'), 'Bank', [])),
    runCommand(env(), ['import-authy', itself]),
    runCommand(env(), argumentsOf(itself, 'Bank', ['--refused', itself])),
    runCommand({ ...env(), DATABASE_URL: 'postgres://127.0.0.1:9/none' }, ['import-authy', itself]),
  ]);
  expect(said.map(({ code, stderr }) => [code, stderr.trim()])).toEqual([
    [2, 'The file cannot be read: ENOENT.'],
    [2, 'There are several tenants: say which one with --tenant; see: tenant list'],
    [2, '--refused is the file that is imported: give it another name.'],
    [2, 'The database is away.'],
  ]);
  expect(await readFile(itself, 'utf8')).toBe('authy_id,phone\n');
  expect(await countRows(program)).toEqual(rows);
});

test('killed in the middle, run again beside another one: everybody is in once, with one event', async () => {
  const before = await created();
  const COUNT = 4_000;
  const file = await fileOf(manyUsers(COUNT, 300_000_000, 6505550000));
  const arrived = async () => (await created()) - before;

  // It waits for somebody who is being added at this moment, as line 2,501 says.
  const holder = await program.pool.connect();
  await holder.query('begin');
  await holder.query(`insert into users (id, tenant_id, authy_id) values (gen_random_uuid(), $1, $2)`, [
    bank.id,
    300_002_500,
  ]);
  const first = startCommand(env(), argumentsOf(file, 'Bank', []));
  await until(async () => (await arrived()) === 2_000, { what: 'two batches', withinMs: 60_000 });
  first.child.kill('SIGKILL');
  expect((await first.ended).code).toBeNull();
  await holder.query('rollback');
  holder.release();

  const both = await Promise.all([1, 2].map(() => runCommand(env(), argumentsOf(file, 'Bank', []))));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const added = both.map(({ stdout }) => Number(/: (\d+) added, \d+ already there, 0 refused/.exec(stdout)?.[1]));
  expect(added[0]! + added[1]!).toBe(COUNT - 2_000);
  expect(await arrived()).toBe(COUNT);
});

test('Ctrl-C ends after the batch under way, and says how far it came', async () => {
  const file = await fileOf(manyUsers(2_500, 310_000_000, 7075550000));
  const before = await created();
  const holder = await program.pool.connect();
  await holder.query('begin');
  await holder.query(`select pg_advisory_xact_lock(hashtext('import'))`);
  const running = startCommand(env(), argumentsOf(file, 'Bank', []));
  await until(
    async () =>
      (await program.pool.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rowCount! > 0,
    { what: 'the import waiting', withinMs: 60_000 },
  );
  running.child.kill('SIGINT');
  await holder.query('rollback');
  holder.release();
  const { code, stdout, stderr } = await running.ended;
  expect([code, stderr.trim().split('\n').at(-1)]).toEqual([
    2,
    'Stopped after line 1001. What is in stays in; run it again for the rest.',
  ]);
  expect(stdout).toContain('1000 added');
  expect(await created()).toBe(before + 1_000);
});

test('webhooks are told of each user as of any other, or not where that is asked for', async () => {
  const endpoint = { url: 'http://127.0.0.1:9/hook', eventTypes: ['user_created'] };
  const { body: webhook } = await call('POST', '/v1/webhooks', endpoint);
  const due = async () =>
    (await program.pool.query(`select from deliveries where endpoint_id = $1`, [webhook.id])).rowCount;
  const before = await created();
  await importing('authy_id,phone\n70001,+14155550120\n70002,+14155550121\n');
  expect(await due()).toBe(2);
  await importing('authy_id,phone\n70003,+14155550122\n', ['--no-webhooks']);
  expect(await due()).toBe(2);
  expect(await created()).toBe(before + 3);
});

test('ids that are given later pass over imported ones, also those that are only just being imported', async () => {
  const next = async () => {
    const { rows } = await program.pool.query<{ last_value: number; is_called: boolean }>(
      'select last_value::int, is_called from users_authy_ids',
    );
    return rows[0]!.last_value + (rows[0]!.is_called ? 1 : 0);
  };
  const first = await next();
  const imported = [0, 1, 2, 4].map((n) => `${first + n},+1415555013${n}`);
  await importing(['authy_id,phone', ...imported].join('\n'));
  const add = async (externalId: string) => (await call('POST', '/v1/users', { externalId })).body.authyId as number;
  expect([await add('n1'), await add('n2')]).toEqual([first + 3, first + 5]);

  const holder = await program.pool.connect();
  await holder.query('begin');
  await holder.query(`insert into users (id, tenant_id, authy_id) values (gen_random_uuid(), $1, $2)`, [
    bank.id,
    first + 6,
  ]);
  const adding = add('n3');
  await until(
    async () =>
      (await program.pool.query(`select from pg_locks where locktype = 'transactionid' and not granted`)).rowCount! > 0,
    { what: 'the new user waiting for the id' },
  );
  await holder.query('commit');
  holder.release();
  expect(await adding).toBe(first + 7);
});
