import { randomInt } from 'node:crypto';
import { URI } from 'otpauth';
import type { TOTP } from 'otpauth';
import type { ApprovalDecision } from '../../domain/approval';
import type { Method } from '../../domain/method';
import { CountersignError, createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import type { NewOnboarding } from '../../sdk/onboardings';
import { createCountersign } from '../../sdk/server';
import type { TestProgram } from './program';
import { textsTo } from './texts';
import { until } from './until';

/** Whatever is not answered is done again until it is, as people and back ends do. */
const PATIENCE = {
  retries: 1_000,
  pause: () => new Promise<void>((resolve) => setTimeout(resolve, 50)),
};
/** Services may be away meanwhile, and `reconcile` comes every ten seconds. */
const WITHIN_MS = 60_000;

export interface NewcomerOptions {
  /** The text messages that came to this number, newest first; by default those of the simulated carrier. */
  readTexts?: (phone: string) => Promise<string[]>;
}

/** A person with a telephone number and no device who is onboarded, and the back end that wants it. */
export async function addNewcomer(
  program: Pick<TestProgram, 'url' | 'call'> & { tenant: Pick<TestProgram['tenant'], 'apiKey'> },
  { readTexts = async (phone) => (await textsTo(program, phone)).map(({ text }) => text) }: NewcomerOptions = {},
) {
  const { onboardings, users } = createCountersign({
    baseUrl: program.url,
    apiKey: program.tenant.apiKey,
    ...PATIENCE,
  });
  const phone = `+4178${randomInt(1_000_000, 9_999_999)}`;
  const { id: userId } = await users.create({ phone });
  const device = createDevice({ baseUrl: program.url, key: await createWebCryptoKey(), ...PATIENCE });
  const ids: string[] = [];
  const newest = () => ids.at(-1) ?? '';
  let totpUri = '';

  /** What a text message says that this pattern finds. */
  const readText = (pattern: RegExp): Promise<string> =>
    until(
      async () => {
        const texts = await readTexts(phone).catch(() => []); // the program may be away
        return texts.map((text) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
      },
      { withinMs: WITHIN_MS, what: `a text message like ${pattern.source}` },
    );

  /** Waits until the phone shows what is to be confirmed. */
  const showConfirmation = () =>
    until(async () => (await device.inbox()).approvals[0], { withinMs: WITHIN_MS, what: 'the confirmation' });

  async function start(request: NewOnboarding = {}) {
    const started = await onboardings.start(userId, request);
    ids.push(started.id);
    totpUri = started.totp?.uri ?? '';
    return started;
  }

  return {
    userId,
    phone,
    /** Of the onboarding that was started last. */
    id: newest,
    firstId: () => ids[0] ?? '',
    start,
    /** Begins another one instead, which does not last. */
    replace: () => start({ method: 'totp', expiresInSeconds: 10 }),
    async choose(method: Method) {
      const chosen = await onboardings.chooseMethod(newest(), method);
      totpUri = chosen.totp?.uri ?? '';
      return chosen;
    },
    /** The link that came by text message. */
    readLink: () => readText(/(https?:\S+)$/),
    async register(link: string) {
      const { registrationToken } = await openInstallLink(link, PATIENCE);
      return device.register(registrationToken, { name: 'Phone', platform: 'test' });
    },
    /** A device that was there before. */
    async registerBefore() {
      const { registrationToken } = await users.createRegistrationToken(userId);
      return device.register(registrationToken, { name: 'Phone', platform: 'test' });
    },
    showConfirmation,
    confirm: async (decision: ApprovalDecision = 'approved') => device.answer(await showConfirmation(), decision),
    /** The digits that came by text message. */
    readCode: () => readText(/code is (\d+)/),
    readTotp: () => (URI.parse(totpUri) as TOTP).generate(),
    async enter(code: string): Promise<void> {
      try {
        await onboardings.enterCode(newest(), code);
      } catch (error) {
        // The reply to the one before was lost.
        if (!(error instanceof CountersignError && error.repeated && error.code === 'onboarding_closed')) throw error;
      }
    },
    /** Removes the user. */
    remove: () => users.remove(userId),
    cancel: () => onboardings.cancel(newest()),
    view: () => onboardings.get(newest()),
    /** Once it is closed. */
    end: () => onboardings.wait(newest()),
  };
}
export type Newcomer = Awaited<ReturnType<typeof addNewcomer>>;
