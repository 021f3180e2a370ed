import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { JSON_TYPE } from '../recorded';
import type { RecordedClient } from '../recorded';

/** What it does not understand becomes an exception of another kind, or another number. */
function isParsed({ status, body }: RawReply): void {
  if (status !== 200)
    expect([typeof body.message, body.error_code]).toEqual(['string', expect.stringMatching(/^\d+$/)]);
  if (body.user !== undefined) expect(body.user.id).toBeLessThan(2 ** 31);
}

/** `authy-java` 1.5.1: asks for HTML, reads Latin-1, and names a type also where it sends nothing. */
export const java: RecordedClient = {
  name: 'authy-java',
  headers: [
    'User-Agent: AuthyJava/1.5.0 (Linux-amd64; Java 17)',
    JSON_TYPE,
    'X-Authy-API-Key: <key>',
    'Accept: text/html, image/gif, image/jpeg, */*; q=0.2',
    'Connection: keep-alive',
  ],
  insists: isParsed,
  calls: [
    {
      does: 'registers a user, everything a text',
      call: 'POST /protected/json/users/new',
      body: '{"user":{"country_code":"1","cellphone":"<phone>","email":"jane@example.com"}}',
    },
    {
      does: 'registers somebody who is not valid',
      call: 'POST /protected/json/users/new',
      body: '{"user":{"country_code":"1","cellphone":"12","email":"jane"}}',
      status: 400,
    },
    {
      does: 'asks how a user stands',
      call: 'GET /protected/json/users/<id>/status',
      insists: ({ body }) =>
        expect(body.status).toMatchObject({
          authy_id: expect.any(Number),
          country_code: 1,
          confirmed: false,
          registered: expect.any(Boolean),
          phone_number: expect.any(String),
          devices: expect.any(Array),
        }),
    },
    { does: 'sends a code', call: 'GET /protected/json/sms/<id>?force=true&locale=es' },
    {
      does: 'verifies a token',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>?force=true',
      insists: ({ body }) => expect(body.message).toBe('Token is valid.'),
    },
    {
      does: 'verifies a wrong token',
      call: 'GET /protected/json/verify/0000000/<id>?force=false',
      status: 401,
      insists: ({ body }) => expect(body.error_code).toBe('60020'),
    },
    { does: 'calls, with an empty list of options', call: 'GET /protected/json/call/<id>?' },
    {
      does: 'starts a verification',
      call: 'POST /protected/json/phones/verification/start',
      body: '{"country_code":"1","phone_number":"<number>","locale":"en","via":"sms"}',
      insists: ({ body }) => expect(body.is_cellphone).toBe(true),
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?country_code=1&phone_number=<number>&verification_code=<code>',
    },
    { does: 'reads about a number', call: 'GET /protected/json/phones/info?country_code=1&phone_number=<number>' },
    {
      does: 'asks, with logos in any order',
      before: 'device',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      body: String.raw`{"hidden_details":{"ip":"1.2.3.4"},"details":{"note":"a=b;c,d (e)!","account":"10 \u20ac + tip"},"message":"Login é?","logos":[{"res":"low","url":"https://example.com/s.png"},{"res":"default","url":"https://example.com/l.png?x=1"}],"seconds_to_expire":120}`,
    },
    {
      does: 'reads that nobody has answered',
      call: 'GET /onetouch/json/approval_requests/<uuid>?',
      insists: ({ body }) => expect(body.approval_request.status).toBe('pending'),
    },
    {
      does: 'asks, with nothing but a message',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      body: '{"message":"bare"}',
    },
    {
      does: 'asks nobody',
      call: 'POST /onetouch/json/users/99999999/approval_requests',
      body: '{"message":"bare"}',
      status: 404,
    },
    { does: 'removes a user, saying that nothing is JSON', call: 'POST /protected/json/users/delete/<id>' },
  ],
};
