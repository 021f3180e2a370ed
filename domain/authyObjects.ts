import type { NewEvent } from './event';

/** What kind of value an attribute has: string, integer, boolean, time, list of strings. Its prefix when it is told. */
type Kind = 's' | 'i' | 'b' | 't' | 'as';

/** The objects of events with their attributes, in the order in which they are told. */
export const AUTHY_OBJECTS = {
  app: { id: 's', account_sid: 's', device_app: 's', type: 's' },
  user: { authy_id: 's', authy_ids: 'as', banned: 'b', country_code: 's', locale: 's', phone_number: 's' },
  device: {
    ...{ id: 's', name: 's', device_app: 's', device_type: 's', ip: 's', user_agent: 's', version: 's' },
    ...{ creation_date: 's', last_used_date: 's', sync_date: 's' },
  },
  onetouch_request: {
    ...{ uuid: 's', status: 's', expiration_timestamp: 'i', seconds_to_expire: 'i' },
    ...{ device_geolocation: 's', device_signing_time: 's' },
  },
  phone_change: { id: 's', current_phone_number: 's', new_phone_number: 's', status: 's' },
  phone_verification: {
    ...{ id: 's', via: 's', status: 's', code_length: 'i', seconds_to_expire: 'i', country_code: 's' },
    ...{ phone_number: 's', line_type: 's', locale: 's', mccmnc: 's' },
  },
  delete_request: { status: 's', last_notification_at: 't' },
  registration: { app_id: 's', authy_id: 's', custom_id: 's' },
} as const satisfies Record<string, Record<string, Kind>>;
export type AuthyObjectName = keyof typeof AUTHY_OBJECTS;

/** What the rows say about those whom an event names. What is gone, or was never there, is undefined. */
export interface AuthyFacts {
  app: { appId: number; accountSid: string };
  user?: { authyId: number; externalId: string | null; countryCode: string | null; phoneDigest: string | null };
  device?: { authyId: number; name: string; platform: string; createdAtMs: number };
  approval?: { id: string; createdAtMs: number; expiresAtMs: number; answeredAtMs: number | null };
}

/** A recorded event, as far as it is told here. */
export interface TellableEvent extends NewEvent {
  at: Date;
}

export type AuthyObjects = Partial<Record<AuthyObjectName, Readonly<Record<string, unknown>>>>;

const seconds = (ms: number) => Math.floor(ms / 1_000);

const DEVICE_TYPES: Readonly<Record<string, string>> = { ios: 'ios', android: 'android', web: 'chrome' };

/** The values of each object; undefined where there is nobody to tell about. */
const VALUES: Record<
  AuthyObjectName,
  (facts: AuthyFacts, event: TellableEvent) => Readonly<Record<string, unknown>> | undefined
> = {
  app: ({ app }) => ({ id: app.appId, account_sid: app.accountSid, device_app: null, type: 'full' }),

  user: ({ user }) =>
    user && {
      authy_id: user.authyId,
      authy_ids: [user.authyId],
      banned: false,
      country_code: user.countryCode === null ? null : Number(user.countryCode),
      locale: 'en',
      phone_number: user.phoneDigest,
    },

  device: ({ device }) =>
    device && {
      id: device.authyId,
      name: device.name,
      device_app: 'authy',
      device_type: DEVICE_TYPES[device.platform] ?? 'unknown',
      ip: null,
      user_agent: null,
      version: null,
      creation_date: seconds(device.createdAtMs),
      last_used_date: null,
      sync_date: null,
    },

  onetouch_request: ({ approval }, { type }) =>
    approval && {
      uuid: approval.id,
      status: type === 'approval_approved' ? 'approved' : 'denied',
      expiration_timestamp: seconds(approval.expiresAtMs),
      seconds_to_expire: Math.round((approval.expiresAtMs - approval.createdAtMs) / 1_000),
      device_geolocation: null,
      device_signing_time: approval.answeredAtMs === null ? 0 : seconds(approval.answeredAtMs),
    },

  phone_change: () => undefined,

  phone_verification(_facts, { data }) {
    if (data?.['verificationId'] === undefined) return undefined;
    const { channel, countryCode } = data;
    return {
      id: data['verificationId'],
      via: channel === 'voice' ? 'call' : channel,
      status: data['status'],
      code_length: data['codeLength'],
      seconds_to_expire: data['secondsToExpire'],
      country_code: countryCode === undefined ? null : Number(countryCode),
      phone_number: data['phoneDigest'],
      line_type: data['lineType'] ?? null,
      locale: data['locale'] ?? null,
      mccmnc: null,
    };
  },

  delete_request: () => ({ status: 'performed', last_notification_at: null }),

  registration: ({ app, user }) => user && { app_id: app.appId, authy_id: user.authyId, custom_id: user.externalId },
};

/**
 * These objects of an event, with prefixed attributes (`s_authy_id`: a string) or, `plain`, as they were before 2017
 * (`authy_id`: a number). One that nothing is known of is left out.
 */
export function toAuthyObjects(
  names: readonly AuthyObjectName[],
  event: TellableEvent,
  facts: AuthyFacts,
  { plain }: { plain: boolean },
): AuthyObjects {
  const told: AuthyObjects = {};
  for (const name of names) {
    const values = VALUES[name](facts, event);
    if (values) told[name] = plain ? values : prefixed(name, values);
  }
  return told;
}

function prefixed(object: AuthyObjectName, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kinds: Readonly<Record<string, Kind>> = AUTHY_OBJECTS[object];
  const isNumeric = object === 'registration'; // the ids of these are numbers in spite of their prefix: so they were told
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const kind = kinds[name]!;
      return [`${kind}_${name}`, isNumeric ? value : ofKind(kind, value)];
    }),
  );
}

function ofKind(kind: Kind, value: unknown): unknown {
  if (kind === 'as') return (value as unknown[]).map(String);
  return kind === 's' && typeof value === 'number' ? String(value) : value;
}
