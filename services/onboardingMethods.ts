import type { Code } from '../db/codes';
import type { DeviceRows } from '../db/devices';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import type { Tx } from '../db/transaction';
import type { User } from '../db/users';
import { CODE_LENGTH } from '../domain/code';
import type { PhoneChannel } from '../domain/code';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import type { Method } from '../domain/method';
import { chooseMethod, MOST_LINKS } from '../domain/onboarding';
import type { Codes } from './codes';
import type { Asked, Confirmations } from './confirmations';
import type { InstallLinks } from './installLinks';
import type { Written } from './onboardingEnds';
import type { MintedToken, RegistrationTokens } from './registrationTokens';
import type { SendLimits } from './sendLimits';
import { topicOf } from './topics';
import type { Totp, TotpSetUp } from './totp';

/** An onboarding with what the person needs next. */
export interface Step extends Written {
  onboarding: Onboarding;
  link: string | null;
  token: MintedToken | null;
  totp: TotpSetUp | null;
  /** The approval that was asked for, and the code that was issued: both are sent after the commit. */
  asked?: Asked;
  code?: Code;
}

export interface OnboardingMethodDeps {
  devices: Pick<DeviceRows, 'listOfUser'>;
  onboardings: Pick<OnboardingRows, 'advance'>;
  confirmations: Pick<Confirmations, 'ask'>;
  codes: Pick<Codes, 'requireReach' | 'issue'>;
  totp: Pick<Totp, 'begin'>;
  tokens: Pick<RegistrationTokens, 'mint'>;
  installLinks: InstallLinks;
  sendLimits: Pick<SendLimits, 'count'>;
}

/** How each method begins, within the caller's transaction, which holds the user and the onboarding. */
export function createOnboardingMethods(deps: OnboardingMethodDeps) {
  const { devices, onboardings, confirmations, codes, totp, tokens, installLinks, sendLimits } = deps;

  /** Another text message with the same link, where one can be sent. @throws too_many_requests */
  async function nextLink(
    tx: Tx,
    before: Onboarding,
    user: User,
  ): Promise<Pick<Onboarding, 'linkState' | 'linkRound'>> {
    const { linkRound } = before;
    if (!installLinks.canBeSent(before, user)) return { linkState: 'none', linkRound };
    if (linkRound >= MOST_LINKS)
      throw new DomainError('too_many_requests', { reason: `${MOST_LINKS} links were sent` });
    await sendLimits.count(tx, before.tenantId, { phone: user.phone! });
    return { linkState: 'waiting', linkRound: linkRound + 1 };
  }

  async function waitForDevice(tx: Tx, before: Onboarding, user: User): Promise<Step> {
    const { id, tenantId, userId, ownApp } = before;
    const onboarding = { ...before, status: 'waiting_for_device' as const, ...(await nextLink(tx, before, user)) };
    await onboardings.advance(tx, onboarding);
    if (!ownApp) return { ...nothingMore(onboarding), link: installLinks.linkOf(onboarding) };
    const token = await tokens.mint(tx, { tenantId, userId, onboardingId: id }, before.readAtMs);
    return { ...nothingMore(onboarding, { type: 'registration_token_created', userId, onboardingId: id }), token };
  }

  async function waitForConfirmation(tx: Tx, before: Onboarding): Promise<Step> {
    const asked = await confirmations.ask(tx, before);
    const { onboarding, events, wake } = asked;
    return { ...nothingMore(onboarding), events, wake, asked };
  }

  async function waitForCode(tx: Tx, before: Onboarding, user: User, method: PhoneChannel | 'totp'): Promise<Step> {
    const { id: onboardingId, tenantId, userId } = before;
    // Nobody needs a device for it: a link that is still to be sent would only confuse.
    const linkState = before.linkState === 'waiting' ? 'none' : before.linkState;
    const onboarding = { ...before, status: 'waiting_for_code' as const, linkState };
    if (method === 'totp') {
      const setUp = await totp.begin(tx, user);
      await onboardings.advance(tx, onboarding);
      return { ...nothingMore(onboarding, { type: 'totp_created', userId, onboardingId }), totp: setUp };
    }
    const reach = codes.requireReach(user, method, 'method');
    await sendLimits.count(tx, tenantId, reach);
    await onboardings.advance(tx, onboarding);
    const wanted = { tenantId, userId, purpose: 'onboarding', channel: method, length: CODE_LENGTH.usual } as const;
    return { ...nothingMore(onboarding), code: await codes.issue(tx, wanted) };
  }

  return {
    nothingMore,

    /**
     * Begins with a method, or repeats its first step.
     * @throws onboarding_expired, onboarding_closed, wrong_step, no_phone, phone_invalid, channel_not_configured,
     * method_enabled, too_many_requests
     */
    async choose(tx: Tx, user: User, open: Onboarding, method: Method): Promise<Step> {
      const { id: onboardingId, tenantId, userId, readAtMs: nowMs } = open;
      const hasDevice = method === 'push' && (await devices.listOfUser(tx, tenantId, userId)).length > 0;
      const status = chooseMethod(open, method, { hasDevice, nowMs });
      const before = { ...open, method };
      const step =
        method !== 'push'
          ? await waitForCode(tx, before, user, method)
          : status === 'waiting_for_device'
            ? await waitForDevice(tx, before, user)
            : await waitForConfirmation(tx, before);
      const chosen: NewEvent = { type: 'method_chosen', userId, onboardingId, data: { method } };
      return { ...step, events: [chosen, ...step.events] };
    },
  };
}
export type OnboardingMethods = ReturnType<typeof createOnboardingMethods>;

/** An onboarding whose person needs nothing from us now. */
const nothingMore = (onboarding: Onboarding, ...events: NewEvent[]): Step => ({
  onboarding,
  link: null,
  token: null,
  totp: null,
  events,
  wake: [topicOf(onboarding)],
});
