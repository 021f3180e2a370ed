import type { Pool } from 'pg';
import type { Health } from '../channels/health';
import type { PushMessage, PushSender } from '../channels/push/push';
import type { Device, DeviceRows } from '../db/devices';
import type { UserRows } from '../db/users';

export interface PushingDeps {
  pool: Pool;
  devices: Pick<DeviceRows, 'listOfUser'>;
  users: Pick<UserRows, 'listMuted'>;
  /** By kind of push target. */
  pushSenders: ReadonlyMap<string, PushSender>;
  health: Health;
  onPush?: (kind: string, result: 'sent' | 'failed') => void;
}

/** Whether a push of this kind is worth a try. */
export type MayTry = (kind: string) => boolean;

/** What goes to each phone alike. */
type Hint = Pick<PushMessage, 'tenantId' | 'approvalId' | 'about'> & { keyOf: (deviceId: string) => string };

/** The phones of people, and pushes to them. */
export function createPushing({ pool, devices, users, pushSenders, health, onPush }: PushingDeps) {
  /** The phones of these people that take pushes, without those who are left in peace. */
  async function findPhones(tenantId: string, userIds: readonly string[]) {
    const muted = await users.listMuted(pool, tenantId, userIds);
    const disturbed = userIds.filter((userId) => !muted.includes(userId));
    const phones = await Promise.all(disturbed.map((userId) => devices.listOfUser(pool, tenantId, userId)));
    return { muted, reachable: phones.flat().filter((phone) => pushSenders.has(phone.pushKind)) };
  }

  /** Throws when a phone could not be reached; the others are reached all the same. */
  async function sendTo(phones: readonly Device[], { keyOf, ...hint }: Hint, mayTry: MayTry): Promise<void> {
    await Promise.all(
      phones.map(async ({ id: deviceId, pushKind, pushToken }) => {
        if (!mayTry(pushKind)) throw new Error(`push ${pushKind} failed lately`);
        try {
          await pushSenders
            .get(pushKind)!
            .send({ ...hint, deviceId, idempotencyKey: keyOf(deviceId), target: pushToken ?? '' });
          health.succeeded(`push:${pushKind}`);
          onPush?.(pushKind, 'sent');
        } catch (error) {
          health.failed(`push:${pushKind}`);
          onPush?.(pushKind, 'failed');
          throw error;
        }
      }),
    );
  }

  return {
    findPhones,
    sendTo,

    /** To all phones of these people; `muted` where all of them are left in peace. Throws like `sendTo`. */
    async push(userIds: readonly string[], hint: Hint, mayTry: MayTry): Promise<'sent' | 'muted' | 'none'> {
      const { muted, reachable } = await findPhones(hint.tenantId, userIds);
      await sendTo(reachable, hint, mayTry);
      if (reachable.length > 0) return 'sent';
      return muted.length === userIds.length ? 'muted' : 'none';
    },
  };
}
export type Pushing = ReturnType<typeof createPushing>;
