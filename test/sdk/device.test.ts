import { createHash, createPrivateKey, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { Secret } from 'otpauth';
import type { DeviceKey, DeviceOptions } from '../../sdk/device';
import { createDevice, createWebCryptoKey, exportPrivateJwk, importPrivateJwk, readShown } from '../../sdk/device';
import { readTotp } from '../../sdk/totp';
import type { FakeApi } from './fakeApi';
import { problem, refusal, sha256, startFakeApi } from './fakeApi';

const IDENTITY = { deviceId: 'device-1', userId: 'user-1', tenantId: 'tenant-1' };
const APPROVAL = {
  id: 'approval-1',
  shown: '{ "v":1,  "title":"Zürich \\u0041" }\n',
  nonce: 'n-1',
  mode: 'login',
} as const;

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.close());

async function setup(options: Partial<DeviceOptions> = {}) {
  const key = options.key ?? (await createWebCryptoKey());
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const device = createDevice({ baseUrl: api.url, key, identity: IDENTITY, pause, ...options });
  return { device, key, pauses };
}

/** Header and payload of a JWS that this key signed. */
async function read(key: DeviceKey, jws: unknown) {
  const { payload, protectedHeader } = await compactVerify(String(jws), key.publicJwk);
  return { header: protectedHeader, claims: JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown> };
}

const proofs = (key: DeviceKey) => Promise.all(api.seen.map(({ headers }) => read(key, headers['dpop'])));
const bodyOf = (index: number) => JSON.parse(api.seen[index]?.body ?? '') as Record<string, unknown>;
const empty = { body: { approvals: [], cursor: 'c-1' } };

describe('register', () => {
  test('proves the new key to the holder of the token', async () => {
    const key = await createWebCryptoKey();
    const device = createDevice({ baseUrl: `${api.url}/`, key });
    api.reply({ status: 201, body: IDENTITY });
    expect(await device.register('token-1', { name: 'Phone', platform: 'ios' })).toEqual(IDENTITY);
    expect(device.identity).toEqual(IDENTITY);
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/device/registrations' });
    const { proof, ...rest } = bodyOf(0);
    expect(rest).toEqual({ registrationToken: 'token-1', publicJwk: key.publicJwk, name: 'Phone', platform: 'ios' });
    expect(await read(key, proof)).toEqual({
      header: { alg: 'ES256', typ: 'countersign-registration+jwt' },
      claims: {
        registrationTokenHash: sha256('token-1'),
        publicKeyThumbprint: await calculateJwkThumbprint(key.publicJwk),
      },
    });
  });

  test('a lost reply is asked for again with the same proof', async () => {
    const { device } = await setup();
    api.reply({ hangUp: true }, { status: 201, body: IDENTITY });
    await device.register('token-1', { name: 'Phone', platform: 'ios' });
    expect(bodyOf(1)).toEqual(bodyOf(0));
  });

  test('without it, nothing is sent', async () => {
    const device = createDevice({ baseUrl: api.url, key: await createWebCryptoKey() });
    await expect(device.inbox()).rejects.toThrow('not registered');
    await expect(device.answer(APPROVAL, 'approved')).rejects.toThrow('not registered');
    expect(api.seen).toEqual([]);
  });
});

describe('the proof of a call', () => {
  test('names method, address without query, device and the server’s nonce', async () => {
    const { device, key } = await setup();
    api.reply(refusal('nonce_required', 401, { 'dpop-nonce': 'n-1' }), empty);
    await device.inbox({ wait: 5, cursor: 'a b' });
    const [first, second] = await proofs(key);
    expect(api.seen[1]?.url).toBe('/v1/device/approvals?wait=5&cursor=a%20b');
    expect(first?.claims).not.toHaveProperty('nonce');
    expect(second).toEqual({
      header: { alg: 'ES256', typ: 'dpop+jwt', kid: 'device-1' },
      claims: { jti: expect.any(String), htm: 'GET', htu: `${api.url}/v1/device/approvals`, nonce: 'n-1' },
    });
  });

  test('covers the bytes of the body', async () => {
    const { device, key } = await setup();
    api.reply({ status: 204 });
    await device.setPushTarget({ kind: 'simulated', token: 'zürich' });
    const [proof] = await proofs(key);
    expect(proof?.claims).toMatchObject({ htm: 'PUT', bth: sha256(api.seen[0]?.body ?? '') });
    expect(bodyOf(0)).toEqual({ kind: 'simulated', token: 'zürich' });
  });

  test('carries the nonce of the last reply, whatever that reply was', async () => {
    const { device, key } = await setup();
    api.reply(
      { ...empty, headers: { 'dpop-nonce': 'n-1' } },
      refusal('approval_not_found', 404, { 'dpop-nonce': 'n-2' }),
      empty,
    );
    await device.inbox();
    await expect(device.show('x')).rejects.toMatchObject({ code: 'approval_not_found' });
    await device.inbox();
    expect((await proofs(key)).map(({ claims }) => claims['nonce'])).toEqual([undefined, 'n-1', 'n-2']);
  });

  test('is repeated once when the nonce is too old, not for ever', async () => {
    const { device } = await setup();
    api.reply(
      refusal('nonce_required', 401, { 'dpop-nonce': 'a' }),
      refusal('nonce_required', 401, { 'dpop-nonce': 'b' }),
    );
    await expect(device.inbox()).rejects.toMatchObject({ status: 401, code: 'nonce_required' });
    expect(api.seen).toHaveLength(2);
  });

  test('is new for every attempt', async () => {
    const { device, key } = await setup();
    api.reply({ hangUp: true }, refusal('temporarily_unavailable', 503), empty);
    await device.inbox();
    expect(new Set((await proofs(key)).map(({ claims }) => claims['jti'])).size).toBe(3);
  });
});

