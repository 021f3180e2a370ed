import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { JSON_TYPE } from '../recorded';
import type { RecordedClient } from '../recorded';

/** It takes the uuid of any reply that has an approval request. */
function hasUuid({ body }: RawReply): void {
  if (body.approval_request) expect(body.approval_request).toHaveProperty('uuid');
}

/** The package `authy` 2.2.6 of Python. It looks for bytes in the reply to a token, and at `errors` whatever went wrong. */
export const python: RecordedClient = {
  name: 'authy-python',
  headers: [
    'User-Agent: AuthyPython/2.2.6 (Linux-x86_64-with-glibc2.36; Python 3.11.7)',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    'X-Authy-API-Key: <key>',
  ],
  insists: hasUuid,
  calls: [
    {
      does: 'registers a user',
      call: 'POST /protected/json/users/new',
      headers: [JSON_TYPE],
      body: '{"user": {"email": "jane@example.com", "cellphone": "<phone>", "country_code": 1}, "send_install_link_via_sms": false}',
      insists: ({ body }) => expect(Number.isInteger(body.user.id)).toBe(true),
    },
    {
      does: 'registers nobody',
      call: 'POST /protected/json/users/new',
      headers: [JSON_TYPE],
      body: '{"user": {"email": "jane", "cellphone": "", "country_code": null}, "send_install_link_via_sms": true}',
      status: 400,
      insists: ({ body }) => expect(body.error_code).toBe('60030'),
    },
    {
      does: 'asks how a user stands',
      call: 'GET /protected/json/users/<id>/status',
      insists: ({ body }) => expect(body.status).toMatchObject({ confirmed: false, registered: false }),
    },
    {
      does: 'sends a code',
      call: 'GET /protected/json/sms/<id>',
      insists: ({ body }) => expect('ignored' in body).toBe(false),
    },
    {
      does: 'verifies a wrong token',
      call: 'GET /protected/json/verify/0000000/<id>?force=true',
      status: 401,
      insists: ({ body, text }) => {
        expect(text).not.toContain('"token":"is valid"');
        expect(body.errors).toEqual({ message: 'Token is invalid' });
      },
    },
    {
      does: 'verifies a token, by bytes of the reply',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>?force=true',
      insists: ({ text }) => expect(text).toContain('"token":"is valid"'),
    },
    {
      does: 'calls, with a boolean as Python writes it',
      call: 'GET /protected/json/call/<id>?force=True',
      insists: ({ body }) => expect('ignored' in body).toBe(false),
    },
    {
      does: 'asks a person who has no device',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [JSON_TYPE],
      body: '{"message": "bare", "seconds_to_expire": null, "details": {}, "hidden_details": {}, "logos": []}',
      status: 404,
    },
    {
      does: 'is told that no code is needed where there is a device',
      before: 'device',
      call: 'GET /protected/json/sms/<id>?force=False',
      insists: ({ body }) => expect(body.ignored).toBe(true),
    },
    {
      does: 'asks, with everything unset',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [JSON_TYPE],
      body: '{"message": "bare", "seconds_to_expire": null, "details": {}, "hidden_details": {}, "logos": []}',
    },
    {
      does: 'asks, with everything set',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [JSON_TYPE],
      body: String.raw`{"message": "Login \u00e9", "seconds_to_expire": 120, "details": {"username": "Jane", "Account Number": "10 \u20ac + tip", "location": "Z\u00fcrich"}, "hidden_details": {"ip_address": "1.2.3.4"}, "logos": [{"res": "default", "url": "https://example.com/l.png?x=1"}, {"res": "low", "url": "https://example.com/s.png"}]}`,
    },
    {
      does: 'reads an answer',
      before: 'approved',
      call: 'GET /onetouch/json/approval_requests/<uuid>',
      insists: ({ body }) => expect(body.approval_request.status).toBe('approved'),
    },
    {
      does: 'asks nobody',
      call: 'POST /onetouch/json/users/99999999/approval_requests',
      headers: [JSON_TYPE],
      body: '{"message": "bare", "seconds_to_expire": null, "details": {}, "hidden_details": {}, "logos": []}',
      status: 404,
    },
    {
      does: 'reads nothing',
      call: 'GET /onetouch/json/approval_requests/11111111-2222-4333-8444-555555555555',
      status: 404,
      insists: ({ body }) => expect(body.error_code).toBe('60049'),
    },
    {
      does: 'asks for the QR code of another authenticator',
      call: 'POST /protected/json/users/<id>/secret',
      headers: [JSON_TYPE],
      body: '{"qr_size": 300, "label": "my label"}',
      insists: ({ body }) => expect(body.qr_code).toMatch(/^http/),
    },
    {
      does: 'looks whether somebody has registered by QR code',
      call: 'GET /protected/json/registrations/status?custom_user_id=nobody',
      status: 404,
    },
    {
      does: 'reads the application',
      call: 'GET /protected/json/app/details',
      insists: ({ body }) => expect(Number.isInteger(body.app.app_id)).toBe(true),
    },
    { does: 'reads the statistics', call: 'GET /protected/json/app/stats' },
    {
      does: 'starts a verification',
      call: 'POST /protected/json/phones/verification/start',
      headers: [JSON_TYPE],
      body: '{"phone_number": "<number>", "country_code": 1, "via": "sms", "code_length": 6, "locale": "en"}',
      insists: ({ body }) => expect(typeof body.uuid).toBe('string'),
    },
    {
      does: 'checks a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?phone_number=<number>&country_code=1&verification_code=<code>',
    },
    { does: 'reads about a number', call: 'GET /protected/json/phones/info?phone_number=<number>&country_code=1' },
    { does: 'removes a user', call: 'POST /protected/json/users/<id>/delete', headers: [JSON_TYPE], body: '{}' },
  ],
};
