import type { MonthlyStatistics } from '../../db/statistics';
import type { Tenant } from '../../db/tenants';
import type { CodeChannel } from '../../domain/code';
import type { Statistics } from '../../services/statistics';
import type { AuthyMounting } from './mount';

export interface AppDeps {
  statistics: Statistics;
  codeChannels: ReadonlySet<CodeChannel>;
}

/** An application as it is described, on an installation that sends codes by these channels. */
export const toAppDetails = (
  { name, authyAppId }: Pick<Tenant, 'name' | 'authyAppId'>,
  codeChannels: ReadonlySet<CodeChannel>,
) => ({
  name: name.slice(0, 30),
  plan: 'pay_as_you_go',
  sms_enabled: codeChannels.has('sms'),
  phone_calls_enabled: codeChannels.has('voice'),
  app_id: authyAppId,
  onetouch_enabled: true,
});

/** What a client asks about the application whose key it has. */
export function appRoutes({ call }: Pick<AuthyMounting, 'call'>, { statistics, codeChannels }: AppDeps): void {
  call(['get', 'post'], '/protected/:format/app/details', ({ tenant }) => ({
    app: toAppDetails(tenant, codeChannels),
    message: 'Application information.',
  }));

  call(['get', 'post'], '/protected/:format/app/stats', async ({ tenant }) => {
    const { months, totalUsers } = await statistics.ofTenant(tenant.id);
    return {
      message: 'Monthly statistics.',
      count: months.length,
      total_users: totalUsers,
      app_id: tenant.authyAppId,
      success: true,
      stats: months.map(toStats),
    };
  });
}

const MONTH = new Intl.DateTimeFormat('en', { month: 'long', timeZone: 'UTC' });

/** One client refuses any member beyond these seven. Calls that changed nothing are not counted by anybody. */
const toStats = ({ month, ...counts }: MonthlyStatistics): object => ({
  sms_count: counts.smsCount,
  calls_count: counts.callsCount,
  users_count: counts.usersCount,
  auths_count: counts.authsCount,
  month: MONTH.format(new Date(month)),
  api_calls_count: counts.actsCount,
  year: Number(month.slice(0, 4)),
});