describe('totp', () => {
  const TOTP = { secret: Secret.fromLatin1('1234567890'.repeat(4).slice(0, 32)).base32, algorithm: 'SHA256' } as const;

  test('keeps how much the server is ahead, and makes digits by its clock', async () => {
    const { device } = await setup();
    const now = new Date(Date.now() + 3_600_000).toISOString();
    api.reply({ body: { ...TOTP, digits: 7, periodSeconds: 20, now } });
    const totp = await device.totp();
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/device/totp' });
    expect(totp.aheadMs).toBeGreaterThan(3_590_000);
    expect(totp.aheadMs).toBeLessThanOrEqual(3_600_000);
    const atMs = 1_111_111_109_000; // RFC 6238, appendix B, the vector of SHA-256 for this time, with periods of 30 s
    expect(readTotp({ ...totp, digits: 7, periodSeconds: 30 as never, aheadMs: 0 }, atMs)).toEqual({
      code: '8084774',
      secondsLeft: 1,
    });
    expect(readTotp(totp, 0)).toEqual(readTotp({ ...totp, aheadMs: 0 }, totp.aheadMs));
    expect(readTotp({ ...totp, aheadMs: 5_000 }, 0).secondsLeft).toBe(15);
    expect(readTotp({ ...totp, aheadMs: 0 }, 20_000).secondsLeft).toBe(20);
  });
});

