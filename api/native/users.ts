import type { Router } from 'express';
import * as contract from '../../contracts/users';
import type { Devices } from '../../services/devices';
import type { Users } from '../../services/users';
import { toDeviceView, toTokenView, toUserView } from '../../services/views';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

/** What back ends do with their users and the devices of these. */
export function userRoutes(
  router: Router,
  { users, devices, ...deps }: MountDeps & { users: Users; devices: Devices },
): void {
  const { json } = mounting(router, deps);

  json(contract.createUser, async ({ tenant, body, keep }) =>
    toUserView(await users.create(tenant.id, body, (tx, user) => keep(tx, toUserView(user)))),
  );

  json(contract.getUser, async ({ tenant, params: { userId } }) => toUserView(await users.find(tenant.id, userId)));

  json(contract.listUsers, async ({ tenant, query }) => {
    const { entries, nextCursor } = await users.list(tenant.id, query);
    return { users: entries.map(toUserView), nextCursor };
  });

  json(contract.removeUser, async ({ tenant, params: { userId } }) => users.remove(tenant.id, userId));

  json(contract.createRegistrationToken, async ({ tenant, params: { userId }, keep }) =>
    toTokenView(await devices.createToken(tenant.id, userId, (tx, token) => keep(tx, toTokenView(token)))),
  );

  json(contract.listDevices, async ({ tenant, params: { userId } }) => ({
    devices: (await users.listDevices(tenant.id, userId)).map(toDeviceView),
  }));

  json(contract.removeDevice, async ({ tenant, params: { userId, deviceId } }) =>
    users.removeDevice(tenant.id, userId, deviceId),
  );
}
