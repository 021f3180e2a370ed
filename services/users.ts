import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { CodeRows } from '../db/codes';
import type { Device, DeviceRows } from '../db/devices';
import { recordEvents } from '../db/events';
import type { MethodRows } from '../db/methods';
import type { OnboardingRows } from '../db/onboardings';
import type { TotpRows } from '../db/totp';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { DomainError } from '../domain/errors';
import type { Activity } from '../domain/activity';
import { requireUncharged } from '../domain/phoneLine';
import { toE164 } from '../domain/phoneNumber';
import type { ApprovalWorkflows } from './approvalWorkflows';
import type { Decisions } from './decisions';
import type { OnboardingEnds } from './onboardingEnds';
import type { OnboardingWorkflows } from './onboardingWorkflows';
import { fromCursor, toPage } from './pages';

export interface UserRequest {
  externalId?: string | undefined;
  phone?: string | undefined;
  email?: string | undefined;
  /** The phone decides who it is, also where that user has an externalId. */
  phoneDecides?: boolean;
}

export interface UserDeps {
  pool: Pool;
  users: UserRows;
  devices: DeviceRows;
  approvals: ApprovalRows;
  methods: Pick<MethodRows, 'remove'>;
  codes: Pick<CodeRows, 'remove'>;
  totp: Pick<TotpRows, 'remove'>;
  onboardings: Pick<OnboardingRows, 'lockOpen'>;
  decisions: Pick<Decisions, 'recordWithdrawal'>;
  ends: Pick<OnboardingEnds, 'cancel'>;
  workflows: Pick<ApprovalWorkflows, 'tell'>;
  onboardingWorkflows: Pick<OnboardingWorkflows, 'tell'>;
}

