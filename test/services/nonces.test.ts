import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createKeyring } from '../../platform/keys/keyring';
import { createDevices } from '../../services/devices';
import { createRegistrationTokens } from '../../services/registrationTokens';
import { signCompactJws } from '../../sdk/sign';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import type { Phone } from '../support/signing';

let database: TestDatabase;
let bench: Bench;
let phone: Phone;
beforeAll(async () => {
  database = await createTestDatabase();
  bench = await createBench(database.url);
  phone = (await bench.addUser(1)).phones[0]!;
}, 60_000);
afterAll(async () => {
  await bench?.close();
  await database?.drop();
});

const URL = 'http://127.0.0.1/v1/device/approvals';
const MINUTE_MS = 60_000;
const k1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const k2 = { id: 'k2', key: Buffer.alloc(32, 2) };

/** The devices of a server with a clock and keys of its own. */
function serverAt(nowMs: () => number, masterKeys = [k1]) {
  const keyring = createKeyring(masterKeys);
  const { rows } = bench.services;
  return createDevices({
    pool: bench.pool,
    ...rows,
    confirmations: { ask: () => Promise.reject(new Error('nobody registers here')) },
    onConfirmation: () => {},
    tokens: createRegistrationTokens(rows.devices, keyring),
    keyring,
    nowMs,
  });
}

async function call(server: ReturnType<typeof serverAt>, nonce: string): Promise<string> {
  const proof = await signCompactJws(
    phone.key,
    { typ: 'dpop+jwt', kid: phone.id },
    { jti: randomUUID(), htm: 'GET', htu: URL, nonce },
  );
  return server.authenticate({ proof, method: 'GET', urls: [URL], body: undefined }).then(
    ({ device }) => device.id,
    (error: { code: string }) => error.code,
  );
}

test('a nonce is good for five minutes at least and ten at most, by the clock of the server', async () => {
  let nowMs = 1_000 * 5 * MINUTE_MS; // the beginning of a period
  const server = serverAt(() => nowMs);
  const nonce = server.currentNonce();
  for (const [afterMs, heard] of [
    [0, phone.id],
    [5 * MINUTE_MS - 1, phone.id],
    [5 * MINUTE_MS, phone.id],
    [10 * MINUTE_MS - 1, phone.id],
    [10 * MINUTE_MS, 'nonce_required'],
    [60 * MINUTE_MS, 'nonce_required'],
    [-1, 'nonce_required'], // of a time to come: not given by us yet
  ] as const) {
    nowMs = 1_000 * 5 * MINUTE_MS + afterMs;
    expect([afterMs, await call(server, nonce)]).toEqual([afterMs, heard]);
  }
});

test('every process of an installation knows the nonces of the others, also around a change of keys', async () => {
  const nowMs = () => 1_000_000 * MINUTE_MS;
  const [older, newer, foreign] = [
    serverAt(nowMs, [k1]),
    serverAt(nowMs, [k2, k1]),
    serverAt(nowMs, [{ id: 'k3', key: Buffer.alloc(32, 3) }]),
  ];
  expect(await call(newer, older.currentNonce())).toBe(phone.id);
  expect(await call(newer, newer.currentNonce())).toBe(phone.id);
  expect(await call(foreign, older.currentNonce())).toBe('nonce_required');
});
