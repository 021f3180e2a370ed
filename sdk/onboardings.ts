import type { z } from 'zod';
import type { createOnboardingToken, OnboardingStep, OnboardingView, startOnboarding } from '../contracts/onboardings';
import type { Method } from '../domain/method';
import type { OnboardingStatus } from '../domain/onboarding';
import { isOpen } from '../domain/onboarding';
import type { BackendCalls, CreateOptions } from './backendCalls';

export type NewOnboarding = z.input<typeof startOnboarding.body>;

/** How a back end enables two-factor authentication for a user. */
export function createOnboardings({ call, create, waitUntil }: BackendCalls) {
  const get = (
    onboardingId: string,
    { waitSeconds = 0, leaves, signal }: { waitSeconds?: number; leaves?: OnboardingStatus; signal?: AbortSignal } = {},
  ) =>
    call<OnboardingView>('GET', onboardingPath(onboardingId), {
      query: { wait: waitSeconds, status: leaves },
      waitSeconds,
      signal,
    });

  return {
    /** Begins; an attempt of this user that is still open is replaced. The reply has what the person needs next. */
    start: (userId: string, onboarding: NewOnboarding = {}, options?: CreateOptions) =>
      create<OnboardingStep>(`${userPath(userId)}/onboardings`, onboarding, options),
    /** The newest twenty of a user, newest first. */
    list: async (userId: string) =>
      (await call<{ onboardings: OnboardingView[] }>('GET', `${userPath(userId)}/onboardings`)).onboardings,
    /**
     * The onboarding as it is, or, with `waitSeconds` (at most 30), once it is closed, or, with `leaves`, once its status
     * is another one.
     */
    get,
    /** Waits until it is enabled, expired or cancelled, or with `leaves` until its status is another one, at the latest. */
    wait: (onboardingId: string, { leaves, signal }: { leaves?: OnboardingStatus; signal?: AbortSignal } = {}) =>
      waitUntil(
        (waitSeconds) =>
          get(onboardingId, {
            waitSeconds,
            ...(leaves === undefined ? {} : { leaves }),
            ...(signal === undefined ? {} : { signal }),
          }),
        (seen) => !isOpen(seen) || (leaves !== undefined && seen.status !== leaves),
        signal,
      ),
    /** Chooses the method, or another one. The same one again sends its link or code once more. */
    chooseMethod: (onboardingId: string, method: Method) =>
      call<OnboardingStep>('POST', `${onboardingPath(onboardingId)}/method`, { body: JSON.stringify({ method }) }),
    /** The first code, as the person read it; the right one enables the method. */
    enterCode: (onboardingId: string, code: string) =>
      call<OnboardingView>('POST', `${onboardingPath(onboardingId)}/code`, { body: JSON.stringify({ code }) }),
    /** Ends an open one. */
    cancel: (onboardingId: string) => call<OnboardingView>('POST', `${onboardingPath(onboardingId)}/cancel`),
    /** A new registration token for your own app, valid for ten minutes. */
    createToken: (onboardingId: string, options?: CreateOptions) =>
      create<z.output<typeof createOnboardingToken.reply>>(
        `${onboardingPath(onboardingId)}/registration-tokens`,
        undefined,
        options,
      ),
  };
}

const userPath = (userId: string) => `/v1/users/${encodeURIComponent(userId)}`;
const onboardingPath = (onboardingId: string) => `/v1/onboardings/${encodeURIComponent(onboardingId)}`;
