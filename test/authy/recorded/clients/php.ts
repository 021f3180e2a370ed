import { expect } from '@jest/globals';
import type { RecordedClient } from '../recorded';

/** `authy/php` 3.0.4: whatever it says stands in the query, and a POST has neither a body nor a type. */
export const php: RecordedClient = {
  name: 'authy-php',
  headers: ['User-Agent: AuthyPHP/3.0.4 (Linux-x86_64; PHP 8.2.36)', 'X-Authy-API-Key: <key>'],
  insists: ({ status, body }) => {
    if (status !== 200) expect(body.errors).toMatchObject({ message: body.message });
  },
  calls: [
    {
      does: 'registers a user, the install link inside it',
      call: 'POST /protected/json/users/new?user%5Bemail%5D=jane%40example.com&user%5Bcellphone%5D=<phone>&user%5Bcountry_code%5D=1&user%5Bsend_install_link_via_sms%5D=1',
      body: '',
      insists: ({ body }) => expect(body.user.id).toBeGreaterThan(0),
    },
    {
      does: 'registers somebody who is not valid',
      call: 'POST /protected/json/users/new?user%5Bemail%5D=jane&user%5Bcellphone%5D=1&user%5Bcountry_code%5D=1&user%5Bsend_install_link_via_sms%5D=0',
      body: '',
      status: 400,
      insists: ({ body }) => expect(body.errors).toMatchObject({ email: 'is invalid', cellphone: 'is invalid' }),
    },
    { does: 'sends a code', call: 'GET /protected/json/sms/<id>?force=true&locale=de' },
    {
      does: 'verifies a token',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>?force=true',
      insists: ({ body }) => expect(body.token).toBe('is valid'),
    },
    {
      does: 'verifies a wrong token, its default taken away by an option',
      call: 'GET /protected/json/verify/0000000/<id>',
      status: 401,
    },
    { does: 'calls', call: 'GET /protected/json/call/<id>' },
    {
      does: 'asks, with everything in the query',
      before: 'device',
      call:
        'POST /onetouch/json/users/<id>/approval_requests?details%5BAccount%20Number%5D=12%2034&details%5Bx%5D=a%2Bb%26c' +
        '&hidden_details%5Bip%5D=1.2.3.4&logos%5B0%5D%5Bres%5D=default&logos%5B0%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fa.png' +
        '&logos%5B1%5D%5Bres%5D=med&logos%5B1%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fb.png&seconds_to_expire=120&message=Login%20%C3%A9%3F',
      body: '',
    },
    {
      does: 'reads an answer',
      before: 'denied',
      call: 'GET /onetouch/json/approval_requests/<uuid>',
      insists: ({ body }) => expect(body.approval_request.status).toBe('denied'),
    },
    {
      does: 'starts a verification',
      call: 'POST /protected/json/phones/verification/start?phone_number=<number>&country_code=1&via=sms&code_length=6&locale=en',
      body: '',
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?phone_number=<number>&country_code=1&verification_code=<code>',
    },
    {
      does: 'starts a verification of nobody',
      call: 'POST /protected/json/phones/verification/start?phone_number=1&country_code=abc&via=sms&code_length=4',
      body: '',
      status: 400,
    },
    { does: 'asks how a user stands, with a slash too many', call: 'GET //protected/json/users/<id>/status' },
    { does: 'removes a user', call: 'POST /protected/json/users/<id>/remove', body: '' },
    { does: 'removes nobody', call: 'POST /protected/json/users/<id>/remove', body: '', status: 404 },
  ],
};
