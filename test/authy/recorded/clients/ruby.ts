import { expect } from '@jest/globals';
import { FORM } from '../recorded';
import type { RecordedClient } from '../recorded';

/**
 * The gem `authy` 3.0.1, which the gem `devise-authy` uses too, with a slash at the end of its base URL. It writes `?`
 * after a path also where nothing follows.
 */
export const ruby: RecordedClient = {
  name: 'authy-ruby and authy-devise',
  headers: ['X-Authy-API-Key: <key>', 'User-Agent: AuthyRuby/3.0.1 (x86_64-linux-gnu, Ruby 3.1.2)', 'Accept: */*'],
  calls: [
    {
      does: 'registers a user',
      call: 'POST /protected/json/users/new',
      headers: [FORM],
      body: 'user%5Bemail%5D=jane%40example.com&user%5Bcellphone%5D=<phone>&user%5Bcountry_code%5D=1&send_install_link_via_sms=false',
    },
    {
      does: 'registers nobody at all',
      call: 'POST /protected/json/users/new',
      headers: [FORM],
      body: '&send_install_link_via_sms=true',
      status: 400,
      insists: ({ body }) => expect(body.errors.message).toBe(body.message),
    },
    {
      does: 'registers somebody who is not valid',
      call: 'POST /protected/json/users/new',
      headers: [FORM],
      body: 'user%5Bemail%5D=jane&user%5Bcellphone%5D=12&user%5Bcountry_code%5D=1&send_install_link_via_sms=true',
      status: 400,
      insists: ({ body }) => expect(body.errors).toMatchObject({ email: 'is invalid', cellphone: 'is invalid' }),
    },
    { does: 'asks how a user stands', call: 'GET /protected/json/users/<id>/status?' },
    {
      does: 'changes the e-mail',
      call: 'POST /protected/json/users/<id>/update',
      headers: [FORM],
      body: 'email=new%40example.com',
      insists: ({ body }) => expect(body.message).toBe('User was updated successfully'),
    },
    { does: 'sends a code', call: 'GET /protected/json/sms/<id>?force=true' },
    {
      does: 'verifies a token',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>?force=true',
      insists: ({ body }) => expect(body.token).toBe('is valid'),
    },
    {
      does: 'verifies it again',
      call: 'GET /protected/json/verify/<code>/<id>?force=false',
      status: 401,
      insists: ({ body }) => expect(body).toMatchObject({ token: 'is invalid', error_code: '60019' }),
    },
    {
      does: 'calls for an action',
      call: 'GET /protected/json/call/<id>?action=pay&action_message=Pay+10+EUR',
    },
    {
      does: 'asks for a code by e-mail',
      call: 'POST /protected/json/email/<id>',
      headers: [FORM],
      body: '',
      insists: ({ body }) => expect(body.message).toBe('Email token was sent'),
    },
    {
      does: 'asks for a QR code, with an empty label',
      call: 'POST /protected/json/users/<id>/secret',
      headers: [FORM],
      body: 'qr_size=300&label=',
      insists: ({ body }) => expect(body.qr_code).toMatch(/^http/),
    },
    {
      does: 'starts a verification',
      call: 'POST /protected/json/phones/verification/start',
      headers: [FORM],
      body: 'via=sms&country_code=1&phone_number=<number>&code_length=5&locale=en',
    },
    {
      does: 'checks a wrong code',
      call: 'GET /protected/json/phones/verification/check?country_code=1&phone_number=<number>&verification_code=00000',
      status: 401,
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?country_code=1&phone_number=<number>&verification_code=<code>',
    },
    {
      does: 'starts a verification with a code of its own',
      call: 'POST /protected/json/phones/verification/start',
      headers: [FORM],
      body: 'via=sms&country_code=1&phone_number=<number>&custom_code=ABcd12',
      insists: ({ body }) => expect(body.sms_id).toMatch(/^SM/),
    },
    {
      does: 'asks, with logos whose names repeat',
      before: 'device',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [FORM],
      body:
        'message=Pay%3F&details%5BEmail+Address%5D=jane%40example.com&details%5Ba%5D=b+c%2Bd&hidden_details%5Bip%5D=1.2.3.4' +
        '&logos%5B%5D%5Bres%5D=default&logos%5B%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fa.png' +
        '&logos%5B%5D%5Bres%5D=low&logos%5B%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fb.png%3Fa%3D1%26b%3D2&seconds_to_expire=150',
    },
    {
      does: 'polls, with a slash too many, while nobody answers',
      call: 'GET //onetouch/json/approval_requests/<uuid>?',
      insists: ({ body }) => expect(body.approval_request.status).toBe('pending'),
    },
    {
      does: 'polls, with a slash too many, and sees the answer',
      before: 'denied',
      call: 'GET //onetouch/json/approval_requests/<uuid>?',
      insists: ({ body }) => expect(body.approval_request.status).toBe('denied'),
    },
    { does: 'removes a user', call: 'POST /protected/json/users/delete/<id>', headers: [FORM], body: '' },
    { does: 'asks how nobody stands', call: 'GET /protected/json/users/<id>/status?', status: 404 },
  ],
};
