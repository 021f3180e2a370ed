import { expect, test } from '@jest/globals';
import type { AuthyObjects } from '../../domain/authyObjects';
import { hasValues, kindsOf, toSelection } from '../../domain/reporting';

const prefixed: AuthyObjects = {
  user: { s_authy_id: '1635', as_authy_ids: ['1635', '1700'], b_banned: false, s_country_code: '49', s_locale: 'en' },
  onetouch_request: { s_uuid: 'u-1', i_seconds_to_expire: 120, s_status: 'approved' },
};
const plain: AuthyObjects = {
  user: { authy_id: 1635, authy_ids: [1635, 1700], banned: false, country_code: 49, locale: 'en' },
  onetouch_request: { uuid: 'u-1', seconds_to_expire: 120, status: 'approved' },
};

const NAMES = ['eq', 'lt', 'lte', 'gt', 'gte', 'lk'] as const;
test.each([
  ['user.authy_id', '1635', 'eq lte gte lk'],
  ['user.s_authy_id', '1635', 'eq lte gte lk'],
  ['user.authy_id', '200', 'gt gte'], // by size, not as text
  ['user.authy_id', '63', 'gt gte lk'],
  ['user.as_authy_ids', '1700', 'eq lt lte gte lk'], // one of them is enough
  ['user.banned', 'false', 'eq lte gte lk'],
  ['user.banned', 'true', 'lt lte'],
  ['user.locale', 'EN', 'gt gte'], // a small letter is not a capital
  ['onetouch_request.status', 'app%ed', 'gt gte lk'],
  ['onetouch_request.status', 'a_p_o', 'gt gte lk'],
  ['onetouch_request.status', 'pending', 'lt lte'],
  ['onetouch_request.i_seconds_to_expire', '1000', 'lt lte'],
  ['device.name', 'x', ''], // this event is about no device
  ['user.phone_number', '', ''], // nothing is known of it
])('%s compared with %j holds for: %s', (attribute, value, expected) => {
  for (const objects of [prefixed, plain]) {
    const held = NAMES.filter((operator) =>
      hasValues(objects, toSelection([[`objects.${attribute}`, operator, value]]).objects),
    );
    expect(held.join(' ')).toBe(expected);
  }
});

test('all conditions have to hold', () => {
  const { objects } = toSelection([
    ['objects.user.country_code', 'eq', '49'],
    ['objects.onetouch_request.status', 'eq', 'denied'],
  ]);
  expect(hasValues(plain, objects.slice(0, 1))).toBe(true);
  expect(hasValues(plain, objects)).toBe(false);
});

test('a pattern of a hostile caller is done at once', () => {
  const { objects } = toSelection([['objects.user.locale', 'lk', '%a'.repeat(100)]]);
  expect(hasValues({ user: { locale: 'a'.repeat(99) } }, objects)).toBe(false);
  expect(hasValues({ user: { locale: 'a'.repeat(100) } }, objects)).toBe(true);
});

test.each([
  [[['event', 'eq', 'user_added']], ['user_added']],
  [[['event', 'eq', 'device_registration_complete']], ['device_registration_completed']],
  [[['event', 'eq', 'nothing_of_theirs']], []],
  [[['event', 'lk', 'token_sent']], ['totp_token_sent', 'totp_token_sent_via_call']],
  [
    [
      ['event', 'gte', 'token_'],
      ['event', 'lt', 'too'],
    ],
    ['token_invalid', 'token_verified'],
  ],
] as const)('%j means the events %j', (conditions, names) => {
  expect([...toSelection(conditions).names].sort()).toEqual([...names]);
});

const at = Date.parse('2017-01-01T00:00:00Z');
test.each([
  ['gte', '2017-01-01T00:00:00.000Z', at, undefined],
  ['gt', '2017-01-01T00:00:00.000Z', at + 1, undefined],
  ['lt', '2017-01-01T01:00:00+01:00', undefined, at],
  ['lte', '2017-01-01', undefined, at + 1],
  ['eq', '2017-01-01', at, at + 1],
] as const)('time %s %s is from %j until %j', (operator, value, fromMs, untilMs) => {
  expect(toSelection([['time', operator, value]])).toMatchObject({ fromMs, untilMs });
});

test('the narrowest of several times holds', () => {
  const { fromMs, untilMs } = toSelection([
    ['time', 'gte', '2017-01-01'],
    ['time', 'gte', '2017-01-02'],
    ['time', 'lt', '2017-02-01'],
    ['time', 'lt', '2017-01-15'],
  ]);
  expect([fromMs, untilMs]).toEqual([Date.parse('2017-01-02'), Date.parse('2017-01-15')]);
});

test.each([
  ['event', 'ne', 'x'],
  ['event', '', 'x'],
  ['name', 'eq', 'x'],
  ['objects.user', 'eq', 'x'],
  ['objects.user.constructor', 'eq', 'x'],
  ['objects.user.authy_id.x', 'eq', 'x'],
  ['objects.nobody.id', 'eq', 'x'],
  ['objects.user.i_authy_id', 'eq', '1'],
  ['time', 'gte', 'yesterday'],
  ['time', 'gte', '2017-13-01'],
  ['time', 'gte', '2017-01-01T00:00:00'], // in which zone?
  ['time', 'lk', '2017'],
])('%s %s %s is not understood', (...condition) => {
  expect(() => toSelection([condition])).toThrow(RangeError);
});

test('names lead to our events', () => {
  expect(kindsOf(['one_touch_request_responded', 'totp_token_sent_via_call'])).toEqual([
    { type: 'approval_approved', channels: null },
    { type: 'approval_denied', channels: null },
    { type: 'code_sent', channels: ['voice'] },
  ]);
});
