import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { FORM } from '../recorded';
import type { RecordedClient } from '../recorded';

/** `token` stands before `device`: what comes after the nineteenth word of the reply is not read. */
const tokenIsEarly = ({ text }: RawReply): void =>
  expect(text.indexOf('"token"')).toBeLessThan((text + '"device"').indexOf('"device"'));

/** The OpenVPN plug-in: the key in every query, forms that nothing is escaped in, no status looked at. */
export const vpn: RecordedClient = {
  name: 'authy-openvpn',
  headers: ['User-Agent: AuthyOpenVPN/5.0 (Linux 6.1', 'Accept: */*'],
  insists: ({ text }) => expect(text.length).toBeLessThan(16_384),
  calls: [
    {
      does: 'registers a user',
      call: 'POST /protected/json/users/new?api_key=<key>',
      headers: [FORM],
      body: 'user[email]=jane@example.com&user[country_code]=1&user[cellphone]=<phone>',
    },
    { does: 'sends a code', call: 'GET /protected/json/sms/<id>?api_key=<key>' },
    {
      does: 'verifies a token, which stands early in the reply',
      before: 'code on the phone',
      call: 'GET /protected/json/verify/<code>/<id>?force=true&api_key=<key>',
      insists: (reply) => {
        tokenIsEarly(reply);
        expect(reply.body.token).toBe('is valid');
      },
    },
    {
      does: 'verifies a wrong token',
      call: 'GET /protected/json/verify/0000000/<id>?force=true&api_key=<key>',
      status: 401,
      insists: ({ body }) => expect(body.token).toBe('is invalid'),
    },
    {
      does: 'verifies with another key, and no word of the reply says that a token is valid',
      call: 'GET /protected/json/verify/0000000/<id>?force=true&api_key=wrong',
      status: 401,
      insists: ({ text }) => expect(text).not.toContain('token'),
    },
    { does: 'calls', call: 'GET /protected/json/call/<id>?api_key=<key>' },
  ],
};
