import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { OnboardingRequest } from '../contracts/onboardings';
import { recordEvents } from '../db/events';
import type { Notifications } from '../db/notifications';
import type { Onboarding, OnboardingRows } from '../db/onboardings';
import type { OnboardingDefaults, TenantRows } from '../db/tenants';
import { inTransaction, readClock } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import type { Method } from '../domain/method';
import { isOpen, requireOpenOnboarding, requireStep } from '../domain/onboarding';
import type { OnboardingStatus } from '../domain/onboarding';
import type { ApprovalWorkflows } from './approvalWorkflows';
import type { Codes } from './codes';
import { keepNothing } from './idempotency';
import type { InstallLinks } from './installLinks';
import type { OnboardingEnds } from './onboardingEnds';
import type { OnboardingMethods, Step } from './onboardingMethods';
import type { OnboardingSteps } from './onboardingSteps';
import type { OnboardingWorkflows } from './onboardingWorkflows';
import type { MintedToken, RegistrationTokens } from './registrationTokens';
import { topicOf } from './topics';
import type { Totp } from './totp';
import { toOnboardingView } from './views';
import { changes, waitFor } from './waiting';

export interface OnboardingDeps {
  pool: Pool;
  onboardings: OnboardingRows;
  users: Pick<UserRows, 'find' | 'lock' | 'confirm'>;
  tenants: Pick<TenantRows, 'readOnboardingDefaults'>;
  steps: OnboardingSteps;
  ends: OnboardingEnds;
  methods: OnboardingMethods;
  codes: Pick<Codes, 'judge' | 'startDelivery'>;
  totp: Pick<Totp, 'judge'>;
  tokens: Pick<RegistrationTokens, 'mint'>;
  installLinks: Pick<InstallLinks, 'idOf'>;
  workflows: OnboardingWorkflows;
  approvalWorkflows: Pick<ApprovalWorkflows, 'start'>;
  notifications: Notifications;
}

