import type { Command } from 'commander';
import type { OnboardingDefaults } from '../db/tenants';
import { ONBOARDING_SECONDS, REMINDER_SECONDS } from '../domain/onboarding';
import { Failure } from './failure';
import { withTenant } from './openTenants';

interface SetOptions {
  onboardingDeadline?: string;
  onboardingReminder?: string;
}

/** Adds the command that changes what a tenant's calls leave out. */
export function register(tenant: Command): void {
  tenant
    .command('set')
    .argument('<name>', 'of the tenant')
    .option('--onboarding-deadline <seconds>', 'how long an onboarding lasts where a call does not say so')
    .option('--onboarding-reminder <seconds>', 'after how long it reminds where a call does not say so')
    .description('change the defaults of a tenant')
    .action((name: string, { onboardingDeadline, onboardingReminder }: SetOptions) =>
      withTenant(name, async ({ id }, tenants) => {
        const defaults: Partial<OnboardingDefaults> = {
          ...secondsOf('--onboarding-deadline', 'deadlineSeconds', onboardingDeadline, ONBOARDING_SECONDS),
          ...secondsOf('--onboarding-reminder', 'reminderSeconds', onboardingReminder, REMINDER_SECONDS),
        };
        const { deadlineSeconds, reminderSeconds } = await tenants.setOnboardingDefaults(id, defaults);
        console.log(`onboarding deadline  ${deadlineSeconds} s`);
        console.log(`onboarding reminder  ${reminderSeconds} s`);
      }),
    );
}

function secondsOf<K extends keyof OnboardingDefaults>(
  option: string,
  key: K,
  text: string | undefined,
  { least, most }: { least: number; most: number },
): Partial<OnboardingDefaults> {
  if (text === undefined) return {};
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(seconds >= least && seconds <= most)) throw new Failure(`${option} is ${least} to ${most} seconds.`);
  return { [key]: seconds };
}
