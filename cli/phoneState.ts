import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DeviceIdentity, DeviceTotp, PrivateJwk } from '../sdk/device';
import { readJson } from './home';

/** A registered phone. Whoever reads this file can approve in its owner's name. */
export interface PhoneState {
  url: string;
  identity: DeviceIdentity;
  privateJwk: PrivateJwk;
  /** Once it has asked for it. */
  totp?: DeviceTotp;
}

/** The phone of this file, or undefined when there is none yet. */
export async function readPhone(file: string): Promise<PhoneState | undefined> {
  return readJson<PhoneState>(file);
}

/** Written beside and renamed, so that a crash leaves the old phone or the new one. */
export async function writePhone(file: string, phone: PhoneState): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(phone, null, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600); // A draft that a crash left behind keeps its old mode.
  await rename(draft, file);
}

/** Forgets the phone and its key. */
export async function removePhone(file: string): Promise<void> {
  await rm(file, { force: true });
}
