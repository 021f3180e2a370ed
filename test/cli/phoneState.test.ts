import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PhoneState } from '../../cli/phoneState';
import { readPhone, removePhone, writePhone } from '../../cli/phoneState';

const PHONE: PhoneState = {
  url: 'http://127.0.0.1:4700',
  identity: { deviceId: 'd', userId: 'u', tenantId: 't' },
  privateJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'phone-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a phone is kept for its owner alone, replaced as a whole, and forgotten', async () => {
  const file = path.join(folder, 'home', 'phone.json');
  expect(await readPhone(file)).toBeUndefined();
  await writePhone(file, PHONE);
  await writePhone(file, { ...PHONE, url: 'http://127.0.0.1:4800' });
  expect(await readPhone(file)).toEqual({ ...PHONE, url: 'http://127.0.0.1:4800' });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(path.dirname(file))).toEqual(['phone.json']);
  await removePhone(file);
  await removePhone(file);
  expect(await readPhone(file)).toBeUndefined();
});
