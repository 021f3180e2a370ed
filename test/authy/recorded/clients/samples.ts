import { expect } from '@jest/globals';
import type { RawReply } from '../../../support/http';
import { FORM } from '../recorded';
import type { RecordedClient } from '../recorded';

const KEY = 'X-Authy-API-Key: <key>';

interface Bucket {
  count: number;
}

/** A report with an event that happened just now. */
function countsNow({ body }: RawReply): void {
  const counts = (body.phone_verification_started as Bucket[]).map(({ count }) => count);
  expect(Math.max(...counts)).toBeGreaterThan(0);
}

const arrayOf =
  (name: string) =>
  ({ body }: RawReply): void =>
    expect(Array.isArray(body[name])).toBe(true);

/** Shell scripts with curl, and the sample back end of the device SDK: brackets and blanks as they are, POST without a length. */
export const samples: RecordedClient = {
  name: 'the official samples',
  headers: ['User-Agent: curl/7.88.1', 'Accept: */*'],
  calls: [
    {
      does: 'register a user, the key in the query',
      call: 'POST /protected/json/users/new?api_key=<key>',
      headers: [FORM],
      body: 'user[email]=jane@example.com&user[cellphone]=<phone>&user[country_code]=1',
    },
    {
      does: 'get a registration token, the key in the form',
      call: 'POST /protected/json/sdk/registrations',
      headers: [FORM],
      body: 'api_key=<key>&authy_id=<id>',
      insists: ({ body }) => expect(typeof body.registration_token).toBe('string'),
    },
    {
      does: 'get none for nobody',
      call: 'POST /protected/json/sdk/registrations',
      headers: [FORM],
      body: 'api_key=<key>&authy_id=99999999',
      status: 404,
    },
    {
      does: 'ask, with details that are one text',
      before: 'device',
      call: 'POST /onetouch/json/users/<id>/approval_requests',
      headers: [KEY, FORM],
      body: 'message=Login requested, 100 percent.&details=Some details here&seconds_to_expire=120',
    },
    {
      does: 'ask, the key in the query',
      call: 'POST /onetouch/json/users/<id>/approval_requests?api_key=<key>',
      headers: [FORM],
      body: 'message=other&details=Some details here&seconds_to_expire=120',
    },
    { does: 'read it, the key in the query', call: 'GET /onetouch/json/approval_requests/<uuid>?api_key=<key>' },
    {
      does: 'ask for a code by e-mail',
      call: 'POST /protected/json/email/<id>?force=true',
      headers: [KEY],
      insists: ({ body }) => expect(body.message).toBe('Email token was sent'),
    },
    {
      does: 'ask for a QR code',
      call: 'POST /protected/json/users/<id>/secret',
      headers: [KEY, FORM],
      body: 'label=LabelHere&qr_size=300',
      insists: ({ body }) =>
        expect(body).toMatchObject({ label: 'LabelHere', qr_code: expect.stringMatching(/^http/) }),
    },
    { does: 'call', call: 'GET /protected/json/call/<id>?force=true', headers: [KEY] },
    {
      does: 'start a verification, everything in the query of a POST that has no length',
      call: 'POST /protected/json/phones/verification/start?code_length=4&via=sms&country_code=1&phone_number=<number>',
      headers: [KEY],
    },
    {
      does: 'check a code',
      before: 'code on the number',
      call: 'GET /protected/json/phones/verification/check?phone_number=<number>&country_code=1&verification_code=<code>',
      headers: [KEY],
    },
    {
      does: 'read events of a range of time, newest first',
      call: 'GET /protected/json/reporting/events?query[time][gte]=2020-01-01T00:00:00.000Z&query[time][lte]=2100-01-01T00:00:00.000Z&page=1&per_page=2',
      headers: [KEY],
      insists: ({ body }) => expect(body.events).toHaveLength(2),
    },
    {
      does: 'read a family of events',
      call: 'GET /protected/json/reporting/events?query[time][gte]=2020-01-01T00:00:00.000Z&query[event][gte]=phone_verification_&query[event][lt]=q',
      headers: [KEY],
      insists: ({ body }) =>
        expect((body.events as { event: string }[]).map(({ event }) => event)).toContain('phone_verification_started'),
    },
    {
      does: 'count one event by the minute, in one country, and see what has just happened',
      call: 'GET /protected/json/reporting/date_histogram?report[phone_verification_started][event][eq]=phone_verification_started&scope[objects.phone_verification.country_code][eq]=1&page=1&interval=minute',
      headers: [KEY],
      insists: countsNow,
    },
    {
      does: 'count three events by the day',
      call: 'GET /protected/json/reporting/date_histogram?report[phone_verification_started][event][eq]=phone_verification_started&report[phone_verification_code_is_invalid][event][eq]=phone_verification_code_is_invalid&report[phone_verification_code_is_valid][event][eq]=phone_verification_code_is_valid&scope[time][gte]=2026-01-01T00:00:00.000Z&interval=day&page=1',
      headers: [KEY],
      insists: arrayOf('phone_verification_code_is_valid'),
    },
    {
      does: 'see which device a user has',
      call: 'GET /protected/json/users/<id>/status',
      headers: [KEY],
      insists: ({ body }) => expect(body.status.detailed_devices).toHaveLength(1),
    },
    { does: 'remove the device', call: 'DELETE /protected/json/sdk/devices/<device>', headers: [KEY] },
    { does: 'remove a user', call: 'POST /protected/json/users/<id>/delete', headers: [KEY] },
  ],
};
