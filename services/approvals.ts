import type { Pool } from 'pg';
import type { ApprovalRequest } from '../contracts/approvals';
import type { Approval, ApprovalRows } from '../db/approvals';
import type { Device } from '../db/devices';
import { recordEvents } from '../db/events';
import type { Notifications } from '../db/notifications';
import type { OneTouchRows } from '../db/oneTouch';
import type { Tenant } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { UserRows } from '../db/users';
import type { ApprovalStatus } from '../domain/approval';
import { chooseApprovers, isPastDeadline, MOST_OPEN_LOGINS, MOST_RESENDS, requireOpen } from '../domain/approval';
import { DomainError } from '../domain/errors';
import { REPEAT_WINDOW_MS } from '../domain/oneTouch';
import type { ApprovalWorkflows } from './approvalWorkflows';
import type { Decisions } from './decisions';
import { afterInsert, toNewApproval } from './newApprovals';
import type { OneTouchPart } from './newApprovals';
import { fromCursor, toPage } from './pages';
import { readUnverified } from './signatures';
import { digest } from './text';
import { wakers } from './topics';
import { toView } from './views';
import { changes, waitFor } from './waiting';

export interface ApprovalDeps {
  pool: Pool;
  approvals: ApprovalRows;
  users: UserRows;
  oneTouch: Pick<OneTouchRows, 'findRepeated' | 'secondsUntilNext'>;
  decisions: Decisions;
  workflows: ApprovalWorkflows;
  notifications: Notifications;
  /** Refuses a callback URL that this installation would not call. */
  requireCallbackUrl: (url: string) => void;
}

