import type { Tenant } from '../../db/tenants';
import type { AuthyMounting } from './mount';

/** An application as it is described. */
export const toAppDetails = ({ name, authyAppId }: Pick<Tenant, 'name' | 'authyAppId'>) => ({
  name: name.slice(0, 30),
  plan: 'pay_as_you_go',
  sms_enabled: true,
  phone_calls_enabled: true,
  app_id: authyAppId,
  onetouch_enabled: true,
});

/** What a client asks about the application whose key it has. */
export function appRoutes({ call }: Pick<AuthyMounting, 'call'>): void {
  call(['get', 'post'], '/protected/:format/app/details', ({ tenant }) => ({
    app: toAppDetails(tenant),
    message: 'Application information.',
  }));
}
