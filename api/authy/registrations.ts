import type { Users } from '../../services/users';
import type { AuthyMounting } from './mount';
import { AuthyRefusal } from './refusals';

/** Whether somebody has scanned the QR code of a registration; `services/accountTokens` does the rest. */
export function registrationRoutes({ call }: Pick<AuthyMounting, 'call'>, { users }: { users: Users }): void {
  call(['get', 'post'], '/protected/:format/registrations/status', async ({ tenant, parameters }) => {
    const externalId = parameters.text('custom_user_id');
    if (externalId === undefined) throw new AuthyRefusal(60034, { fields: { custom_user_id: "can't be blank" } });
    const { entries } = await users.list(tenant.id, { externalId, limit: 1 });
    const [user] = entries;
    // Clients take every answer but 200 for "not yet", and 200 for a finished registration.
    if (!user || (await users.listDevices(tenant.id, user.id)).length === 0) throw new AuthyRefusal(60035);
    return { registration: { status: 'completed', authy_id: user.authyId }, message: 'Registration status.' };
  });
}
