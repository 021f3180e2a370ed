import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { FORM } from '../recorded';
import type { RecordedClient } from '../recorded';

/** Nothing is decoded without a message. */
function hasMessage({ status, body }: RawReply): void {
  expect(typeof body.message).toBe('string');
  expect(['boolean', 'string']).toContain(typeof body.success);
  if (status !== 200) expect(typeof body.error_code).toBe('string');
}

/** The crate `authy` 0.9.8: every reply has a message, and logos have one name for both of their members. */
export const rust: RecordedClient = {
  name: 'authy-rs',
  headers: ['x-authy-api-key: <key>', 'user-agent: reqwest/0.9.24', 'accept: */*', 'accept-encoding: gzip'],
  insists: hasMessage,
  calls: [
    {
      does: 'registers a user',
      call: 'POST /protected/json/users/new',
      headers: [FORM],
      body: 'user%5Bemail%5D=jane%40example.com&user%5Bcellphone%5D=<phone>&user%5Bcountry_code%5D=1&send_install_link_via_sms=true',
    },
    {
      does: 'asks how a user stands',
      call: 'GET /protected/json/users/<id>/status',
      insists: ({ body }) => expect(body.status).toMatchObject({ account_disabled: false, has_hard_token: false }),
    },
    { does: 'sends a code', call: 'GET /protected/json/sms/<id>?force=true' },
    {
      does: 'verifies a token without force',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>',
    },
    { does: 'verifies a wrong token', call: 'GET /protected/json/verify/0000000/<id>', status: 401 },
    { does: 'calls for an action', call: 'GET /protected/json/call/<id>?force=true&action=pay&action_message=Pay+10' },
    ...['password_reset', 'banned', 'unbanned', 'cookie_login'].map((type) => ({
      does: `reports ${type}`,
      call: 'POST /protected/json/users/<id>/register_activity',
      headers: [FORM],
      body: `type=${type}&user_ip=1.2.3.4&data%5Breason%5D=too+many`,
    })),
    {
      does: 'starts a verification',
      call: 'POST /protected/json/phones/verification/start',
      headers: [FORM],
      body: 'via=sms&country_code=1&phone_number=<number>&code_length=6&locale=en',
      insists: ({ body }) =>
        expect(body).toMatchObject({
          carrier: expect.any(String),
          is_cellphone: true,
          seconds_to_expire: expect.any(Number),
        }),
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?country_code=1&phone_number=<number>&verification_code=<code>',
    },
    {
      does: 'reads about a number',
      call: 'GET /protected/json/phones/info?country_code=1&phone_number=<number>&user_ip=1.2.3.4',
      insists: ({ body }) => expect([typeof body.type, typeof body.ported]).toEqual(['string', 'boolean']),
    },
    {
      does: 'reads the application',
      call: 'GET /protected/json/app/details',
      insists: ({ body }) => expect(body.app).toMatchObject({ onetouch_enabled: true, sms_enabled: true }),
    },
    { does: 'reads the statistics', call: 'GET /protected/json/app/stats' },
    {
      does: 'asks, with a logo whose address is called res',
      before: 'device',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [FORM],
      body:
        'message=Login+%C3%A9%3F&seconds_to_expire=120&details%5BAccount+Number%5D=12+34&hidden_details%5Breason%5D=too+many' +
        '&logos%5B%5D%5Bres%5D=default&logos%5B%5D%5Bres%5D=https%3A%2F%2Fexample.com%2Fa.png',
      insists: ({ body }) => expect(typeof body.approval_request.uuid).toBe('string'),
    },
    { does: 'removes a user', call: 'POST /protected/json/users/<id>/delete' },
    { does: 'removes nobody', call: 'POST /protected/json/users/<id>/delete', status: 404 },
  ],
};
