import type { Pool } from 'pg';
import type { AuthyFactRows } from '../db/authyFacts';
import type { RecordedEvent } from '../db/events';
import type { TenantRows } from '../db/tenants';
import { ALL_OBJECTS, objectsOf, toAuthyEvent } from '../domain/authyEvents';
import type { AuthyEvent } from '../domain/authyEvents';
import type { AuthyFacts, AuthyObjectName, AuthyObjects } from '../domain/authyObjects';
import { lineOf } from '../domain/phoneLine';
import type { Keyring } from '../platform/keys/keyring';
import { sha256 } from '../platform/keys/secret';
import { eventIdOf } from './views';

export interface AuthyEventDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'find'>;
  authyFacts: Pick<AuthyFactRows, 'findApprovals' | 'findUsers' | 'findDevices'>;
  keyring: Pick<Keyring, 'mac'>;
}

/** The account that an application of the Authy API says it belongs to: here each has its own. */
export const accountSidOf = (tenantId: string): string =>
  `AC${sha256(`countersign/authy/account/${tenantId}`).toString('hex', 0, 16)}`;

/** How a phone number is told in events: equal for equal numbers of one tenant, and only we can make it. */
export const digestPhone = (keyring: Pick<Keyring, 'mac'>, tenantId: string, phone: string): string =>
  keyring.mac('phone-digest', tenantId, phone).toString('hex');

/** Most people whom a teller remembers: some ten megabytes. */
const REMEMBERED = 20_000;

/** Recorded events, as the Authy API tells them. */
export function createAuthyEvents({ pool, tenants, authyFacts, keyring }: AuthyEventDeps) {
  /** Tells events of one tenant, batch after batch. Whom several of them name is looked up, opened and digested once. */
  async function teller(tenantId: string) {
    const { authyAppId: appId, switches } = (await tenants.find(pool, tenantId))!;
    const app = { appId, accountSid: accountSidOf(tenantId) };
    const plain = switches.plainAttributes;
    const people = new Map<string, AuthyFacts['user']>();

    async function meet(ids: readonly (string | null | undefined)[]): Promise<void> {
      if (people.size > REMEMBERED) people.clear();
      const strangers = idsOf(ids).filter((id) => !people.has(id));
      for (const id of strangers) people.set(id, undefined);
      for (const user of await authyFacts.findUsers(pool, tenantId, strangers)) {
        const { phone } = user;
        const countryCode = phone && lineOf(phone).countryCode;
        people.set(user.id, { ...user, countryCode, phoneDigest: phone && digestPhone(keyring, tenantId, phone) });
      }
    }

    /** What is known now of those whom each event names, as far as these objects tell of them. */
    async function factsOf(
      events: readonly RecordedEvent[],
      among: ReadonlySet<AuthyObjectName>,
    ): Promise<AuthyFacts[]> {
      const ofUsers = among.has('user') || among.has('registration');
      const ofApprovals = ofUsers || among.has('onetouch_request'); // that one was decided names no user
      const approvalIds = ofApprovals ? idsOf(events.map(({ approvalId }) => approvalId)) : [];
      const deviceIds = among.has('device') ? idsOf(events.map(({ deviceId }) => deviceId)) : [];
      const approvals = byId(await authyFacts.findApprovals(pool, tenantId, approvalIds));
      const devices = byId(await authyFacts.findDevices(pool, tenantId, deviceIds));
      const userOf = ({ userId, approvalId = '' }: RecordedEvent) => userId ?? approvals.get(approvalId)?.answeredBy;
      if (ofUsers) await meet(events.map(userOf));
      return events.map((event) => {
        const approval = approvals.get(event.approvalId ?? '');
        const device = devices.get(event.deviceId ?? '');
        const user = people.get(userOf(event) ?? '');
        return { app, ...(approval && { approval }), ...(device && { device }), ...(user && { user }) };
      });
    }

    return {
      /** In the spelling of a subscription. */
      async tell(events: readonly RecordedEvent[], subscribed: readonly string[]): Promise<AuthyEvent[]> {
        const facts = await factsOf(events, ALL_OBJECTS);
        return events.map((event, i) => {
          const requestId = sha256(eventIdOf(event)).toString('hex', 0, 16);
          return toAuthyEvent(event, facts[i]!, { requestId, plain, subscribed });
        });
      },

      /** Of each event those objects that are among these. */
      async listObjects(
        events: readonly RecordedEvent[],
        among: ReadonlySet<AuthyObjectName>,
      ): Promise<AuthyObjects[]> {
        const facts = await factsOf(events, among);
        return events.map((event, i) => objectsOf(event, facts[i]!, { plain, among }));
      },
    };
  }

  return {
    teller,

    /** Events of one tenant, in the spelling of its subscription and with what is known now of those whom they name. */
    tell: async (
      tenantId: string,
      events: readonly RecordedEvent[],
      subscribed: readonly string[] = [],
    ): Promise<AuthyEvent[]> => (await teller(tenantId)).tell(events, subscribed),
  };
}
export type AuthyEvents = ReturnType<typeof createAuthyEvents>;

const byId = <T extends { id: string }>(rows: readonly T[]) => new Map(rows.map((row) => [row.id, row]));
const idsOf = (ids: readonly (string | null | undefined)[]) => [...new Set(ids.filter((id) => id != null))];
