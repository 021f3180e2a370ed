import type { Pool } from 'pg';
import type { AuthyFactRows, NamedRows } from '../db/authyFacts';
import type { RecordedEvent } from '../db/events';
import type { TenantRows } from '../db/tenants';
import { toAuthyEvent } from '../domain/authyEvents';
import type { AuthyEvent } from '../domain/authyEvents';
import type { AuthyFacts } from '../domain/authyObjects';
import { lineOf } from '../domain/phoneLine';
import type { Keyring } from '../platform/keys/keyring';
import { sha256 } from '../platform/keys/secret';
import { eventIdOf } from './views';

export interface AuthyEventDeps {
  pool: Pool;
  tenants: Pick<TenantRows, 'find'>;
  authyFacts: AuthyFactRows;
  keyring: Pick<Keyring, 'mac'>;
}

/** The account that an application of the Authy API says it belongs to: here each has its own. */
export const accountSidOf = (tenantId: string): string =>
  `AC${sha256(`countersign/authy/account/${tenantId}`).toString('hex', 0, 16)}`;

/** How a phone number is told in events: equal for equal numbers of one tenant, and only we can make it. */
export const digestPhone = (keyring: Pick<Keyring, 'mac'>, tenantId: string, phone: string): string =>
  keyring.mac('phone-digest', tenantId, phone).toString('hex');

/** Recorded events, as the Authy API tells them. */
export function createAuthyEvents({ pool, tenants, authyFacts, keyring }: AuthyEventDeps) {
  function factsOf(
    { tenantId, userId, deviceId, approvalId }: RecordedEvent,
    app: AuthyFacts['app'],
    named: NamedRows,
  ): AuthyFacts {
    const approval = approvalId === undefined ? undefined : named.approvals.get(approvalId);
    const user = named.users.get(userId ?? approval?.answeredBy ?? '');
    const device = deviceId === undefined ? undefined : named.devices.get(deviceId);
    return {
      app,
      ...(approval && { approval }),
      ...(device && { device }),
      ...(user && {
        user: {
          ...user,
          countryCode: user.phone && lineOf(user.phone).countryCode,
          phoneDigest: user.phone && digestPhone(keyring, tenantId, user.phone),
        },
      }),
    };
  }

  return {
    /** Events of one tenant, in the spelling of its subscription and with what is known now of those whom they name. */
    async tell(
      tenantId: string,
      events: readonly RecordedEvent[],
      subscribed: readonly string[] = [],
    ): Promise<AuthyEvent[]> {
      const { authyAppId: appId, switches } = (await tenants.find(pool, tenantId))!;
      const app = { appId, accountSid: accountSidOf(tenantId) };
      const named = await authyFacts.findNamed(pool, tenantId, events);
      return events.map((event) =>
        toAuthyEvent(event, factsOf(event, app, named), {
          requestId: sha256(eventIdOf(event)).toString('hex', 0, 16),
          plain: switches.plainAttributes,
          subscribed,
        }),
      );
    },
  };
}
export type AuthyEvents = ReturnType<typeof createAuthyEvents>;
