import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readClock } from '../../db/transaction';
import { digitsAt, wrong } from '../services/guesses';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { addPhoneUser, digitsSentTo } from '../support/texts';
import { createPageLoader } from './pages';

/** The code of the how-to, run against the program as it is. */
interface Page {
  sendLoginCode(userId: string, attempt: string): Promise<void>;
  checkLoginCode(userId: string, typed: string): Promise<string>;
  addApp(userId: string): Promise<{ qrSvg: string; secret: string }>;
  confirmApp(userId: string, typed: string): Promise<boolean>;
}
let program: TestProgram;
let page: Page;
const { load, remove } = createPageLoader();
const before = { ...process.env };
beforeAll(async () => {
  program = await startTestProgram();
  process.env['API'] = program.url;
  process.env['KEY'] = program.tenant.apiKey;
  page = load<Page>('one-time-codes', 'sendLoginCode');
}, 60_000);
afterAll(async () => {
  process.env = before;
  remove();
  await program?.close();
});

test('a code by text message lets in who has the phone', async () => {
  const user = await addPhoneUser(program);
  expect(await page.checkLoginCode(user.id, '123456')).toBe('get a new code');
  await page.sendLoginCode(user.id, '1');
  await page.sendLoginCode(user.id, '1');
  const digits = await digitsSentTo(program, user.phone);
  expect(await page.checkLoginCode(user.id, wrong(digits))).toBe('wrong, 4 more tries');
  expect(await page.checkLoginCode(user.id, digits)).toBe('welcome');
  await page.sendLoginCode(user.id, '2');
  for (const left of [4, 3, 2, 1, 0]) {
    expect(await page.checkLoginCode(user.id, wrong(await digitsSentTo(program, user.phone, 2)))).toBe(
      `wrong, ${left} more tries`,
    );
  }
  expect(await page.checkLoginCode(user.id, digits)).toBe('too many tries');
});

test('an authenticator app is added by its QR code and its first digits', async () => {
  const user = await addPhoneUser(program);
  const { qrSvg, secret } = await page.addApp(user.id);
  expect(qrSvg).toContain('<svg');
  expect(await page.confirmApp(user.id, digitsAt(secret, await readClock(program.pool)))).toBe(true);
});
