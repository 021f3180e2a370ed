import { createDevice, createWebCryptoKey } from '../../sdk/device';
import type { Device, WebCryptoDeviceKey } from '../../sdk/device';
import type { TestProgram } from './program';

export interface TestUser {
  id: string;
  devices: { device: Device; id: string; key: WebCryptoDeviceKey }[];
  /** The first device. */
  phone: Device;
}

let count = 0;

/** A user with registered devices, made through the API as a tenant and its phones would. */
export async function addUser(
  program: Pick<TestProgram, 'url' | 'call'>,
  { devices = 1, push = true, more = {} }: { devices?: number; push?: boolean; more?: object } = {},
): Promise<TestUser> {
  const user = await program.call('POST', '/v1/users', { externalId: `person-${++count}`, ...more });
  const made: TestUser['devices'] = [];
  for (let i = 0; i < devices; i++) {
    const token = await program.call('POST', `/v1/users/${user.body.id}/registration-tokens`);
    const key = await createWebCryptoKey({ extractable: true });
    const device = createDevice({ baseUrl: program.url, key });
    const identity = await device.register(token.body.registrationToken, { name: `Phone ${i}`, platform: 'test' });
    if (push) await device.setPushTarget({ kind: 'simulated', token: `token-${i}` });
    made.push({ device, id: identity.deviceId, key });
  }
  return { id: user.body.id, devices: made, phone: made[0]?.device as Device };
}
