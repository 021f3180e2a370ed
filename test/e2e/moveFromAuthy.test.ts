import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import { snippets } from '../docs/markdown';
import { authyCallerOf } from '../support/authy';
import { callerOf, startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';
import { startShell } from './shell';
import type { Shell } from './shell';

const PAGE = 'docs/how-to/move-from-authy.md';
const KEY = 'an-existing-authy-api-key-0123456789';
const AUTHY_ID = 217_244_768;

/** The page, run as it stands there: every block of commands, in their order. */
let program: TestProgram;
let home: string;
let shell: Shell;
beforeAll(async () => {
  program = await startTestProgram();
  home = await mkdtemp(path.join(os.tmpdir(), 'countersign-move-'));
  const [{ id, key }] = program.config.masterKeys as [{ id: string; key: Buffer }];
  shell = startShell({
    DATABASE_URL: program.config.databaseUrl,
    COUNTERSIGN_MASTER_KEYS: `${id}:${key.toString('base64')}`,
    API: program.url,
    AUTHY_API_KEY: KEY,
    AUTHY_ID: String(AUTHY_ID),
  });
  await shell.run('unset "${!COUNTERSIGN_TEST_@}"'); // what tests tell tests, commands do not know
}, 60_000);
afterAll(async () => {
  await shell?.close();
  await program?.close();
  await rm(home, { recursive: true });
});

const blocks = snippets(['sh']).filter(({ file }) => file === PAGE);
const notRun = new Set(blocks.map(({ code }) => code));

/** What the page's block with this text says; its files lie in our folder. */
function run(text: string): Promise<string> {
  const [block, ...more] = blocks.filter(({ code }) => code.includes(text));
  if (!block || more.length > 0) throw new Error(`${more.length + 1} blocks have ${text}`);
  notRun.delete(block.code);
  return shell.run(block.code.replace(/\b(authy\.key|users\.csv|refused\.csv)\b/g, (name) => path.join(home, name)));
}

test('the whole move: key, users, callback, switches, a phone by install link, a push that is approved', async () => {
  await writeFile(path.join(home, 'authy.key'), `${KEY}\n`);
  await writeFile(
    path.join(home, 'users.csv'),
    `authy_id;country_code;cellphone;email;confirmed\n${AUTHY_ID};43;0664 1234567;anna@example.com;true\n`,
  );

  const created = await run('tenant create');
  expect(created).toContain('Authy API key  (the one that you gave)');
  const call = callerOf(program.url, /^API key +(\S+)$/m.exec(created)![1]!);
  expect(await run('--dry-run')).toContain('Example Bank: 1 would be added, 0 already there, 0 refused');
  expect(await run('--refused')).toContain('Example Bank: 1 added, 0 already there, 0 refused');
  expect(await readFile(path.join(home, 'refused.csv'), 'utf8')).toMatch(/^refused_line,.*\r\n$/);

  const set = await run('--authy-callback-url');
  expect(set).toContain('Authy callback       POST https://bank.example.com/authy/callback');
  expect(await run('--unforced-verify')).toContain('repeat-window        on');

  const [details, status] = (await run('app/details')).split('\n').map((json) => JSON.parse(json) as object);
  expect(details).toMatchObject({ app: { name: 'Example Bank' }, success: true });
  expect(status).toMatchObject({ status: { authy_id: AUTHY_ID, confirmed: true, registered: false } });

  expect(JSON.parse(await run('users/new'))).toMatchObject({ user: { id: AUTHY_ID } });
  const link = await until(async () => {
    const { messages } = (await call('GET', '/v1/simulator/messages')).body as { messages: { text?: string }[] };
    return messages.map(({ text }) => /http\S+/.exec(text ?? '')?.[0]).find((found) => found !== undefined);
  });
  const { baseUrl, registrationToken } = await openInstallLink(link);
  const phone = createDevice({ baseUrl, key: await createWebCryptoKey() });
  await phone.register(registrationToken, { name: 'Phone', platform: 'ios' });
  const { approvals: toConfirm } = await phone.inbox({ wait: 10 });
  await phone.answer(toConfirm[0]!, 'approved');

  const asked = JSON.parse(await run('approval_requests')) as { approval_request: { uuid: string } };
  const { uuid } = asked.approval_request;
  const { approvals } = await phone.inbox({ wait: 10 });
  await phone.answer(
    approvals.find(({ id }) => id === uuid)!,
    'approved',
  );
  const read = await authyCallerOf(program, KEY)('GET', `/onetouch/json/approval_requests/${uuid}`);
  expect(read.body.approval_request).toMatchObject({ status: 'approved', _authy_id: AUTHY_ID });
  expect([...notRun]).toEqual([]);
}, 120_000);