describe('answer', () => {
  test('signs the digest of exactly what was received', async () => {
    const { device, key } = await setup();
    api.reply({ body: { ...APPROVAL, status: 'denied' } });
    expect(await device.answer(APPROVAL, 'denied', 'not_me')).toMatchObject({ status: 'denied' });
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/device/approvals/approval-1/answer' });
    expect(api.seen[0]?.headers).not.toHaveProperty('dpop');
    expect(await read(key, bodyOf(0)['answer'])).toEqual({
      header: { alg: 'ES256', typ: 'countersign-answer+jwt', kid: 'device-1' },
      claims: {
        v: 1,
        mode: 'login',
        tenantId: 'tenant-1',
        approvalId: 'approval-1',
        decision: 'denied',
        reason: 'not_me',
        shownDigest: createHash('sha256').update(Buffer.from(APPROVAL.shown)).digest('base64url'),
        nonce: 'n-1',
        deviceId: 'device-1',
        at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
  });

  test('names no reason when there is none, and is sent again as it was when the reply was lost', async () => {
    const { device, key } = await setup();
    api.reply({ hangUp: true }, { body: APPROVAL });
    await device.answer(APPROVAL, 'approved');
    expect(bodyOf(1)).toEqual(bodyOf(0));
    expect((await read(key, bodyOf(0)['answer'])).claims).not.toHaveProperty('reason');
  });
});

describe('failures', () => {
  test('a refusal keeps its code, field and request id, and is not repeated', async () => {
    const { device } = await setup();
    const body = problem('invalid_request', 400, { field: 'token', reason: 'too long' });
    api.reply({ status: 400, body });
    await expect(device.setPushTarget({ kind: 'none' })).rejects.toMatchObject({
      name: 'CountersignError',
      status: 400,
      code: 'invalid_request',
      field: 'token',
      reason: 'too long',
      requestId: 'request-1',
    });
    expect(api.seen).toHaveLength(1);
  });

  test('a server that stumbles is asked again, later each time, or when it says', async () => {
    const { device, pauses } = await setup();
    api.reply(
      refusal('internal_error', 500),
      refusal('internal_error', 500),
      refusal('temporarily_unavailable', 503, { 'retry-after': '7' }),
      empty,
    );
    await device.inbox();
    expect(pauses).toHaveLength(3);
    expect(pauses[1]).toBeGreaterThan(pauses[0] ?? Infinity);
    expect(pauses[2]).toBeGreaterThanOrEqual(7_000);
  });

  test('no reply at all ends as unreachable after four attempts', async () => {
    const { device } = await setup();
    api.reply({ hangUp: true }, { hangUp: true }, { hangUp: true }, { hangUp: true }, empty);
    await expect(device.inbox()).rejects.toMatchObject({ status: 0, code: 'unreachable', repeated: true });
    expect(api.seen).toHaveLength(4);
  });

  test.each([
    [200, '<html>', 'a page instead of JSON'],
    [404, '<html>not here', 'the error page of a proxy'],
    [404, '{"message":"no"}', 'an error of another API'],
  ])('%i %j is unexpected', async (status, body) => {
    const { device } = await setup();
    api.reply({ status, body });
    await expect(device.inbox()).rejects.toMatchObject({ status, code: 'unexpected_reply' });
  });

  test('a long poll ends at once with the signal, with its reason', async () => {
    const { device } = await setup();
    const stop = new AbortController();
    api.reply({ silent: true });
    const arrived = api.arrival();
    const waiting = device.inbox({ wait: 30, signal: stop.signal });
    await arrived;
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(api.seen).toHaveLength(1);
  });

  test('an aborted signal sends nothing', async () => {
    const { device } = await setup();
    await expect(device.inbox({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(api.seen).toEqual([]);
  });
});

describe('unregister', () => {
  test('removes the device', async () => {
    const { device } = await setup();
    api.reply({ status: 204 });
    await device.unregister();
    expect(api.seen[0]).toMatchObject({ method: 'DELETE', url: '/v1/device' });
  });

  test('is done when the reply was lost and the server no longer knows the device', async () => {
    const { device } = await setup();
    api.reply({ hangUp: true }, refusal('device_unauthorized', 401));
    await expect(device.unregister()).resolves.toBeUndefined();
  });

  test('fails when the server never knew it', async () => {
    const { device } = await setup();
    api.reply(refusal('device_unauthorized', 401));
    await expect(device.unregister()).rejects.toMatchObject({ code: 'device_unauthorized' });
  });
});

describe('keys', () => {
  test('a key that only signs, and a digest of one’s own, are enough', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const nodeKey = createPrivateKey({ key: await exportJWK(privateKey), format: 'jwk' });
    const { x = '', y = '' } = await exportJWK(publicKey);
    const key: DeviceKey = {
      publicJwk: { kty: 'EC', crv: 'P-256', x, y },
      sign: async (bytes) => sign('sha256', bytes, { key: nodeKey, dsaEncoding: 'ieee-p1363' }),
    };
    const digested: string[] = [];
    const { device } = await setup({
      key,
      sha256: async (bytes) => {
        digested.push(Buffer.from(bytes).toString());
        return createHash('sha256').update(bytes).digest();
      },
    });
    api.reply({ body: APPROVAL });
    await device.answer(APPROVAL, 'approved');
    expect(digested).toEqual([APPROVAL.shown]);
    expect((await read(key, bodyOf(0)['answer'])).claims['shownDigest']).toBe(sha256(APPROVAL.shown));

    const der = createDevice({
      baseUrl: api.url,
      key: { ...key, sign: async (bytes) => sign('sha256', bytes, nodeKey) },
    });
    await expect(der.register('t', { name: 'n', platform: 'p' })).rejects.toThrow('DER');
    expect(api.seen).toHaveLength(1);
  });

  test('an exported key comes back as the same device', async () => {
    const key = await createWebCryptoKey({ extractable: true });
    const again = await importPrivateJwk(JSON.parse(JSON.stringify(await exportPrivateJwk(key))) as never);
    expect(again.publicJwk).toEqual(key.publicJwk);
    const { device } = await setup({ key: again });
    api.reply(empty);
    await device.inbox();
    expect(decodeProtectedHeader(String(api.seen[0]?.headers['dpop']))).toMatchObject({ kid: 'device-1' });
    await expect(proofs(key)).resolves.toHaveLength(1);
  });

  test('a key is not extractable unless that is wanted', async () => {
    await expect(exportPrivateJwk(await createWebCryptoKey())).rejects.toThrow();
  });
});

test.each([
  { v: 2, type: 'countersign.approval' },
  { v: 1, type: 'something.else' },
])('a phone does not show what it does not know: %j', (shown) => {
  expect(() => readShown({ shown: JSON.stringify(shown) })).toThrow('newer phone');
});
