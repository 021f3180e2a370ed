import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { ReceivedCallback } from '../../sdk/callback';
import { CallbackRefused, verifyCallback, verifyWebhook } from '../../sdk/callback';

const SECRET = Buffer.alloc(32, 7);
const NOW = 1_764_000_000;
const BODY =
  '{"type":"approval.approved","id":"cb_1","timestamp":"2026-11-24T10:00:00.000Z","data":{"title":"Zürich"}}';

/** The signature by the letter of the Standard Webhooks specification, not by the library that the SDK uses. */
function signatureOf(body: string, { id = 'cb_1', seconds = String(NOW), secret = SECRET } = {}): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

function received(
  changes: Partial<ReceivedCallback> = {},
  headers: ReceivedCallback['headers'] = {},
): ReceivedCallback {
  return {
    headers: {
      'webhook-id': 'cb_1',
      'webhook-timestamp': String(NOW),
      'webhook-signature': signatureOf(BODY),
      ...headers,
    },
    body: BODY,
    signingKey: `whsec_${SECRET.toString('base64')}`,
    nowMs: NOW * 1_000,
    ...changes,
  };
}

describe('accepted', () => {
  const other = signatureOf(BODY, { secret: Buffer.alloc(32, 8) });
  test.each<[string, ReceivedCallback]>([
    ['a signed callback', received()],
    ['its bytes', received({ body: Buffer.from(BODY) })],
    [
      'headers in other letters',
      received({
        headers: Object.fromEntries(
          Object.entries(received().headers).map(([name, value]) => [name.toUpperCase(), value]),
        ),
      }),
    ],
    [
      'several signatures, one of them ours',
      received({}, { 'webhook-signature': `v1a,xyz ${other} ${signatureOf(BODY)}` }),
    ],
    ['five minutes late', received({ nowMs: (NOW + 300) * 1_000 })],
    ['five minutes early', received({ nowMs: (NOW - 300) * 1_000 })],
    ['an hour late, where that is allowed', received({ nowMs: (NOW + 3_600) * 1_000, toleranceSeconds: 3_600 })],
  ])('%s', (_, callback) => {
    expect(verifyCallback(callback)).toEqual(JSON.parse(BODY));
  });
});

describe('refused', () => {
  const signed = (body: string): ReceivedCallback => received({ body }, { 'webhook-signature': signatureOf(body) });
  test.each<[string, ReceivedCallback, string]>([
    ['no id', received({}, { 'webhook-id': undefined }), 'headers_missing'],
    ['no timestamp', received({}, { 'webhook-timestamp': undefined }), 'headers_missing'],
    ['no signature', received({}, { 'webhook-signature': undefined }), 'headers_missing'],
    ['too late', received({ nowMs: (NOW + 301) * 1_000 }), 'timestamp_refused'],
    ['too early', received({ nowMs: (NOW - 301) * 1_000 }), 'timestamp_refused'],
    ['a timestamp that is no number', received({}, { 'webhook-timestamp': `${NOW}x` }), 'timestamp_refused'],
    ['another timestamp', received({}, { 'webhook-timestamp': String(NOW + 1) }), 'signature_invalid'],
    ['another id', received({}, { 'webhook-id': 'cb_2' }), 'signature_invalid'],
    ['another body', received({ body: BODY.replace('approved', 'denied') }), 'signature_invalid'],
    ['another key', received({ signingKey: `whsec_${Buffer.alloc(32, 8).toString('base64')}` }), 'signature_invalid'],
    [
      'another version',
      received({}, { 'webhook-signature': signatureOf(BODY).replace('v1', 'v2') }),
      'signature_invalid',
    ],
    ['half a signature', received({}, { 'webhook-signature': signatureOf(BODY).slice(0, -4) }), 'signature_invalid'],
    ['bytes that are no text', received({ body: Buffer.from([0xff]) }), 'body_invalid'],
    ['text that is no JSON', signed('approved'), 'body_invalid'],
    ['nothing', signed('null'), 'body_invalid'],
    ['the body of another callback', signed(BODY.replace('cb_1', 'cb_2')), 'body_invalid'],
  ])('%s', (_, callback, code) => {
    let refused: unknown;
    try {
      verifyCallback(callback);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ name: 'CallbackRefused', code });
  });
});

test('a webhook is verified like a callback, with the secret of its endpoint; any of several signatures will do', () => {
  const { signingKey: secret, ...rest } = received();
  expect(verifyWebhook({ ...rest, secret })).toEqual(JSON.parse(BODY));
  const both = `${signatureOf(BODY, { secret: Buffer.alloc(32, 8) })} ${signatureOf(BODY)}`;
  expect(verifyWebhook({ ...rest, headers: { ...rest.headers, 'webhook-signature': both }, secret }).id).toBe('cb_1');
  const wrong = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  expect(() => verifyWebhook({ ...rest, secret: wrong })).toThrow(CallbackRefused);
});
