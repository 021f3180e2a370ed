import { AUTHY_OBJECTS, toAuthyObjects } from './authyObjects';
import type { AuthyFacts, AuthyObjectName, AuthyObjects, TellableEvent } from './authyObjects';
import type { EventType, NewEvent } from './event';

/** Which of our events it is told for; with channels, only for those about one of them. */
export interface EventSource {
  type: EventType;
  channels?: readonly string[];
  /** Not where it belongs to an onboarding: its confirmation is asked for by us, and back ends know nothing of it. */
  outsideOnboardings?: true;
}

interface CatalogueEntry {
  objects: readonly AuthyObjectName[];
  /** Empty: nothing that this product does causes it yet. It can be subscribed to nevertheless. */
  from: readonly EventSource[];
}

const nothing: readonly EventSource[] = [];

/** Every event that the Authy API names, what it is about, and which of ours it is told for (never two for one act). */
const CATALOGUE = {
  // users
  user_added: { objects: ['app', 'user'], from: [{ type: 'user_created' }] },
  user_removed: { objects: ['app', 'user'], from: [{ type: 'user_removed' }] },
  user_phone_changed: { objects: ['app', 'device', 'user'], from: nothing },
  user_account_deleted: { objects: ['app', 'user', 'delete_request'], from: nothing },
  user_registration_completed: {
    objects: ['app', 'registration', 'user'],
    from: [{ type: 'account_registered' }],
  },
  // Not our `device_registration_complete`, which is told for onboardings only, and beside this one.
  device_registration_completed: { objects: ['app', 'device', 'user'], from: [{ type: 'device_registered' }] },
  phone_change_requested: { objects: ['app', 'user'], from: nothing },
  phone_change_pin_sent: { objects: ['app', 'phone_change', 'user'], from: nothing },
  phone_change_canceled: { objects: ['app', 'phone_change', 'user'], from: nothing },
  account_recovery_started: { objects: ['app', 'user'], from: nothing },
  account_recovery_approved: { objects: ['app', 'user'], from: nothing },
  account_recovery_canceled: { objects: ['user'], from: nothing },
  multidevice_setting_changed: { objects: ['app', 'device', 'user'], from: nothing },
  unlock_method_changed: { objects: ['app', 'device', 'user'], from: nothing },
  suspended_account: { objects: ['app'], from: nothing },
  custom_message_not_allowed: { objects: ['app'], from: [{ type: 'custom_message_refused' }] },
  // codes
  token_verified: { objects: ['app', 'user'], from: [{ type: 'code_accepted' }] },
  token_invalid: { objects: ['app', 'user'], from: [{ type: 'code_wrong' }] },
  totp_token_sent: { objects: ['app', 'user'], from: [{ type: 'code_sent', channels: ['sms', 'email'] }] },
  totp_token_sent_via_call: { objects: ['app', 'user'], from: [{ type: 'code_sent', channels: ['voice'] }] },
  too_many_code_verifications: { objects: [], from: [{ type: 'code_blocked' }] },
  // OneTouch
  one_touch_request_responded: {
    objects: ['app', 'onetouch_request', 'user'],
    from: [
      { type: 'approval_approved', outsideOnboardings: true },
      { type: 'approval_denied', outsideOnboardings: true },
    ],
  },
  // phone verification
  phone_verification_started: {
    objects: ['app', 'phone_verification'],
    from: [{ type: 'phone_verification_started' }, { type: 'phone_verification_resent' }],
  },
  phone_verification_code_is_valid: {
    objects: ['app', 'phone_verification'],
    from: [{ type: 'phone_verification_accepted' }],
  },
  phone_verification_code_is_invalid: {
    objects: ['app', 'phone_verification'],
    from: [{ type: 'phone_verification_code_wrong' }],
  },
  phone_verification_failed: { objects: ['app', 'phone_verification'], from: [{ type: 'phone_verification_failed' }] },
  phone_verification_not_found: { objects: ['app'], from: [{ type: 'phone_verification_not_found' }] },
  too_many_phone_verifications: {
    objects: ['app', 'phone_verification'],
    from: [{ type: 'phone_verification_refused' }, { type: 'phone_verification_blocked' }],
  },
} as const satisfies Record<string, CatalogueEntry>;

export type AuthyEventName = keyof typeof CATALOGUE;
export const AUTHY_EVENT_NAMES = Object.keys(CATALOGUE) as AuthyEventName[];

/** Other spellings that people know. */
const ALIASES: ReadonlyMap<string, AuthyEventName> = new Map([
  ['device_registration_complete', 'device_registration_completed'],
]);

