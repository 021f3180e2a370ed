import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { PROMPT } from '../../cli/phoneScreen';
import type { ApprovalView, Countersign } from '../../sdk/server';
import { createCountersign } from '../../sdk/server';
import type { PhoneProcess } from '../support/phoneProcess';
import { startPhone } from '../support/phoneProcess';
import type { TestProgram } from '../support/program';
import { startTestProgram } from '../support/program';

/** Approvals are created, shown and answered without Temporal. */
const NOWHERE = '127.0.0.1:1';

let program: TestProgram;
let backend: Countersign;
let userId: string;
let home: string;
jest.setTimeout(60_000);

const started = new Set<PhoneProcess>();

beforeAll(async () => {
  program = await startTestProgram({ temporalAddress: NOWHERE });
  backend = createCountersign({ baseUrl: program.url, apiKey: program.tenant.apiKey });
});
afterAll(() => program.close());

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'countersign-phone-'));
  userId = (await backend.users.create({ externalId: path.basename(home) })).id;
  const { apiKey, id: tenantId } = program.tenant;
  await writeFile(path.join(home, 'stack.json'), JSON.stringify({ apiUrl: program.url, apiKey, tenantId, userId }));
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  started.clear();
  await rm(home, { recursive: true });
});

function phone(...args: string[]): PhoneProcess {
  const process = startPhone(home, args);
  started.add(process);
  return process;
}

const ask = (changes: object = {}): Promise<ApprovalView> =>
  backend.approvals.create({ userId, title: 'Log in?', push: 'none', ...changes });

describe('npm run phone', () => {
  test('registers itself, shows what comes in, and sends what is typed', async () => {
    const { ended, says, child } = phone();
    await says('Waiting for approvals');
    const approval = await ask({ title: 'Pay?\u0009', details: [{ label: 'To', value: 'Shop\nApproved' }] });
    const shown = await says(PROMPT);
    expect(shown).toContain('Pay?\\t');
    expect(shown).toContain('To  Shop\\nApproved');
    child.stdin.write('x\n');
    await says(PROMPT, 2);
    child.stdin.write('a\n');
    await says('You approved it. It is approved.');
    expect(await backend.approvals.wait(approval.id)).toMatchObject({ status: 'approved' });
    expect((await stat(path.join(home, 'phone.json'))).mode & 0o777).toBe(0o600);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0 });
  });

  test('takes the question back when the approval is withdrawn', async () => {
    const { says } = phone();
    await says('Waiting for approvals');
    const approval = await ask();
    await says(PROMPT);
    await backend.approvals.cancel(approval.id);
    await says('No longer open.');
    expect(await backend.approvals.get(approval.id)).toMatchObject({ status: 'cancelled' });
  });

  test('ends with its input', async () => {
    const { child, ended, says } = phone();
    await says('Waiting for approvals');
    child.stdin.end();
    expect(await ended).toMatchObject({ code: 0 });
  });

  test('with --auto it needs nobody', async () => {
    const { says, child } = phone('--auto', 'deny');
    child.stdin.end();
    await says('Waiting for approvals');
    const approval = await ask();
    expect(await backend.approvals.wait(approval.id)).toMatchObject({ status: 'denied', reason: null });
  });
});

