import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { createPageLoader } from './pages';

/** The code of the how-tos, run against the program as it is. */
let program: TestProgram;
const { load, remove } = createPageLoader();
const before = { ...process.env };
beforeAll(async () => {
  program = await startTestProgram();
  process.env['API'] = program.url;
  process.env['KEY'] = program.tenant.apiKey;
}, 60_000);
afterAll(async () => {
  process.env = before;
  remove();
  await program?.close();
});

async function answer({ phone }: TestUser, decision: 'approved' | 'denied', reason?: 'not_me') {
  const { approvals } = await phone.inbox({ wait: 10 });
  const approval = approvals.find(({ answeredByMe }) => answeredByMe === null)!;
  return phone.answer(approval, decision, reason);
}

test('a second factor lets in who approves, and nobody else', async () => {
  type Page = { confirmLogin(userId: string, attempt: string, place: string): Promise<boolean> };
  const { confirmLogin } = load<Page>('second-factor', 'confirmLogin');
  const user = await addUser(program);
  const first = confirmLogin(user.id, '1', 'Vienna');
  await answer(user, 'approved');
  expect(await first).toBe(true);
  const second = confirmLogin(user.id, '2', 'Vienna');
  await answer(user, 'denied');
  expect(await second).toBe(false);
});

test('a login without a password shows the same digits twice and tells who it is', async () => {
  type Page = {
    beginLogin(name: string, place: string): Promise<{ approvalId: string; digits: string } | undefined>;
    endLogin(approvalId: string): Promise<string | undefined>;
  };
  const { beginLogin, endLogin } = load<Page>('passwordless-login', 'beginLogin');
  const user = await addUser(program);
  const { externalId } = (await program.call('GET', `/v1/users/${user.id}`)).body;
  expect(await beginLogin('nobody', 'Vienna')).toBeUndefined();
  const begun = (await beginLogin(externalId, 'Vienna'))!;
  const ended = endLogin(begun.approvalId);
  expect((await user.phone.show(begun.approvalId)).shown).toContain(`It shows ${begun.digits}`);
  await answer(user, 'approved');
  expect(await ended).toBe(user.id);
});

test('a payment needs two of three directors, and the one who asks is not one of them', async () => {
  type Page = {
    askForPayment(payment: { id: string; euros: number; to: string }, directors: string[], by: string): Promise<string>;
    payOnceApproved(approvalId: string, pay: (evidence: string) => Promise<void>): Promise<string>;
  };
  const { askForPayment, payOnceApproved } = load<Page>('payment-by-two-of-three', 'askForPayment');
  const [anna, ben, cleo] = [await addUser(program), await addUser(program), await addUser(program)];
  const directors = [anna.id, ben.id, cleo.id];
  const paid: string[] = [];
  const pay = (evidence: string) => Promise.resolve(void paid.push(evidence));

  const id = await askForPayment({ id: 'p1', euros: 60_000, to: 'ACME' }, directors, anna.id);
  expect((await anna.phone.inbox()).approvals).toEqual([]);
  const outcome = payOnceApproved(id, pay);
  expect(await answer(ben, 'approved')).toMatchObject({ status: 'pending', progress: { missing: 1 } });
  expect(paid).toEqual([]);
  await answer(cleo, 'approved');
  expect(await outcome).toBe('approved');
  expect(paid).toHaveLength(1);

  const other = await askForPayment({ id: 'p2', euros: 70_000, to: 'ACME' }, directors, anna.id);
  await answer(ben, 'denied');
  expect(await payOnceApproved(other, pay)).toBe('denied');
  expect(paid).toHaveLength(1);
});
