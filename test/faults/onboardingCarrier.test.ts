import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SmsMessage } from '../../channels/sms/sms';
import { addNewcomer } from '../support/newcomer';
import type { Newcomer } from '../support/newcomer';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';
import { OTHERS } from './onboardingTable';

type Behaviour = (attempt: number) => Promise<void>;

const works: Behaviour = async () => {};
const failsFirst: Behaviour = async (attempt) => {
  if (attempt <= 2) throw new Error('the carrier answered 503');
};
const hangsFirst: Behaviour = (attempt) => (attempt === 1 ? new Promise(() => {}) : works(attempt));
const alwaysFails: Behaviour = async () => {
  throw new Error('the carrier answered 503');
};

let program: TestProgram;
const behaviours = new Map<string, Behaviour>();
const tried: SmsMessage[] = [];
const taken: SmsMessage[] = [];
const to = (messages: readonly SmsMessage[], phone: string) => messages.filter((message) => message.to === phone);

beforeAll(async () => {
  const smsSender = {
    async send(message: SmsMessage) {
      tried.push(message);
      await behaviours.get(message.to)!(to(tried, message.to).length);
      taken.push(message);
    },
  };
  program = await startTestProgram({ smsSender });
}, 60_000);
afterAll(() => program?.close());

async function addPerson(behaviour: Behaviour): Promise<Newcomer> {
  const readTexts = async (phone: string) => to(taken, phone).map(({ text }) => text);
  const person = await addNewcomer(program, { readTexts });
  behaviours.set(person.phone, behaviour);
  return person;
}

const byText =
  (behaviour: Behaviour) =>
  async (request: object = {}): Promise<Newcomer> => {
    const person = await addPerson(behaviour);
    await person.start({ method: 'push', ...request });
    await person.register(await person.readLink());
    await person.confirm();
    return person;
  };

type Case = Exclude<`${(typeof OTHERS)[number][0]}: ${(typeof OTHERS)[number][1]}`, `device registered: ${string}`>;

const LIVES: Partial<Record<Case, () => Promise<Newcomer>>> = {
  'link sent: the carrier fails first': byText(failsFirst),
  'link sent: the carrier hangs first': byText(hangsFirst),
  async 'link sent: the carrier always fails; the back end shows the link'() {
    const person = await addPerson(alwaysFails);
    const { link } = await person.start({ method: 'push' });
    await until(async () => to(tried, person.phone).length > 0);
    await person.register(link!);
    await person.confirm();
    return person;
  },
  async 'link sent: the carrier always fails; nobody comes'() {
    const person = await addPerson(alwaysFails);
    await person.start({ method: 'push', expiresInSeconds: 10, remindAfterSeconds: 3 });
    return person;
  },
  async 'code sent: the carrier fails first'() {
    const person = await addPerson(failsFirst);
    await person.start({ method: 'sms' });
    await person.enter(await person.readCode());
    return person;
  },
  async 'code sent: the carrier always fails; another method is chosen'() {
    const person = await addPerson(alwaysFails);
    await person.start({ method: 'sms' });
    await until(async () => to(tried, person.phone).length > 0);
    await person.choose('totp');
    await person.enter(person.readTotp());
    return person;
  },
  async 'code sent: the carrier always fails; nobody goes on'() {
    const person = await addPerson(alwaysFails);
    await person.start({ method: 'sms', expiresInSeconds: 10 });
    return person;
  },
};

// All at once: most of it is waiting.
test.concurrent.each(OTHERS.filter(([step]) => step !== 'device registered'))(
  '%s, and %s: in the end it is %s',
  async (step, fault, result) => {
    const live = LIVES[`${step}: ${fault}` as Case]!;
    const person = await live();
    expect((await person.end()).status).toBe(result);
    expect(to(tried, person.phone).length).toBeGreaterThan(0);
    // The same key is the same text message; a reminder is another one.
    const distinct = (of: (message: SmsMessage) => string) => new Set(to(tried, person.phone).map(of)).size;
    expect(distinct(({ idempotencyKey, text }) => `${idempotencyKey} ${text}`)).toBe(
      distinct((one) => one.idempotencyKey),
    );
    expect(to(taken, person.phone).length).toBeLessThanOrEqual(1);
  },
  60_000,
);

test('the text message says who asks for what, and so does its reminder', async () => {
  const person = await addPerson(works);
  const { id, link } = await person.start({ method: 'push', remindAfterSeconds: 1 });
  const messages = await until(async () => to(taken, person.phone).length === 2 && to(taken, person.phone));
  const text = `${program.config.taskQueuePrefix}: install the app and turn on two-factor authentication: ${link}`;
  expect(messages).toEqual([
    { idempotencyKey: `install:${id}:1`, tenantId: program.tenant.id, to: person.phone, text },
    { idempotencyKey: `install:${id}:2`, tenantId: program.tenant.id, to: person.phone, text: `Reminder: ${text}` },
  ]);
});