/** The name of the catalogue behind what somebody wrote; undefined when there is no such event. */
export function toAuthyEventName(written: string): AuthyEventName | undefined {
  return ALIASES.get(written) ?? AUTHY_EVENT_NAMES.find((name) => name === written);
}

/** Which of our events an event of this name is told for. */
export const sourcesOf = (name: AuthyEventName): readonly EventSource[] => CATALOGUE[name].from;

/** What an endpoint subscribes to that is to be told these events: types of ours, `type:channel` for one channel only. */
export const subscriptionTo = (names: readonly AuthyEventName[]): string[] =>
  names.flatMap(sourcesOf).flatMap(({ type, channels }) => channels?.map((channel) => `${type}:${channel}`) ?? [type]);

/** What is told only where it belongs to no onboarding. */
export const TOLD_OUTSIDE_ONBOARDINGS: readonly EventType[] = AUTHY_EVENT_NAMES.flatMap(sourcesOf)
  .filter(({ outsideOnboardings }) => outsideOnboardings)
  .map(({ type }) => type);

/** The name under which one of our events is told, undefined for what the Authy API has no event for. */
export function authyNameOf({
  type,
  data,
  onboardingId,
}: Pick<NewEvent, 'type' | 'data' | 'onboardingId'>): AuthyEventName | undefined {
  if (onboardingId !== undefined && TOLD_OUTSIDE_ONBOARDINGS.includes(type)) return undefined;
  const channel = String(data?.['channel']);
  return AUTHY_EVENT_NAMES.find((name) =>
    sourcesOf(name).some((from) => from.type === type && (from.channels?.includes(channel) ?? true)),
  );
}

/** The name as a subscriber knows it: in the other spelling, where only that one was subscribed to. */
function spelledFor(subscribed: readonly string[], name: AuthyEventName): string {
  if (subscribed.includes(name)) return name;
  return subscribed.find((written) => ALIASES.get(written) === name) ?? name;
}

/** An attribute of an event as queries name it: `objects.user.s_authy_id`, or without its prefix. */
export interface AuthyAttribute {
  object: AuthyObjectName;
  /** Without prefix. */
  attribute: string;
}

/** Undefined for what is not the attribute of an object. */
export function readAttribute(path: string): AuthyAttribute | undefined {
  const [root, object, written, ...more] = path.split('.');
  if (root !== 'objects' || object === undefined || written === undefined || more.length > 0) return undefined;
  if (!Object.hasOwn(AUTHY_OBJECTS, object)) return undefined;
  const attributes: Readonly<Record<string, string>> = AUTHY_OBJECTS[object as AuthyObjectName];
  const attribute = Object.keys(attributes).find(
    (name) => written === name || written === `${attributes[name]}_${name}`,
  );
  return attribute === undefined ? undefined : { object: object as AuthyObjectName, attribute };
}

/** An event as the Authy API tells it, in webhooks and reports. */
export interface AuthyEvent {
  event: string;
  time: string;
  public: true;
  request: { id: string; ip: null };
  objects: AuthyObjects;
}

/** The objects of an event that are among these; none for what the Authy API has no event for. */
export function objectsOf(
  event: TellableEvent,
  facts: AuthyFacts,
  { plain, among }: { plain: boolean; among: ReadonlySet<AuthyObjectName> },
): AuthyObjects {
  const name = authyNameOf(event);
  const objects: readonly AuthyObjectName[] = name ? CATALOGUE[name].objects : [];
  return toAuthyObjects(
    objects.filter((object) => among.has(object)),
    event,
    facts,
    { plain },
  );
}

export const ALL_OBJECTS: ReadonlySet<AuthyObjectName> = new Set(Object.keys(AUTHY_OBJECTS) as AuthyObjectName[]);

/**
 * What the Authy API has no event for keeps our name, and tells of no object. Who called is not kept with events: there
 * is no address.
 * @param requestId 32 hex digits, the same whenever this event is told
 */
export function toAuthyEvent(
  event: TellableEvent,
  facts: AuthyFacts,
  { requestId, plain = false, subscribed = [] }: { requestId: string; plain?: boolean; subscribed?: readonly string[] },
): AuthyEvent {
  const name = authyNameOf(event);
  return {
    event: name ? spelledFor(subscribed, name) : event.type,
    time: toAuthyTime(event.at),
    public: true,
    request: { id: requestId, ip: null },
    objects: objectsOf(event, facts, { plain, among: ALL_OBJECTS }),
  };
}

/** ISO 8601, with up to three decimals. */
const toAuthyTime = (at: Date): string => at.toISOString().replace(/\.?0+Z$/, 'Z');
