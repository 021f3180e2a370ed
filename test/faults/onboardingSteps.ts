import type { Newcomer } from '../support/newcomer';
import type { Step } from './onboardingTable';

type Act = (person: Newcomer) => Promise<unknown>;

/** A step of an onboarding, and the way to it and on from it. */
export interface Scene {
  /** To the brink of the step. */
  before?: Act;
  /** What is asked of the API while the fault strikes. */
  call: Act;
  /** How the person goes on when all is well again. */
  after?: Act;
}

const registerByText: Act = async (person) => person.register(await person.readLink());
const registered: Act = async (person) => {
  await person.start({ method: 'push' });
  await registerByText(person);
};

export const SCENES: Readonly<Record<Step, Scene>> = {
  'started without a method': {
    call: (person) => person.start(),
    async after(person) {
      await person.choose('push');
      await registerByText(person);
      await person.confirm();
    },
  },
  'method chosen': {
    before: (person) => person.start(),
    call: (person) => person.choose('push'),
    async after(person) {
      await registerByText(person);
      await person.confirm();
    },
  },
  'link sent': {
    call: (person) => person.start({ method: 'push' }),
    async after(person) {
      await registerByText(person); // it waits for the text message
      await person.confirm();
    },
  },
  'device registered': {
    before: (person) => person.start({ method: 'push' }),
    call: registerByText,
    after: (person) => person.confirm(),
  },
  'confirmation asked': {
    before: (person) => person.registerBefore(),
    call: (person) => person.start({ method: 'push' }),
    after: (person) => person.confirm(),
  },
  confirmed: { before: registered, call: (person) => person.confirm() },
  denied: { before: registered, call: (person) => person.confirm('denied') },
  'code sent': {
    call: (person) => person.start({ method: 'sms' }),
    after: async (person) => person.enter(await person.readCode()), // it waits for the text message
  },
  'code entered': {
    async before(person) {
      await person.start({ method: 'sms' });
      await person.readCode();
    },
    call: async (person) => person.enter(await person.readCode()),
  },
  'TOTP secret shown': {
    call: (person) => person.start({ method: 'totp' }),
    after: (person) => person.enter(person.readTotp()),
  },
  'TOTP code entered': {
    before: (person) => person.start({ method: 'totp' }),
    call: (person) => person.enter(person.readTotp()),
  },
  cancelled: { before: registered, call: (person) => person.cancel() },
  'replaced by a newer one': { before: registered, call: (person) => person.replace() },
  'user removed': { before: registered, call: (person) => person.remove() },
  'left alone': { call: (person) => person.start({ method: 'push', expiresInSeconds: 10 }) },
};
