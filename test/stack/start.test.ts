import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { buildProgram } from '../support/build';
import { findPart, killCommands, makeHome, readFacts, run, startStack, whenGone } from './stackProcess';
import type { RunningStack } from './stackProcess';

jest.setTimeout(180_000);

const END_MS = 5_000;
const home = makeHome();
const stackFile = path.join(home, 'stack.json');
let stack: RunningStack;

beforeAll(async () => {
  stack = await startStack(home);
});
afterAll(async () => {
  await stop(stack).finally(killCommands);
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

/** As Ctrl-C does it. */
async function stop({ pid, signalGroup, pids }: RunningStack): Promise<number> {
  if (isRunning(pid)) signalGroup('SIGINT');
  return whenGone([pid, ...pids], END_MS);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a stack that is ready', () => {
  test('serves, and says so', async () => {
    const reply = await fetch(`${stack.facts.apiUrl}/readyz`);
    expect(reply.status).toBe(200);
    expect((await fetch(stack.facts.temporalUiUrl ?? '')).status).toBe(200);
  });

  test('tells how to reach it in a file that only its owner may read, as it does with every secret', () => {
    for (const name of ['stack.json', 'demo.json', 'master-keys', 'postgres-password']) {
      expect([name, fs.statSync(path.join(home, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(stack.facts).toMatchObject({
      apiKey: expect.stringMatching(/^ck_/),
      signingKey: expect.stringMatching(/^whsec_/),
      authyApiKey: expect.stringMatching(/^[0-9A-Za-z]{32}$/),
      tenantId: expect.any(String),
      userId: expect.any(String),
      temporalAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      temporalNamespace: 'default',
      databaseUrl: expect.stringMatching(/^postgres:\/\//),
    });
  });

  test('prints a first approval that can be copied, and shows its signed callback', async () => {
    const [curl = ''] = /curl -s -w [\s\S]*?'\{.*\}'/.exec(stack.output()) ?? [];
    const phone = run('npm', ['run', 'phone', '--', '--auto', 'approve'], { COUNTERSIGN_HOME: home });
    await phone.line(/Waiting for approvals/);
    const asked = run('sh', ['-c', curl], {});
    expect(await asked.ended).toMatchObject({ code: 0 });
    const { id } = JSON.parse(asked.output()) as { id: string };
    await stack.line(new RegExp(`^callback {2}approval ${id} approved {2}signature valid$`));
    phone.signalGroup('SIGINT');
    await phone.ended;
  });

  test('has room beside it for the program that npm run build makes, which runs from its environment alone', async () => {
    const { folder, remove } = await buildProgram();
    const env = {
      DATABASE_URL: stack.facts.databaseUrl,
      TEMPORAL_ADDRESS: stack.facts.temporalAddress,
      COUNTERSIGN_MASTER_KEYS: fs.readFileSync(path.join(home, 'master-keys'), 'utf8'),
      COUNTERSIGN_TASK_QUEUE_PREFIX: 'built',
      COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
      COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '0',
      PORT: '0',
    };
    const migrated = run('node', [path.join(folder, 'cli', 'main.js'), 'migrate'], env);
    expect({ ...(await migrated.ended), output: migrated.output() }).toMatchObject({ code: 0 });

    const program = run('node', [path.join(folder, 'main.js')], env);
    await program.line(/"role":"approvals".*"msg":"working"/);
    const { port } = JSON.parse(await program.line(/"msg":"listening"/)) as { port: number };
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(await ready.json()).toMatchObject({ database: 'ok', temporal: 'ok' });
    program.signalGroup('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    remove();
  });

  test('is the only one on its home', async () => {
    const second = run('npm', ['start'], { COUNTERSIGN_HOME: home, PORT: '0' });
    expect(await second.ended).toMatchObject({ code: 1 });
    expect(second.output()).toContain('A stack is already running on');
    expect(readFacts(home).pid).toBe(stack.facts.pid);
  });

  test('is not removed under its own feet', async () => {
    const reset = run('npm', ['run', 'reset'], { COUNTERSIGN_HOME: home });
    expect(await reset.ended).toMatchObject({ code: 1 });
    expect(reset.output()).toContain('end it first');
    expect((await fetch(`${stack.facts.apiUrl}/readyz`)).status).toBe(200);
  });

  test('has taken its port: another stack says in one sentence what to do', async () => {
    const { port } = new URL(stack.facts.apiUrl);
    const other = makeHome();
    const second = run('npm', ['start'], { COUNTERSIGN_HOME: other, PORT: port });
    expect(await second.ended).toMatchObject({ code: 1 });
    expect(second.output()).toContain(`Port ${port} is taken`);
    fs.rmSync(path.dirname(other), { recursive: true, force: true });
  });
});

// Each of these ends the stack that it finds and starts it again on the same home.
describe('the end of a stack', () => {
  test('Ctrl-C ends every part within 5 s, and the next start goes on with the same keys', async () => {
    const before = stack.facts;
    expect(await stop(stack)).toBeLessThan(END_MS);
    expect(fs.existsSync(stackFile)).toBe(false);

    stack = await startStack(home);
    const { apiKey, tenantId, userId, signingKey, callbackUrl } = before;
    expect(stack.facts).toMatchObject({ apiKey, tenantId, userId, signingKey, callbackUrl });
  });

  test('kill -9 of the stack leaves nothing running, and the next start works', async () => {
    process.kill(stack.facts.pid, 'SIGKILL');
    await whenGone(stack.pids, END_MS);
    await stack.ended;
    stack = await startStack(home);
    expect((await fetch(`${stack.facts.apiUrl}/readyz`)).status).toBe(200);
  });

  test('kill -9 of npm alone leaves nothing running either', async () => {
    process.kill(stack.pid, 'SIGKILL');
    await whenGone(stack.pids, 2 * END_MS);
    stack = await startStack(home);
  });

  test.each([
    ['Temporal', 'start-dev'],
    ['PostgreSQL', 'bin/postgres'],
    ['The program', 'main.ts'],
    ['The watchdog', 'watchdog.cjs'],
  ])('when %s dies, everything ends with one sentence', async (name, words) => {
    process.kill(await findPart(stack.facts.pid, words), 'SIGKILL');
    await stack.line(new RegExp(`^${name} has ended by itself`));
    expect(await stack.ended).toMatchObject({ code: 1 });
    await whenGone(stack.pids, END_MS);
    stack = await startStack(home);
  });

  test('reset removes the home', async () => {
    await stop(stack);
    const reset = run('npm', ['run', 'reset'], { COUNTERSIGN_HOME: home });
    expect(await reset.ended).toMatchObject({ code: 0 });
    expect(fs.existsSync(home)).toBe(false);
  });
});

test('reset removes no folder that npm start has not made', async () => {
  const folder = path.dirname(makeHome());
  fs.writeFileSync(path.join(folder, 'dear.txt'), 'mine');
  const reset = run('npm', ['run', 'reset'], { COUNTERSIGN_HOME: folder });
  expect(await reset.ended).toMatchObject({ code: 1 });
  expect(fs.existsSync(path.join(folder, 'dear.txt'))).toBe(true);
  fs.rmSync(folder, { recursive: true });
});

test('a setting that is wrong is named before anything is started', async () => {
  const other = makeHome();
  const start = run('npm', ['start'], { COUNTERSIGN_HOME: other, PORT: '0', COUNTERSIGN_ROLS: 'api' });
  expect(await start.ended).toMatchObject({ code: 78 });
  expect(start.output()).toContain('COUNTERSIGN_ROLS');
  expect(fs.existsSync(path.join(other, 'postgres'))).toBe(false);
  fs.rmSync(path.dirname(other), { recursive: true, force: true });
});
