import { describe, expect, test } from '@jest/globals';
import {
  AUTHY_EVENT_NAMES,
  authyNameOf,
  readAttribute,
  sourcesOf,
  toAuthyEvent,
  toAuthyEventName,
} from '../../domain/authyEvents';
import { EVENT_TYPES } from '../../domain/event';

const at = new Date('2026-11-24T10:31:05.100Z');
const requestId = '0123456789abcdef0123456789abcdef';
const phoneDigest = 'ab'.repeat(32);
const facts = {
  app: { appId: 15861, accountSid: 'AC0' },
  user: { authyId: 1635, externalId: 'anna', countryCode: '1', phoneDigest },
  device: { authyId: 29826726, name: 'Phone', platform: 'android', createdAtMs: 1_700_000_000_400 },
  approval: { id: 'a-1', createdAtMs: 1_000_000, expiresAtMs: 1_120_000, answeredAtMs: 1_060_000 },
};

test('every name of the sheet is there, once', () => {
  expect(AUTHY_EVENT_NAMES).toHaveLength(28);
});

test('no act is told twice: each of our events has one name at most', () => {
  for (const type of EVENT_TYPES) {
    const sources = AUTHY_EVENT_NAMES.flatMap((name) => sourcesOf(name)).filter((from) => from.type === type);
    const channels = sources.flatMap((from) => from.channels ?? ['any']);
    expect({ type, once: new Set(channels).size === channels.length }).toEqual({ type, once: true });
  }
});

test.each([
  ['user_created', {}, 'user_added'],
  ['device_registered', {}, 'device_registration_completed'],
  ['device_registration_complete', {}, undefined],
  ['code_sent', { channel: 'sms' }, 'totp_token_sent'],
  ['code_sent', { channel: 'email' }, 'totp_token_sent'],
  ['code_sent', { channel: 'voice' }, 'totp_token_sent_via_call'],
  ['code_blocked', {}, 'too_many_code_verifications'],
  ['approval_denied', {}, 'one_touch_request_responded'],
  ['approval_expired', {}, undefined],
] as const)('%s %j is told as %s', (type, data, name) => {
  expect(authyNameOf({ type, data })).toBe(name);
});

test('how the confirmation of an onboarding was answered is not told: no back end asked for it', () => {
  const onboardingId = 'o-1';
  expect(authyNameOf({ type: 'approval_approved', onboardingId })).toBeUndefined();
  expect(authyNameOf({ type: 'code_accepted', onboardingId })).toBe('token_verified');
});

test('a registered device is also known by the name without d', () => {
  expect(toAuthyEventName('device_registration_complete')).toBe('device_registration_completed');
  expect(toAuthyEventName('toString')).toBeUndefined();
  const told = (subscribed: string[]) =>
    toAuthyEvent({ type: 'device_registered', at }, facts, { requestId, subscribed }).event;
  expect(told(['user_added', 'device_registration_complete'])).toBe('device_registration_complete');
  expect(told(['device_registration_complete', 'device_registration_completed'])).toBe('device_registration_completed');
  expect(told([])).toBe('device_registration_completed');
});

describe('an event as it is told', () => {
  test('with prefixed attributes', () => {
    expect(toAuthyEvent({ type: 'approval_approved', at }, facts, { requestId })).toEqual({
      event: 'one_touch_request_responded',
      time: '2026-11-24T10:31:05.1Z',
      public: true,
      request: { id: requestId, ip: null },
      objects: {
        app: { s_id: '15861', s_account_sid: 'AC0', s_device_app: null, s_type: 'full' },
        onetouch_request: {
          s_uuid: 'a-1',
          s_status: 'approved',
          i_expiration_timestamp: 1_120,
          i_seconds_to_expire: 120,
          s_device_geolocation: null,
          s_device_signing_time: '1060',
        },
        user: {
          s_authy_id: '1635',
          as_authy_ids: ['1635'],
          b_banned: false,
          s_country_code: '1',
          s_locale: 'en',
          s_phone_number: phoneDigest,
        },
      },
    });
  });

  test('and plain, as in recorded ones', () => {
    expect(toAuthyEvent({ type: 'user_created', at }, facts, { requestId, plain: true }).objects).toEqual({
      app: { id: 15861, account_sid: 'AC0', device_app: null, type: 'full' },
      user: {
        authy_id: 1635,
        authy_ids: [1635],
        banned: false,
        country_code: 1,
        locale: 'en',
        phone_number: phoneDigest,
      },
    });
  });

  test('of a verification, with what it holds itself', () => {
    const data = {
      ...{ verificationId: 'v-1', channel: 'voice', status: 'pending', codeLength: 4, secondsToExpire: 599 },
      ...{ countryCode: '1', phoneDigest, lineType: 'cellphone', locale: 'en' },
    };
    const told = toAuthyEvent({ type: 'phone_verification_started', at, data }, { app: facts.app }, { requestId });
    expect(told.objects.phone_verification).toEqual({
      s_id: 'v-1',
      s_via: 'call',
      s_status: 'pending',
      i_code_length: 4,
      i_seconds_to_expire: 599,
      s_country_code: '1',
      s_phone_number: phoneDigest,
      s_line_type: 'cellphone',
      s_locale: 'en',
      s_mccmnc: null,
    });
  });

  test('without what is not known any more', () => {
    const { user: _gone, ...rest } = facts;
    const told = toAuthyEvent({ type: 'user_removed', at: new Date('2026-11-24T10:31:00.000Z') }, rest, { requestId });
    expect(Object.keys(told.objects)).toEqual(['app']);
    expect(told.time).toBe('2026-11-24T10:31:00Z');
  });
});

test.each([
  ['objects.user.s_authy_id', { object: 'user', attribute: 'authy_id' }],
  ['objects.phone_verification.country_code', { object: 'phone_verification', attribute: 'country_code' }],
  ['objects.phone_verification.i_code_length', { object: 'phone_verification', attribute: 'code_length' }],
  ['objects.user.i_authy_id', undefined],
  ['objects.constructor.name', undefined],
  ['objects.user.constructor', undefined],
  ['objects.user.authy_id.more', undefined],
  ['user.authy_id', undefined],
])('the attribute %s', (path, attribute) => {
  expect(readAttribute(path)).toEqual(attribute);
});
