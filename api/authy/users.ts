import type { Device } from '../../db/devices';
import type { User } from '../../db/users';
import { ACTIVITIES } from '../../domain/activity';
import { DomainError } from '../../domain/errors';
import type { ErrorCode } from '../../domain/errors';
import { isOpen } from '../../domain/onboarding';
import { splitPhone } from '../../domain/phoneNumber';
import type { Onboardings } from '../../services/onboardings';
import type { Users } from '../../services/users';
import { keepNothing } from '../../services/idempotency';
import { findUser } from './ids';
import type { AuthyMounting } from './mount';
import { readEmail, readInstallLink, readNewUser } from './newUser';
import { maskedNumber } from './phoneNumbers';
import { AuthyRefusal } from './refusals';

/** A link that cannot be sent leaves the user registered. */
const WITHOUT_LINK: ReadonlySet<ErrorCode> = new Set(['channel_not_configured', 'method_enabled', 'too_many_requests']);

export interface AuthyUserDeps {
  users: Users;
  onboardings: Pick<Onboardings, 'start' | 'listOfUser'>;
}

/** The users of an application, as clients of the Authy API register, look at and remove them. */
export function userRoutes({ call }: Pick<AuthyMounting, 'call'>, { users, onboardings }: AuthyUserDeps): void {
  /**
   * Sends the link by which a phone becomes the user's device: the first step of an onboarding like any other. Not where
   * there is a device, nor where somebody waits for it already: registering again is harmless, and clients do it.
   */
  async function sendInstallLink({ tenantId, id }: User): Promise<void> {
    if ((await users.listDevices(tenantId, id)).length > 0) return;
    const [newest] = await onboardings.listOfUser(tenantId, id);
    if (newest && isOpen(newest)) return;
    try {
      await onboardings.start(tenantId, id, { method: 'push', ownApp: false }, keepNothing);
    } catch (error) {
      if (!(error instanceof DomainError && WITHOUT_LINK.has(error.code))) throw error;
    }
  }

  call('post', '/protected/:format/users/new', async ({ tenant, parameters }) => {
    const person = readNewUser(parameters);
    const wantsLink = readInstallLink(parameters) ?? tenant.switches.installLink;
    const user = await users.create(tenant.id, { ...person, phoneDecides: true }, keepNothing);
    if (wantsLink) await sendInstallLink(user);
    return { message: 'User created successfully.', user: { id: user.authyId } };
  });

  call(['get', 'post'], '/protected/:format/users/:id/status', async ({ tenant, params }) => {
    const user = await findUser(users, tenant.id, params['id']);
    return { status: toStatus(user, await users.listDevices(tenant.id, user.id)), message: 'User status.' };
  });

  for (const path of [
    '/protected/:format/users/:id/remove',
    '/protected/:format/users/:id/delete',
    '/protected/:format/users/delete/:id',
  ] as const) {
    call('post', path, async ({ tenant, params }) => {
      const user = await findUser(users, tenant.id, params['id']);
      await users.remove(tenant.id, user.id);
      return { message: 'User removed from application' };
    });
  }

  call('post', '/protected/:format/users/:id/update', async ({ tenant, params, parameters }) => {
    const user = await findUser(users, tenant.id, params['id']);
    await users.setEmail(tenant.id, user.id, readEmail(parameters));
    return { message: 'User was updated successfully' };
  });

  call('post', '/protected/:format/users/:id/register_activity', async ({ tenant, params, parameters }) => {
    const user = await findUser(users, tenant.id, params['id']);
    const type = parameters.text('type');
    const activity = ACTIVITIES.find((known) => known === type);
    if (!activity) throw new AuthyRefusal(60029, { fields: { type: `is not one of ${ACTIVITIES.join(', ')}` } });
    // The words beside it (`data[reason]`) are about a person, and events outlive people's wishes: they are not kept.
    parameters.hash('data');
    await users.reportActivity(tenant.id, user.id, activity);
    return { message: 'Activity was created.' };
  });
}

const DEVICE_NAMES: Readonly<Record<string, string>> = { android: 'android', ios: 'iphone', web: 'authy_chrome' };

/** As clients know the kind of a device. */
export const deviceName = ({ platform }: Pick<Device, 'platform'>): string => DEVICE_NAMES[platform] ?? platform;

/** How a user stands. Clients insist on a calling code that exists, also for who has no phone number. */
function toStatus(user: User, devices: readonly Device[]): object {
  const phone = user.phone === null ? undefined : splitPhone(user.phone);
  return {
    authy_id: user.authyId,
    confirmed: user.isConfirmed,
    registered: devices.length > 0,
    country_code: Number(phone?.callingCode ?? 1),
    phone_number: maskedNumber(user.phone),
    email: user.email,
    devices: [...new Set(devices.map(deviceName))],
    has_hard_token: false,
    account_disabled: false,
    detailed_devices: devices.map(({ authyId, platform, createdAtMs }) => ({
      device_type: 'authy',
      os_type: platform,
      registration_device_id: null,
      registration_method: null,
      device_id: authyId,
      last_sync_date: 0,
      creation_date: Math.floor(createdAtMs / 1_000),
    })),
    deleted_devices: [],
  };
}
