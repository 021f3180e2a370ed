import type { AuthyMounting } from './mount';

/** What a client asks about the application whose key it has. */
export function appRoutes({ call }: Pick<AuthyMounting, 'call'>): void {
  call(['get', 'post'], '/protected/:format/app/details', ({ tenant }) => ({
    app: {
      name: tenant.name.slice(0, 30),
      plan: 'pay_as_you_go',
      sms_enabled: true,
      phone_calls_enabled: true,
      app_id: tenant.authyAppId,
      onetouch_enabled: true,
    },
    message: 'Application information.',
  }));
}
