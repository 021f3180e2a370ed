import type { Command } from 'commander';
import type { OnboardingDefaults } from '../db/tenants';
import { ONBOARDING_SECONDS, REMINDER_SECONDS } from '../domain/onboarding';
import type { Tenants } from '../services/tenants';
import { Failure } from './failure';

interface SetOptions {
  onboardingDeadline?: string;
  onboardingReminder?: string;
}

/** Adds the command that changes what a tenant's calls leave out. */
export function registerSettings(
  tenant: Command,
  withTenants: (work: (tenants: Tenants) => Promise<void>) => Promise<void>,
): void {
  tenant
    .command('set')
    .argument('<name>', 'of the tenant')
    .option('--onboarding-deadline <seconds>', 'how long an onboarding lasts where a call does not say so')
    .option('--onboarding-reminder <seconds>', 'after how long it reminds where a call does not say so')
    .description('change the defaults of a tenant')
    .action((name: string, { onboardingDeadline, onboardingReminder }: SetOptions) =>
      withTenants(async (tenants) => {
        const defaults: Partial<OnboardingDefaults> = {
          ...secondsOf('--onboarding-deadline', 'deadlineSeconds', onboardingDeadline, ONBOARDING_SECONDS),
          ...secondsOf('--onboarding-reminder', 'reminderSeconds', onboardingReminder, REMINDER_SECONDS),
        };
        const known = await tenants.findByName(name);
        if (!known) throw new Failure(`There is no tenant named ${name}; see: tenant list`);
        const { deadlineSeconds, reminderSeconds } = await tenants.setOnboardingDefaults(known.id, defaults);
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
