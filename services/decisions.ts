import type { Pool } from 'pg';
import type { z } from 'zod';
import { AnswerPayload } from '../contracts/device';
import type { Approval, ApprovalRows, Approver } from '../db/approvals';
import type { Device, DeviceRows } from '../db/devices';
import { recordEvents } from '../db/events';
import type { OnboardingRows } from '../db/onboardings';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import { ANSWER_TYPE, requireAnswerTo } from '../domain/answer';
import { decide, isPastDeadline, MUTED_AFTER_NOT_ME_MS, withdraw } from '../domain/approval';
import type { ApprovalOutcome, DenialReason } from '../domain/approval';
import { DomainError } from '../domain/errors';
import type { NewEvent } from '../domain/event';
import { callbackAfter } from '../domain/oneTouch';
import type { OnboardingInput } from '../workflows/onboarding.messages';
import type { Confirmations } from './confirmations';
import { readUnverified, verifyJws } from './signatures';
import { isId } from './text';
import { wakers } from './topics';

export interface DecisionDeps {
  pool: Pool;
  approvals: ApprovalRows;
  devices: DeviceRows;
  users: UserRows;
  onboardings: Pick<OnboardingRows, 'lock'>;
  confirmations: Pick<Confirmations, 'isAwaited' | 'close'>;
  /** Told once for each outcome, after it is written. */
  onOutcome?: (outcome: ApprovalOutcome) => void;
  /** The same where the approval confirms an onboarding, which then has ended. */
  onConfirmationDecided?: (onboarding: OnboardingInput) => void;
}

type Claims = z.output<typeof AnswerPayload>;

/** An approval as a transaction leaves it, and whether an onboarding ends with it. */
interface Left {
  approval: Approval;
  endsOnboarding: boolean;
}
const still = (approval: Approval): Left => ({ approval, endsOnboarding: false });

