import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { FORM } from '../recorded';
import type { RecordedClient } from '../recorded';

/** It decodes these types and no others. */
function isTyped({ body }: RawReply, call: string): void {
  if (!call.includes('/verify/')) expect(typeof body.success).toBe('boolean');
  for (const value of Object.values(body.errors ?? {})) expect(typeof value).toBe('string');
  if (body.approval_request) expect(body.approval_request).toEqual(expect.any(Object));
}

/** `go-authy` 1.0.1: the key among the parameters, two slashes, and types that it does not convert. */
export const go: RecordedClient = {
  name: 'go-authy',
  headers: ['User-Agent: Go-http-client/1.1', 'Connection: close', 'Accept-Encoding: gzip'],
  insists: isTyped,
  calls: [
    {
      does: 'registers a user',
      call: 'POST //protected/json/users/new',
      headers: [FORM],
      body: 'api_key=<key>&send_install_link_via_sms=false&user%5Bcellphone%5D=<phone>&user%5Bcountry_code%5D=1&user%5Bemail%5D=jane%40example.com',
      insists: ({ body }) => expect(typeof body.user.id).toBe('number'),
    },
    {
      does: 'registers somebody who is not valid',
      call: 'POST //protected/json/users/new',
      headers: [FORM],
      body: 'api_key=<key>&user%5Bcellphone%5D=12&user%5Bcountry_code%5D=1&user%5Bemail%5D=jane%40example.com',
      status: 400,
      insists: ({ body }) => expect(body.errors.cellphone).toBe('is invalid'),
    },
    {
      does: 'asks how a user stands, and wants numbers',
      before: 'device',
      call: 'GET //protected/json/users/<id>/status?api_key=<key>',
      insists: ({ body }) =>
        expect(body.status).toMatchObject({
          authy_id: expect.any(Number),
          country_code: expect.any(Number),
          devices: ['android'],
        }),
    },
    { does: 'sends a code', call: 'GET //protected/json/sms/<id>?api_key=<key>&force=true' },
    {
      does: 'verifies a token',
      before: 'code on the phone',
      call: 'GET //protected/json/verify/<code>/<id>?api_key=<key>',
      insists: ({ body }) => expect(body.token).toBe('is valid'),
    },
    {
      does: 'verifies a wrong token',
      call: 'GET //protected/json/verify/0000000/<id>?api_key=<key>&force=true',
      status: 401,
    },
    { does: 'calls', call: 'GET //protected/json/call/<id>?api_key=<key>&force=true' },
    {
      does: 'asks, with parameters that are sorted',
      call: 'POST //onetouch/json/users/<id>/approval_requests',
      headers: [FORM],
      body:
        'api_key=<key>&details%5BAccount+Number%5D=12+34&details%5Bx%5D=a%2Bb%26c&logos%5B%5D%5Bres%5D=default&logos%5B%5D%5Bres%5D=low' +
        '&logos%5B%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fa.png&logos%5B%5D%5Burl%5D=https%3A%2F%2Fexample.com%2Fb.png' +
        '&message=Login+%C3%A9%3F&seconds_to_expire=120',
    },
    {
      does: 'waits for the answer',
      before: 'approved',
      call: 'GET //onetouch/json/approval_requests/<uuid>?api_key=<key>',
      insists: ({ body }) =>
        expect(body.approval_request).toMatchObject({ status: 'approved', notified: expect.any(Boolean) }),
    },
    {
      does: 'asks nobody, and older releases look into an approval request all the same',
      call: 'POST //onetouch/json/users/99999999/approval_requests',
      headers: [FORM],
      body: 'api_key=<key>&message=Login%3F',
      status: 404,
      insists: ({ body }) => expect(body.approval_request).not.toBeNull(),
    },
    {
      does: 'starts a verification',
      call: 'POST //protected/json/phones/verification/start',
      headers: [FORM],
      body: 'api_key=<key>&code_length=6&country_code=1&locale=en&phone_number=<number>&via=sms',
      insists: ({ body }) => expect([typeof body.uuid, typeof body.carrier]).toEqual(['string', 'string']),
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET //protected/json/phones/verification/check?api_key=<key>&country_code=1&phone_number=<number>&verification_code=<code>',
    },
    { does: 'has another key', call: 'GET /protected/json/users/<id>/status?api_key=wrong', status: 401 },
  ],
};
