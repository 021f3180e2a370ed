import { readAuthyId } from '../../domain/authyId';
import type { Devices } from '../../services/devices';
import type { Users } from '../../services/users';
import { keepNothing } from '../../services/idempotency';
import { findUser } from './ids';
import type { AuthyMounting } from './mount';
import { readNewUser } from './newUser';
import { AuthyRefusal, inWordsOf } from './refusals';

/** Devices that run the SDK: the token with which one registers, and its removal. */
export function deviceRoutes({ call }: AuthyMounting, { devices, users }: { devices: Devices; users: Users }): void {
  call('post', '/protected/:format/sdk/registrations', async ({ tenant, parameters }) => {
    // By its own words the sample back end registers users here too.
    const user =
      parameters.hash('user') === undefined
        ? await findUser(users, tenant.id, parameters.requiredText('authy_id'))
        : await users.create(tenant.id, { ...readNewUser(parameters), phoneDecides: true }, keepNothing);
    const { registrationToken } = await devices.createToken(tenant.id, user.id, keepNothing);
    return {
      registration_token: registrationToken,
      user: { id: user.authyId },
      message: 'Registration token was created.',
    };
  });

  call('delete', '/protected/:format/sdk/devices/:deviceId', async ({ tenant, params }) => {
    const authyId = readAuthyId(params['deviceId']);
    if (authyId === undefined) throw new AuthyRefusal(60092);
    const notFound = inWordsOf({ device_not_found: 60092 });
    const device = await devices.findByAuthyId(tenant.id, authyId).catch(notFound);
    await users.removeDevice(tenant.id, device.userId, device.id).catch(notFound);
    return { message: 'Device was removed.' };
  });
}