/** What back ends, and people with an install link, do with onboardings. */
export function createOnboardings(deps: OnboardingDeps) {
  const { pool, onboardings, users, tenants, steps, ends, methods, codes, totp, tokens, installLinks } = deps;
  const { workflows, approvalWorkflows, notifications } = deps;

  /** As it stands now: past its deadline it is expired first, so that nobody sees what is no longer true. */
  const find = steps.recordExpiry;

  /**
   * One step of an open onboarding, with its user and then itself locked. Where it is met past its deadline, the expiry is
   * written before the refusal is heard.
   */
  async function advance<T>(
    tenantId: string,
    id: string,
    step: (tx: Tx, before: Onboarding, user: User) => Promise<T>,
  ): Promise<T> {
    const { userId } = await find(tenantId, id);
    try {
      return await inTransaction(pool, async (tx) => {
        const user = await users.lock(tx, tenantId, userId);
        const before = (await onboardings.lock(tx, tenantId, id))!;
        requireOpenOnboarding(before, before.readAtMs);
        return step(tx, before, user!); // a removed user has no open one
      });
    } catch (error) {
      if (error instanceof DomainError && error.code === 'onboarding_expired') await find(tenantId, id);
      throw error;
    }
  }

  /** Starts what a step asked for, after its commit. */
  function follow({ asked, code }: Step): void {
    if (asked) approvalWorkflows.start(asked.approval);
    if (code) codes.startDelivery(code);
  }

  /** A registration token of an onboarding that waits for a device. @throws onboarding_expired, onboarding_closed, wrong_step */
  const mintToken = (
    tenantId: string,
    id: string,
    keep: (tx: Tx, token: MintedToken) => Promise<void>,
  ): Promise<MintedToken> =>
    advance(tenantId, id, async (tx, before) => {
      requireStep(before, 'waiting_for_device', before.readAtMs);
      const { userId } = before;
      const token = await tokens.mint(tx, { tenantId, userId, onboardingId: id }, before.readAtMs);
      await keep(tx, token);
      await recordEvents(tx, tenantId, [{ type: 'registration_token_created', userId, onboardingId: id }]);
      return token;
    });

  const watching = (tenantId: string, id: string, signal: AbortSignal) => ({
    read: () => find(tenantId, id),
    lookAgainInMs: (seen: Onboarding) => seen.expiresAtMs - seen.readAtMs,
    signal,
  });

  return {
    find,

    /**
     * Begins to enable two-factor authentication. An open attempt of the same user is replaced. What `keep` writes belongs
     * to the same transaction; workflows are started after the commit.
     * @throws user_not_found, no_phone, channel_not_configured, method_enabled, too_many_requests
     */
    async start(
      tenantId: string,
      userId: string,
      request: OnboardingRequest,
      keep: (tx: Tx, step: Step) => Promise<void>,
    ): Promise<Step> {
      const { step, replaced } = await inTransaction(pool, async (tx) => {
        const user = await users.lock(tx, tenantId, userId);
        if (!user) throw new DomainError('user_not_found');
        const open = await onboardings.lockOpen(tx, tenantId, userId);
        const replaced = open && (await ends.cancel(tx, open, 'replaced'));
        const times = timesOf(request, await tenants.readOnboardingDefaults(tx, tenantId), await readClock(tx));
        const { ownApp, method } = request;
        const fresh = await onboardings.insert(tx, { id: randomUUID(), tenantId, userId, ownApp, ...times });
        const step = method === undefined ? methods.nothingMore(fresh) : await methods.choose(tx, user, fresh, method);
        await keep(tx, step);
        const started: NewEvent = { type: 'onboarding_started', userId, onboardingId: fresh.id };
        const { events = [], wake = [] } = replaced ?? {};
        await recordEvents(tx, tenantId, [...events, started, ...step.events], [...wake, ...step.wake]);
        return { step, replaced: replaced?.onboarding };
      });
      workflows.start(step.onboarding);
      follow(step);
      if (replaced) {
        workflows.tell({ tenantId, onboardingId: replaced.id }, 'cancel');
        await steps.closeConfirmation(replaced);
      }
      return step;
    },

    /** The method, or another one; the same again repeats its first step. @throws as OnboardingMethods.choose */
    async chooseMethod(tenantId: string, id: string, method: Method): Promise<Step> {
      const step = await advance(tenantId, id, async (tx, before, user) => {
        const chosen = await methods.choose(tx, user, before, method);
        await recordEvents(tx, tenantId, chosen.events, chosen.wake);
        return chosen;
      });
      follow(step);
      workflows.tell({ tenantId, onboardingId: id }, 'method_chosen');
      return step;
    },

    /** The first code; the right one enables the method. A wrong one is counted before it is refused. */
    async enterCode(tenantId: string, id: string, code: string): Promise<Onboarding> {
      const entered = await advance(tenantId, id, async (tx, before) => {
        requireStep(before, 'waiting_for_code', before.readAtMs);
        const guess = { tenantId, userId: before.userId, purpose: 'onboarding', code } as const;
        const verdict = await (before.method === 'totp' ? totp : codes).judge(tx, guess);
        const judged = verdict.events.map((event) => ({ ...event, onboardingId: id }));
        if (verdict.kind === 'refused') {
          if (judged.length > 0) await recordEvents(tx, tenantId, judged);
          return verdict.refusal;
        }
        await users.confirm(tx, tenantId, before.userId);
        const { onboarding, events, wake } = await ends.enable(tx, before, before.method!);
        await recordEvents(tx, tenantId, [...judged, ...events], wake);
        return onboarding;
      });
      if (entered instanceof DomainError) throw entered;
      workflows.tell({ tenantId, onboardingId: id }, 'code_accepted');
      return entered;
    },

    /** Ends an open one; a cancelled one stays so. @throws when it has ended otherwise */
    async cancel(tenantId: string, id: string): Promise<Onboarding> {
      const onboarding = await steps.recordCancellation(tenantId, id);
      workflows.tell({ tenantId, onboardingId: id }, 'cancel');
      if (onboarding.status !== 'cancelled') requireOpenOnboarding(onboarding, onboarding.readAtMs);
      return onboarding;
    },

    createToken: mintToken,

    /** What an install link is good for, whoever has it. @throws install_link_invalid, whatever is wrong with it */
    async openLink(secret: string): Promise<MintedToken> {
      const id = installLinks.idOf(secret);
      const known = id === undefined ? undefined : await onboardings.findById(pool, id);
      if (!known) throw new DomainError('install_link_invalid');
      return mintToken(known.tenantId, known.id, keepNothing).catch((error: unknown) => {
        throw error instanceof DomainError ? new DomainError('install_link_invalid') : error;
      });
    },

    /** A long poll: answers when its status is not `status` any more, without that when it is closed; or in time. */
    waitFor: (
      tenantId: string,
      id: string,
      { status, waitMs, signal }: { status: OnboardingStatus | undefined; waitMs: number; signal: AbortSignal },
    ): Promise<Onboarding> =>
      waitFor(notifications, topicOf({ id }), {
        ...watching(tenantId, id, signal),
        waitMs,
        // A closed one does not change any more, whatever it is waited for.
        done: (seen) => !isOpen(seen) || (status !== undefined && seen.status !== status),
      }),

    /** The onboarding now, and at each change that its tenant can see, until it is closed. */
    stream: (tenantId: string, id: string, signal: AbortSignal): AsyncGenerator<Onboarding> =>
      changes(notifications, topicOf({ id }), {
        ...watching(tenantId, id, signal),
        view: toOnboardingView,
        done: (seen) => !isOpen(seen),
      }),

    /** The newest twenty of a user, newest first. */
    async listOfUser(tenantId: string, userId: string): Promise<Onboarding[]> {
      if (!(await users.find(pool, tenantId, userId))) throw new DomainError('user_not_found');
      const [newest, ...others] = await onboardings.listOfUser(pool, tenantId, userId);
      if (!newest) return [];
      return [isOpen(newest) ? await find(tenantId, newest.id) : newest, ...others]; // only the newest can be open
    },
  };
}
export type Onboardings = ReturnType<typeof createOnboardings>;

/** When it begins, ends and reminds. A reminder that would come after the end is none. */
function timesOf(
  { expiresInSeconds, remindAfterSeconds }: OnboardingRequest,
  { deadlineSeconds, reminderSeconds }: OnboardingDefaults,
  nowMs: number,
): Pick<Onboarding, 'createdAtMs' | 'expiresAtMs' | 'remindAtMs'> {
  const expiresAtMs = nowMs + (expiresInSeconds ?? deadlineSeconds) * 1_000;
  const afterSeconds = remindAfterSeconds === undefined ? reminderSeconds : remindAfterSeconds;
  const remindAtMs = afterSeconds === null ? null : nowMs + afterSeconds * 1_000;
  return {
    createdAtMs: nowMs,
    expiresAtMs,
    remindAtMs: remindAtMs !== null && remindAtMs < expiresAtMs ? remindAtMs : null,
  };
}