/** What back ends and devices can do with approvals; how they are decided is in `decisions`. */
export function createApprovals(deps: ApprovalDeps) {
  const { pool, approvals, users, oneTouch, decisions, workflows, notifications, requireCallbackUrl } = deps;

  /** As it stands now; a pending one past its deadline is expired first, so that nobody sees what is no longer true. */
  async function find(tenantId: string, id: string): Promise<Approval> {
    const approval = await approvals.find(pool, tenantId, id);
    if (!approval) throw new DomainError('approval_not_found');
    return isPastDeadline(approval, approval.readAtMs) ? decisions.recordExpiry(tenantId, id) : approval;
  }

  /** @throws too_many_open_approvals, with the time after which there are fewer at the latest */
  async function requireFew(tx: Tx, tenantId: string, userId: string, most: number): Promise<void> {
    const retryAfterSeconds = await oneTouch.secondsUntilNext(tx, tenantId, userId, most);
    if (retryAfterSeconds === undefined) return;
    throw new DomainError('too_many_open_approvals', { retryAfterSeconds, reason: `${most} were not approved` });
  }

  const watching = (tenantId: string, id: string, signal: AbortSignal) => ({
    read: () => find(tenantId, id),
    lookAgainInMs: (seen: Approval) => seen.expiresAtMs - seen.readAtMs,
    signal,
  });

  return {
    find,

    /**
     * Asks a person, or several. What `keep` writes belongs to the same transaction; the workflow is started after the
     * commit. A question with a `repeatKey` that is open already is answered with that approval.
     * @throws user_not_found, too_few_approvers, no_device, too_many_open_approvals, callback_url_refused
     */
    async create(
      tenant: Tenant,
      request: ApprovalRequest & OneTouchPart,
      keep: (tx: Tx, approval: Approval) => Promise<void>,
    ): Promise<Approval> {
      const { userId, mode, requestedBy, repeatKey, mostUnapproved } = request;
      const asked = request.approvers ?? [userId!];
      const { userIds, required } = chooseApprovers(asked, request);
      if (request.callbackUrl !== undefined) requireCallbackUrl(request.callbackUrl);
      const { approval, isNew } = await inTransaction(pool, async (tx) => {
        // Locked, so that the limit counts exactly and nobody is removed meanwhile.
        const there = await users.lockAll(tx, tenant.id, userIds);
        if (there.length < userIds.length) {
          throw new DomainError('user_not_found', { field: userId === undefined ? 'approvers' : 'userId' });
        }
        if (requestedBy !== undefined && !(await users.find(tx, tenant.id, requestedBy))) {
          throw new DomainError('user_not_found', { field: 'requestedBy' });
        }
        const known = repeatKey && (await oneTouch.findRepeated(tx, tenant.id, repeatKey, REPEAT_WINDOW_MS));
        if (known) return { approval: (await approvals.find(tx, tenant.id, known))!, isNew: false };
        const { able, openLogins, nowMs } = await approvals.readPrerequisites(tx, tenant.id, userIds);
        if (able < required) throw new DomainError('no_device');
        if (mode === 'login' && openLogins >= MOST_OPEN_LOGINS) throw new DomainError('too_many_open_approvals');
        if (mostUnapproved !== undefined) await requireFew(tx, tenant.id, userIds[0]!, mostUnapproved);
        const expiresAtMs = nowMs + request.expiresInSeconds * 1_000;
        const fresh = toNewApproval(tenant, request, { userIds, required, onboardingId: null, nowMs, expiresAtMs });
        await approvals.insert(tx, fresh);
        const asWritten = afterInsert(fresh);
        await keep(tx, asWritten);
        await recordEvents(
          tx,
          tenant.id,
          [
            {
              type: 'approval_created',
              approvalId: fresh.id,
              ...(userId === undefined ? {} : { userId }),
              data: { mode },
            },
          ],
          wakers(asWritten),
        );
        return { approval: asWritten, isNew: true };
      });
      if (isNew) workflows.start(approval);
      return approval;
    },

    /** A long poll: answers when the approval is decided, or when the time is over. */
    waitForOutcome: (tenantId: string, id: string, waitMs: number, signal: AbortSignal): Promise<Approval> =>
      waitFor(
        notifications,
        { kind: 'approval', id },
        { ...watching(tenantId, id, signal), waitMs, done: (seen) => seen.status !== 'pending' },
      ),

    /** The approval now, and at each change that its tenant can see, until it is decided. */
    stream: (tenantId: string, id: string, signal: AbortSignal): AsyncGenerator<Approval> =>
      changes(
        notifications,
        { kind: 'approval', id },
        { ...watching(tenantId, id, signal), view: toView, done: (seen) => seen.status !== 'pending' },
      ),

    async list(
      tenantId: string,
      filter: {
        userId?: string | undefined;
        status?: ApprovalStatus | undefined;
        limit: number;
        cursor?: string | undefined;
      },
    ): Promise<{ entries: Approval[]; nextCursor: string | null }> {
      const { userId, status, limit, cursor } = filter;
      const found = await approvals.list(pool, tenantId, {
        ...(userId === undefined ? {} : { userId }),
        ...(status === undefined ? {} : { status }),
        limit: limit + 1,
        ...fromCursor(cursor),
      });
      const page = toPage(found, limit);
      const expired = (seen: Approval) => isPastDeadline(seen, seen.readAtMs);
      const entries: Approval[] = [];
      for (const seen of page.entries) {
        entries.push(expired(seen) ? await decisions.recordExpiry(tenantId, seen.id) : seen);
      }
      return { ...page, entries };
    },

    /** Withdraws an open approval; a cancelled one stays so. @throws when it is decided otherwise */
    async cancel(tenantId: string, id: string): Promise<Approval> {
      const approval = await decisions.recordCancellation(tenantId, id);
      workflows.tell({ tenantId, approvalId: id }, 'cancel');
      if (approval.status !== 'cancelled') requireOpen(approval, approval.readAtMs);
      return approval;
    },

    /** Pushes once more. */
    async resend(tenantId: string, id: string): Promise<Approval> {
      const approval = await inTransaction(pool, async (tx) => {
        if (!(await approvals.lock(tx, tenantId, id))) throw new DomainError('approval_not_found');
        const before = (await approvals.find(tx, tenantId, id))!;
        requireOpen(before, before.readAtMs);
        if (before.pushRound >= MOST_RESENDS) throw new DomainError('too_many_requests');
        await approvals.startPushRound(tx, tenantId, id);
        await recordEvents(tx, tenantId, [{ type: 'approval_resent', approvalId: id }], wakers(before));
        const pushState = before.pushBy === 'us' ? ('waiting' as const) : ('none' as const);
        return { ...before, pushRound: before.pushRound + 1, pushState };
      });
      workflows.tell({ tenantId, approvalId: id }, 'look');
      return approval;
    },

    /** A device's signed answer; the reply comes from the commit, and then the workflow is told. */
    async answer(approvalId: string, jws: string): Promise<{ approval: Approval; userId: string }> {
      const approval = await decisions.recordAnswer(approvalId, jws);
      const { kid } = readUnverified(jws, 'signature_invalid'); // verified by now
      const vote = approval.approvers.find((person) => person.deviceId === kid)!;
      const signal = vote.decision === 'denied' ? 'deny' : 'approve';
      workflows.tell({ tenantId: approval.tenantId, approvalId }, signal, { answer: jws });
      return { approval, userId: vote.userId };
    },

    /** One approval, for a device of somebody who is asked for it. */
    async findForDevice(device: Device, id: string): Promise<Approval> {
      const approval = await find(device.tenantId, id);
      if (!approval.approvers.some((person) => person.userId === device.userId)) {
        throw new DomainError('approval_not_found');
      }
      return approval;
    },

    /** What waits for a person; with a cursor, answers when that differs from it or the time is over. */
    async inbox(
      device: Device,
      { cursor, waitMs, signal }: { cursor: string | undefined; waitMs: number; signal: AbortSignal },
    ): Promise<{ open: Approval[]; cursor: string }> {
      const read = async () => {
        const open = await approvals.listInbox(pool, device);
        return { open, cursor: inboxCursor(open) };
      };
      return waitFor(
        notifications,
        { kind: 'user', id: device.userId },
        {
          read,
          lookAgainInMs: ({ open }) => Math.min(...open.map((seen) => seen.expiresAtMs - seen.readAtMs)),
          signal,
          waitMs,
          done: (seen) => (cursor === undefined ? seen.open.length > 0 : seen.cursor !== cursor),
        },
      );
    },
  };
}
export type Approvals = ReturnType<typeof createApprovals>;

/** Changes whenever the inbox shows something else. */
const inboxCursor = (open: readonly Approval[]): string =>
  digest(JSON.stringify(open.map(({ id, pushRound, approvers }) => [id, pushRound, approvers]))).slice(0, 22);
