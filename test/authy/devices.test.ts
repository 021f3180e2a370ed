import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { message, startOneTouch } from '../support/oneTouch';
import type { OneTouchApp } from '../support/oneTouch';

let app: OneTouchApp;
beforeAll(async () => void (app = await startOneTouch()), 60_000);
afterAll(() => app?.close());

const REGISTRATIONS = '/protected/json/sdk/registrations';
const remove = (id: number | string, key?: string) =>
  app.authy('DELETE', `/protected/json/sdk/devices/${id}`, key === undefined ? {} : { key });

/** The integers that clients know a user's devices by, as user status tells them. */
const devicesOf = async (authyId: number): Promise<number[]> => {
  const { body } = await app.authy('GET', `/protected/json/users/${authyId}/status`);
  return (body.status.detailed_devices as { device_id: number }[]).map((device) => device.device_id);
};

test('a back end gets a registration token, with which a device of our SDK registers and answers', async () => {
  const { authyId } = await app.addPerson({ devices: 0 });
  const form = { api_key: app.tenant.authyApiKey, authy_id: String(authyId) };
  const reply = await app.authy('POST', REGISTRATIONS, { form, key: null });
  expect(reply).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } });
  const phone = createDevice({ baseUrl: app.url, key: await createWebCryptoKey() });
  await phone.register(reply.body.registration_token as string, { name: 'Phone', platform: 'android' });
  const uuid = await app.ask({ json: { message: message() } }, authyId);
  await phone.answer((await phone.inbox()).approvals[0]!, 'approved');
  expect((await app.read(uuid)).body.approval_request.status).toBe('approved');
});

test('with a user in the place of an id it registers that one first, once', async () => {
  const form = { 'user[email]': 'u@example.com', 'user[cellphone]': '415-555-2671', 'user[country_code]': '1' };
  const reply = await app.authy('POST', REGISTRATIONS, { form });
  expect(reply).toMatchObject({ status: 200, body: { registration_token: expect.stringMatching(/^rt_/) } });
  const { id } = reply.body.user;
  expect((await app.authy('POST', '/protected/json/users/new', { form })).body.user).toEqual({ id });
});

test.each([
  ['no user', {}, 400, '60004'],
  ['an unknown user', { authy_id: '2000000000' }, 404, '60026'],
  ['a user that is no number', { authy_id: 'me' }, 404, '60026'],
  ['a user without a phone', { 'user[email]': 'u@example.com' }, 400, '60030'],
])('no token for %s', async (_what, form, status, number) => {
  expect(await app.authy('POST', REGISTRATIONS, { form })).toMatchObject({
    status,
    body: { success: false, error_code: number, errors: { message: expect.any(String) } },
  });
});

test('a device is removed by its integer: it answers no more, and is not found again', async () => {
  const { user, authyId } = await app.addPerson({ devices: 2 });
  const [first, second] = (await devicesOf(authyId)) as [number, number];
  expect(first).toBeLessThan(second);
  expect(await remove(first)).toMatchObject({ status: 200, body: { success: true } });
  await expect(user.phone.inbox()).rejects.toMatchObject({ code: 'device_unauthorized' });
  expect(await devicesOf(authyId)).toEqual([second]);
  expect(await remove(first)).toMatchObject({ status: 404, body: { success: false, error_code: '60092' } });
});

test("another tenant's device, one that is not there, and what is no number are not found", async () => {
  const { authyId } = await app.addPerson();
  const [device] = (await devicesOf(authyId)) as [number];
  const { authyApiKey } = await app.addTenant('another');
  for (const reply of [await remove(device, authyApiKey), await remove(2_000_000_000), await remove('phone')]) {
    expect(reply).toMatchObject({ status: 404, body: { success: false, error_code: '60092' } });
  }
  expect(await devicesOf(authyId)).toEqual([device]);
});