describe('one command at a time', () => {
  test('register, list, show, approve, deny, unregister', async () => {
    expect(await phone('list').ended).toMatchObject({ code: 1, output: expect.stringContaining('phone -- register') });
    const { registrationToken } = await backend.users.createRegistrationToken(userId);
    const other = ['--state', path.join(home, 'other.json')];
    expect(await phone(...other, 'register', '--token', registrationToken, '--name', 'Anna').ended).toMatchObject({
      code: 0,
    });
    expect(await backend.users.listDevices(userId)).toMatchObject([{ name: 'Anna', platform: 'terminal' }]);
    expect(await phone(...other, 'register').ended).toMatchObject({ code: 1 });
    expect(await phone(...other, 'list').ended).toEqual({ code: 0, output: 'Nothing waits.\n' });

    const [first, second] = [await ask({ title: 'First' }), await ask({ title: 'Second' })];
    const { output: list } = await phone(...other, 'list').ended;
    expect(list).toContain(first.id);
    expect(list).toContain('Second');
    expect(await phone(...other, 'approve', first.id).ended).toMatchObject({ code: 0 });
    expect(await phone(...other, 'deny', second.id, '--reason', 'not_me').ended).toMatchObject({ code: 0 });
    expect(await backend.approvals.get(first.id)).toMatchObject({ status: 'approved' });
    expect(await backend.approvals.get(second.id)).toMatchObject({ status: 'denied', reason: 'not_me' });
    expect((await phone(...other, 'show', first.id).ended).output).toContain('First');
    expect(await phone(...other, 'deny', first.id).ended).toMatchObject({
      code: 1,
      output: expect.stringContaining('already'),
    });

    expect(await phone(...other, 'unregister').ended).toMatchObject({ code: 0 });
    expect(await backend.users.listDevices(userId)).toEqual([]);
    await expect(readFile(path.join(home, 'other.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('code shows digits that are accepted, and needs the server only the first time', async () => {
    await phone('register').ended;
    const shown = await phone('code').ended;
    expect(shown).toMatchObject({ code: 0, output: expect.stringMatching(/^\d{7} {2}\(the next in \d+ s\)\n$/) });
    await backend.users.checkTotp(userId, shown.output.slice(0, 7));

    await rm(path.join(home, 'stack.json'));
    const away = ['--url', 'http://127.0.0.1:1', 'code'];
    expect(await phone(...away).ended).toMatchObject({ code: 0, output: expect.stringMatching(/^\d{7} /) });
    const file = path.join(home, 'phone.json');
    const { totp: _, ...state } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify(state));
    expect(await phone(...away).ended).toMatchObject({ code: 1 });
  });

  test('a phone that was removed is told how to come back', async () => {
    await phone('register').ended;
    const [device] = await backend.users.listDevices(userId);
    await backend.users.removeDevice(userId, device?.id ?? '');
    expect(await phone('list').ended).toMatchObject({ code: 1, output: expect.stringContaining('register --again') });
    expect(await phone('register', '--again').ended).toMatchObject({ code: 0 });
    expect(await phone('list').ended).toMatchObject({ code: 0 });
  });

  test('an install link is enough, and says itself where the server is', async () => {
    await rm(path.join(home, 'stack.json'));
    const { id, link } = await backend.onboardings.start(userId, { method: 'push' });
    const registered = await phone('register', link!).ended;
    expect(registered).toMatchObject({ code: 0, output: expect.stringContaining('npm run phone\n') });
    const [device] = await backend.users.listDevices(userId);
    expect(registered.output).toContain(device!.id);
    expect(await backend.onboardings.get(id)).toMatchObject({
      status: 'waiting_for_confirmation',
      deviceId: device!.id,
    });
    expect((await phone('list').ended).output).toContain('Enable two-factor authentication');

    const again = await phone('--state', path.join(home, 'other.json'), 'register', link!).ended;
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining('Ask whoever sent it for a new one') });
    expect(await backend.users.listDevices(userId)).toHaveLength(1);
  });

  test('what is not an install link is told apart from one that is not good any more', async () => {
    const { id, link } = await backend.onboardings.start(userId, { method: 'push' });
    await backend.onboardings.cancel(id);
    expect(await phone('register', link!).ended).toMatchObject({ code: 1, output: expect.stringContaining('expired') });
    const cut = link!.slice(0, link!.indexOf('#'));
    expect(await phone('register', cut).ended).toMatchObject({ code: 1, output: expect.stringContaining('quotes') });
    expect(await phone('--url', program.url, 'register', link!).ended).toMatchObject({
      code: 1,
      output: expect.stringContaining('leave out'),
    });
    await expect(readFile(path.join(home, 'phone.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('without a stack it says how to start one', async () => {
    await rm(path.join(home, 'stack.json'));
    expect(await phone().ended).toMatchObject({ code: 1, output: expect.stringContaining('npm start') });
    await writeFile(
      path.join(home, 'stack.json'),
      JSON.stringify({ apiUrl: 'http://127.0.0.1:1', apiKey: 'k', userId }),
    );
    expect(await phone().ended).toMatchObject({ code: 1, output: expect.stringContaining('npm start') });
  });
});