/** The only places where the status of an approval changes. Each is one transaction, and safe to repeat. */
export function createDecisions(deps: DecisionDeps) {
  const { pool, approvals, devices, users, onboardings, confirmations, onOutcome, onConfirmationDecided } = deps;

  /** Reads an approval under its lock, so that what is seen is what will be changed; its clock was read after the lock. */
  async function lockAndRead(tx: Tx, tenantId: string, id: string): Promise<Approval> {
    if (!(await approvals.lock(tx, tenantId, id))) throw new DomainError('approval_not_found');
    return (await approvals.find(tx, tenantId, id))!;
  }

  async function conclude(
    tx: Tx,
    approval: Approval,
    status: ApprovalOutcome,
    { reason = null, events = [] }: { reason?: DenialReason | null; events?: readonly NewEvent[] } = {},
  ): Promise<Left> {
    const callback = callbackAfter(approval, status);
    await approvals.recordOutcome(tx, approval, { status, reason, callback, atMs: approval.readAtMs });
    const closed = await confirmations.close(tx, approval, status);
    await recordEvents(
      tx,
      approval.tenantId,
      [...events, { type: `approval_${status}`, ...idsOf(approval), data: { reason } }, ...closed.events],
      [...wakers(approval), ...closed.wake],
    );
    const concluded: Approval = {
      ...approval,
      status,
      reason,
      decidedAtMs: approval.readAtMs,
      pushState: approval.pushState === 'waiting' ? 'none' : approval.pushState,
      callbackState: callback,
    };
    return { approval: concluded, endsOnboarding: closed.events.length > 0 };
  }

  /**
   * Takes out whoever was removed since: a removal is committed before it reaches each approval, and who decides meanwhile
   * must not count them. Cancels what cannot be reached any more.
   */
  async function withdrawRemoved(tx: Tx, before: Approval): Promise<Left> {
    const isGone = ({ isRemoved, withdrawnAtMs }: Approver) => isRemoved && withdrawnAtMs === null;
    const gone = before.approvers.filter(isGone).map(({ userId }) => userId);
    if (gone.length === 0) return still(before);
    const atMs = before.readAtMs;
    const status = withdraw(before, gone, atMs);
    await approvals.recordWithdrawals(tx, before, gone, atMs);
    const withdrawnAfter = before.approvers.filter(({ answeredAtMs }) => answeredAtMs !== null).length;
    const left: Approval = {
      ...before,
      approvers: before.approvers.map((person) =>
        isGone(person) ? { ...person, withdrawnAtMs: atMs, withdrawnAfter } : person,
      ),
    };
    if (status === 'cancelled') return conclude(tx, left, status);
    await approvals.expectWorkflow(tx, left);
    const events = gone.map((userId) => ({ type: 'approver_withdrawn' as const, approvalId: before.id, userId }));
    await recordEvents(tx, before.tenantId, events, wakers(left));
    return still(left);
  }

  /** The same, and cancels the confirmation of what has ended otherwise: it was replaced, say, or cancelled. */
  async function withdrawUnwanted(tx: Tx, before: Approval): Promise<Left> {
    if (before.onboardingId === null || (await confirmations.isAwaited(tx, before))) return withdrawRemoved(tx, before);
    return conclude(tx, before, 'cancelled');
  }

  /** Commits, and counts an outcome that was written by this transaction. */
  async function deciding(work: (tx: Tx) => Promise<Left & { before: Approval }>): Promise<Approval> {
    const { approval, endsOnboarding, before } = await inTransaction(pool, work);
    if (before.status !== 'pending' || approval.status === 'pending') return approval;
    onOutcome?.(approval.status);
    const { tenantId, onboardingId } = approval;
    if (endsOnboarding && onboardingId !== null) onConfirmationDecided?.({ tenantId, onboardingId });
    return approval;
  }

  /** Reads from a signed answer what this device says to this approval, whatever the approval's state. */
  function readClaims(approval: Approval, device: Device, signed: Record<string, unknown>): Claims {
    // Not yours and not there are the same reply.
    if (!approval.approvers.some((person) => person.userId === device.userId)) {
      throw new DomainError('approval_not_found');
    }
    const claims = AnswerPayload.safeParse(signed);
    if (!claims.success) {
      const field = claims.error.issues[0]?.path.join('.');
      throw new DomainError('answer_mismatch', { ...(field ? { field } : {}), reason: 'missing, unknown or wrong' });
    }
    requireAnswerTo(approval, device.id, claims.data);
    return claims.data;
  }

  return {
    /**
     * One person's signed answer. The same decision of the same device again is answered as the first time, whatever its
     * signature bytes. Past the deadline the expiry is written, and then the answer is refused.
     * @throws DomainError with the reason why the answer does not count; the approval is then as it was.
     */
    async recordAnswer(approvalId: string, jws: string): Promise<Approval> {
      const { kid, claims: said } = readUnverified(jws, 'signature_invalid');
      const tenantId = typeof said['tenantId'] === 'string' && isId(said['tenantId']) ? said['tenantId'] : NOBODY;
      let refusal: DomainError | undefined; // of what is written nevertheless
      const written = await deciding(async (tx) => {
        const there = await approvals.lock(tx, tenantId, approvalId);
        const { people, onboardingId } = there ?? NOT_THERE;
        const askedDeviceId = isId(kid) ? kid : NOBODY;
        if (people > 1 || onboardingId !== null) await approvals.lockPeople(tx, tenantId, approvalId, askedDeviceId);
        if (onboardingId !== null) await onboardings.lock(tx, tenantId, onboardingId);
        const device = await devices.lockForAnswer(tx, tenantId, askedDeviceId);
        // Judged alike whether the approval is there or not, or strangers could tell.
        if (!device) throw new DomainError('signature_invalid');
        const signed = await verifyJws(jws, device.publicJwk, ANSWER_TYPE, 'signature_invalid');
        if (!there) throw new DomainError('approval_not_found');
        const found = (await approvals.find(tx, tenantId, approvalId))!;
        const { decision, reason = null } = readClaims(found, device, signed);
        const { id: deviceId, userId, removedAtMs } = device;

        const vote = found.approvers.find((person) => person.userId === userId)!;
        if (vote.deviceId === deviceId && vote.decision === decision) return { ...still(found), before: found };
        if (removedAtMs !== null) throw new DomainError('device_removed');
        if (isPastDeadline(found, found.readAtMs)) {
          refusal = new DomainError('approval_expired');
          return { ...(await conclude(tx, found, 'expired')), before: found };
        }
        const left = found.status === 'pending' ? await withdrawUnwanted(tx, found) : still(found);
        const before = left.approval;
        if (before.status !== found.status) {
          refusal = new DomainError('approval_cancelled');
          return { ...left, before: found };
        }

        const status = decide(before, userId, decision, before.readAtMs);
        const atMs = before.readAtMs;
        await approvals.recordVote(tx, { approvalId, tenantId, userId, deviceId, decision, reason, jws, atMs });
        const events: NewEvent[] = [];
        if (reason === 'not_me') {
          await users.mutePushes(tx, tenantId, userId, atMs + MUTED_AFTER_NOT_ME_MS);
          events.push({ type: 'login_reported', approvalId, userId, deviceId });
        }
        const counted: Approval = {
          ...before,
          approvers: before.approvers.map((person) =>
            person.userId === userId ? { ...person, decision, reason, deviceId, answeredAtMs: atMs } : person,
          ),
        };
        if (status !== 'pending') return { ...(await conclude(tx, counted, status, { reason, events })), before };
        await approvals.expectWorkflow(tx, counted);
        events.push({ type: 'approval_answered', approvalId, userId, deviceId, data: { decision } });
        await recordEvents(tx, tenantId, events, wakers(counted));
        return { ...still(counted), before };
      });
      if (refusal) throw refusal;
      return written;
    },

    /** Writes the expiry if the database's clock says so; answers with the approval as it stands. */
    recordExpiry: (tenantId: string, approvalId: string): Promise<Approval> =>
      deciding(async (tx) => {
        const before = await lockAndRead(tx, tenantId, approvalId);
        const due = isPastDeadline(before, before.readAtMs);
        return { ...(due ? await conclude(tx, before, 'expired') : still(before)), before };
      }),

    /** Takes removed people out of what is still open (past its deadline: expires it); answers as it stands then. */
    recordWithdrawal: (tenantId: string, approvalId: string): Promise<Approval> =>
      deciding(async (tx) => {
        const before = await lockAndRead(tx, tenantId, approvalId);
        if (before.status !== 'pending') return { ...still(before), before };
        const due = isPastDeadline(before, before.readAtMs);
        return { ...(await (due ? conclude(tx, before, 'expired') : withdrawRemoved(tx, before))), before };
      }),

    /** Cancels what is still open (past its deadline: expires it); answers with the approval as it stands. */
    recordCancellation: (tenantId: string, approvalId: string): Promise<Approval> =>
      deciding(async (tx) => {
        const before = await lockAndRead(tx, tenantId, approvalId);
        if (before.status !== 'pending') return { ...still(before), before };
        const outcome = isPastDeadline(before, before.readAtMs) ? 'expired' : 'cancelled';
        return { ...(await conclude(tx, before, outcome)), before };
      }),
  };
}
export type Decisions = ReturnType<typeof createDecisions>;

/** An id that nobody has. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

const NOT_THERE = { people: 0, onboardingId: null };

/** What an event about an approval names. */
const idsOf = ({ id, onboardingId }: Approval) => ({
  approvalId: id,
  ...(onboardingId === null ? {} : { onboardingId }),
});