/** The people of a tenant. */
export function createUsers(deps: UserDeps) {
  const { pool, users, devices, approvals, methods, codes, totp, onboardings, decisions, ends } = deps;
  const { workflows, onboardingWorkflows } = deps;

  async function find(tenantId: string, userId: string): Promise<User> {
    const user = await users.find(pool, tenantId, userId);
    if (!user) throw new DomainError('user_not_found');
    return user;
  }

  /** The user that a creation is about: by externalId, or without one by a phone that nobody else's externalId has. */
  async function findKnown(
    tx: Tx,
    tenantId: string,
    { externalId, phone, phoneDecides }: { externalId: string | null; phone: string | null; phoneDecides: boolean },
  ) {
    if (externalId !== null) return users.findByExternalId(tx, tenantId, externalId);
    const known = phone === null ? undefined : await users.findByPhone(tx, tenantId, phone);
    return phoneDecides || known?.externalId === null ? known : undefined;
  }

  return {
    find,

    /** By the integer that clients of the Authy API know. */
    findByAuthyId: (tenantId: string, authyId: number): Promise<User | undefined> =>
      users.findByAuthyId(pool, tenantId, authyId),

    /**
     * Adds a user. `externalId` decides who it is: a known one answers the user it has. Without an externalId the phone
     * does.
     * @throws phone_in_use, phone_differs, phone_invalid
     */
    async create(tenantId: string, request: UserRequest, keep: (tx: Tx, user: User) => Promise<void>): Promise<User> {
      const { externalId = null, email = null, phoneDecides = false } = request;
      const phone = request.phone === undefined ? null : toE164(request.phone);
      if (phone !== null) requireUncharged(phone, 'phone');
      const who = { externalId, phone, phoneDecides };
      return inTransaction(pool, async (tx) => {
        const isTaken = async () => phone !== null && (await users.findByPhone(tx, tenantId, phone)) !== undefined;
        const known = await findKnown(tx, tenantId, who);
        const insert = () => users.insert(tx, { id: randomUUID(), tenantId, externalId, phone, email });
        let fresh = known || (await isTaken()) ? undefined : await insert();
        // Somebody else may have added the same user since we looked.
        let user = fresh ?? known ?? (await findKnown(tx, tenantId, who));
        if (!user) {
          if (await isTaken()) throw new DomainError('phone_in_use', { field: 'phone' });
          user = fresh = await insert(); // they removed it again, or an import took the Authy id
          if (!user) throw new DomainError('temporarily_unavailable');
        }
        if (!fresh && phone !== null && user.phone !== phone) {
          throw new DomainError('phone_differs', { field: 'phone' });
        }
        if (!fresh && phoneDecides && email !== null && user.email === null) {
          await users.setEmail(tx, tenantId, user.id, email, { onlyWhereNone: true });
        }
        await keep(tx, user);
        if (fresh) await recordEvents(tx, tenantId, [{ type: 'user_created', userId: user.id }]);
        return user;
      });
    },

    /** Changes the e-mail address. @throws user_not_found */
    setEmail: (tenantId: string, userId: string, email: string): Promise<void> =>
      inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        await users.setEmail(tx, tenantId, userId, email);
        await recordEvents(tx, tenantId, [{ type: 'user_updated', userId }]);
      }),

    /** Records what a back end tells of a user. @throws user_not_found */
    reportActivity: (tenantId: string, userId: string, activity: Activity): Promise<void> =>
      inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        await recordEvents(tx, tenantId, [{ type: 'activity_reported', userId, data: { activity } }]);
      }),

    /** Newest first; or at most the one with this externalId or phone. */
    async list(
      tenantId: string,
      filter: {
        externalId?: string | undefined;
        phone?: string | undefined;
        limit: number;
        cursor?: string | undefined;
      },
    ): Promise<{ entries: User[]; nextCursor: string | null }> {
      const { externalId, phone, limit, cursor } = filter;
      if (externalId === undefined && phone === undefined) {
        return toPage(await users.list(pool, tenantId, { limit: limit + 1, ...fromCursor(cursor) }), limit);
      }
      const found =
        externalId === undefined
          ? await users.findByPhone(pool, tenantId, toE164(phone!))
          : await users.findByExternalId(pool, tenantId, externalId);
      const fits = found && (phone === undefined || found.phone === toE164(phone));
      return { entries: fits ? [found] : [], nextCursor: null };
    },

    /**
     * Marks the user and all devices removed, ends an open onboarding, forgets methods, codes and secrets; then takes
     * their votes from what is open, approval by approval.
     */
    async remove(tenantId: string, userId: string): Promise<void> {
      const ended = await inTransaction(pool, async (tx) => {
        if (!(await users.lock(tx, tenantId, userId))) throw new DomainError('user_not_found');
        const open = await onboardings.lockOpen(tx, tenantId, userId);
        const ended = open && (await ends.cancel(tx, open, 'user_removed'));
        const removed = await devices.remove(tx, tenantId, userId);
        for (const rows of [methods, codes, totp]) await rows.remove(tx, tenantId, userId);
        await users.remove(tx, tenantId, userId);
        await recordEvents(
          tx,
          tenantId,
          [
            ...(ended?.events ?? []),
            ...removed.map((deviceId) => ({ type: 'device_removed' as const, userId, deviceId })),
            { type: 'user_removed', userId },
          ],
          [...(ended?.wake ?? []), { kind: 'user', id: userId }],
        );
        return ended?.onboarding;
      });
      if (ended) onboardingWorkflows.tell({ tenantId, onboardingId: ended.id }, 'cancel');
      for (const approvalId of await approvals.listOpenIds(pool, tenantId, userId)) {
        const { status } = await decisions.recordWithdrawal(tenantId, approvalId);
        workflows.tell({ tenantId, approvalId }, status === 'pending' ? 'look' : 'cancel');
      }
    },

    async listDevices(tenantId: string, userId: string): Promise<Device[]> {
      await find(tenantId, userId);
      return devices.listOfUser(pool, tenantId, userId);
    },

    async removeDevice(tenantId: string, userId: string, deviceId: string): Promise<void> {
      await find(tenantId, userId);
      await inTransaction(pool, async (tx) => {
        const removed = await devices.remove(tx, tenantId, userId, deviceId);
        if (removed.length === 0) throw new DomainError('device_not_found');
        await recordEvents(
          tx,
          tenantId,
          [{ type: 'device_removed', userId, deviceId }],
          [{ kind: 'user', id: userId }],
        );
      });
    },
  };
}
export type Users = ReturnType<typeof createUsers>;
