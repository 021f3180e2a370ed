import { randomUUID } from 'node:crypto';
import type { EventType } from '../../domain/event';
import { createDevice, createWebCryptoKey, redeemAccountToken } from '../../sdk/device';
import { signAccountToken } from '../support/accountToken';
import { authyCallerOf } from '../support/authy';
import type { TestProgram } from '../support/program';
import type { Told } from './told';

type AuthyOnly = Extract<EventType, 'user_updated' | 'activity_reported' | 'account_registered'>;

/** The same for what only the Authy API has calls for. */
export function createAuthyActs(
  program: Pick<TestProgram, 'url' | 'call' | 'tenant'>,
): Record<AuthyOnly, () => Promise<Told>> {
  const authy = authyCallerOf(program, program.tenant.authyApiKey);

  async function addUser() {
    const { body } = await program.call('POST', '/v1/users', { externalId: randomUUID() });
    return { userId: body.id as string, path: `/protected/json/users/${body.authyId}` };
  }

  return {
    async user_updated() {
      const { userId, path } = await addUser();
      await authy('POST', `${path}/update`, { form: { email: 'new@example.com' } });
      return { userId };
    },
    async activity_reported() {
      const { userId, path } = await addUser();
      await authy('POST', `${path}/register_activity`, {
        form: { type: 'password_reset', 'data[reason]': 'forgot it' },
      });
      return { userId, activity: 'password_reset' };
    },
    async account_registered() {
      const { body } = await authy('GET', '/protected/json/app/details');
      const claims = { appId: body.app.app_id as number, customUserId: randomUUID() };
      const jwt = await signAccountToken(program.tenant.authyApiKey, claims);
      const { registrationToken } = await redeemAccountToken(jwt, { baseUrl: program.url });
      const phone = createDevice({ baseUrl: program.url, key: await createWebCryptoKey() });
      const { userId, deviceId } = await phone.register(registrationToken, { name: 'Phone', platform: 'test' });
      return { userId, deviceId };
    },
  };
}
