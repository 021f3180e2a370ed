export type Decision = 'approved' | 'denied';
export type Outcome = Decision | 'expired' | 'cancelled';
export type Status = 'pending' | Outcome;

/** Something that a client of the product was told. Nothing else of what happens inside is known to the checker. */
export type Told = ToldOfApproval | ToldOfWebhook | ToldOfOnboarding;

export const isOfApproval = (told: Told): told is ToldOfApproval => !('about' in told);
export const isOfWebhook = (told: Told): told is ToldOfWebhook => 'about' in told && told.about === 'webhook';

export const isOfOnboarding = (told: Told): told is ToldOfOnboarding => 'about' in told && told.about === 'onboarding';

export type ToldOfApproval =
  /** An approval was acknowledged under this idempotency key. */
  | { what: 'created'; key: string; approvalId: string; status: Status; expiresAtMs: number; callback: boolean }
  /** A device was told that its answer counts. */
  | { what: 'answered'; approvalId: string; deviceId: string; decision: Decision; status: Status }
  | { what: 'cancelled'; approvalId: string; status: Status }
  /** An approval was read, by the back end or by a device. */
  | { what: 'seen'; approvalId: string; status: Status }
  /** A callback with a valid signature arrived. */
  | { what: 'callback'; approvalId: string; webhookId: string; outcome: Outcome }
  /** A request was refused for good; `subject` is the approval, or the key of one that was not created. */
  | { what: 'refused'; call: 'create' | 'cancel'; subject: string; code: string }
  | { what: 'refused'; call: 'answer'; subject: string; code: string; deviceId: string; decision: Decision }
  /** A request had no answer until its client gave up. */
  | { what: 'unanswered'; call: 'create' | 'answer' | 'cancel'; subject: string };

/** `endpoint` is the back end's own name for it, which is also its description and its idempotency key. */
export type ToldOfWebhook = { about: 'webhook'; endpoint: string; atMs: number } & (
  | { what: 'created'; endpointId: string; secret: string; eventTypes: readonly string[] | null }
  /** The request was first sent at `begunMs`; the ping that was acknowledged was made between then and now. */
  | { what: 'pinged'; begunMs: number }
  /** From now on, everything is signed with the new secret and with the one before it. */
  | { what: 'rotated' }
  | { what: 'redelivered'; begunMs: number; sinceMs: number }
  | { what: 'removed' }
  /** An event arrived; `secrets` says with which of the endpoint's secrets it is signed. */
  | {
      what: 'arrived';
      eventId: string;
      type: string;
      eventAtMs: number;
      data: Readonly<Record<string, unknown>>;
      digest: string;
      secrets: readonly number[];
    }
  | { what: 'refused'; call: WebhookCall; code: string }
  | { what: 'unanswered'; call: WebhookCall }
);
export type WebhookCall = 'create' | 'ping' | 'rotate' | 'redeliver' | 'remove';

export type OnboardingEnd = 'enabled' | 'expired' | 'cancelled';
export type OnboardingCall = 'start' | 'method' | 'code' | 'cancel' | 'link' | 'registration' | 'answer';

export type ToldOfOnboarding = { about: 'onboarding' } & (
  | { what: 'started'; key: string; onboardingId: string; userId: string; status: string; expiresAtMs: number }
  | { what: 'chosen'; onboardingId: string; method: string; status: string }
  /** A device was told that it is registered, while the onboarding waited for one. */
  | { what: 'registered'; onboardingId: string; deviceId: string }
  /** A device was told that its answer to the confirmation counts. */
  | { what: 'answered'; onboardingId: string; deviceId: string; decision: Decision; status: Status }
  /** A code was taken; `right` says whether it was the one that was sent. */
  | { what: 'entered'; onboardingId: string; right: boolean; status: string }
  | { what: 'cancelled' | 'seen'; onboardingId: string; status: string }
  /** A text message that reached the person. */
  | { what: 'texted'; onboardingId: string; messageId: string; text: string }
  /** Refused for good; `subject` is the onboarding, or the key of one that was not started. */
  | { what: 'refused'; call: OnboardingCall; subject: string; code: string }
  | { what: 'unanswered'; call: OnboardingCall; subject: string }
);

/** What is told of a webhook, but for where and when. */
type Distributed<T> = T extends unknown ? Omit<T, 'about' | 'endpoint' | 'atMs'> : never;

/** What all clients of one run were told, in the order in which they were. */
export class ToldLog {
  readonly facts: Told[] = [];

  tell(fact: Told): void {
    this.facts.push(fact);
  }

  /** Something of an endpoint, now. */
  readonly aboutWebhook = <Fact extends Distributed<ToldOfWebhook>>(endpoint: string, fact: Fact) => {
    const whole = { about: 'webhook' as const, endpoint, atMs: Date.now(), ...fact };
    this.tell(whole);
    return whole;
  };
}
