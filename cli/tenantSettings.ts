import type { Command } from 'commander';
import type { OnboardingDefaults } from '../db/tenants';
import { ONBOARDING_SECONDS, REMINDER_SECONDS } from '../domain/onboarding';
import { SWITCHES } from '../domain/switches';
import type { Switch, Switches } from '../domain/switches';
import { readCallbackOptions, withCallbackOptions } from './authyCallback';
import type { CallbackOptions } from './authyCallback';
import { Failure } from './failure';
import { withTenant } from './openTenants';

const SENTENCES: Record<Switch, string> = {
  installLink: 'Authy users/new sends the install link where a call does not say so',
  unforcedVerify: 'without force, Authy verify lets in who never confirmed, with any code',
  callbackOnExpiry: 'Authy callbacks tell expiries too',
  plainAttributes: 'Authy events name attributes without s_, i_, b_',
  customCode: 'Authy calls may choose the code that verifies a phone',
  repeatWindow: 'an equal Authy approval request within 5 s is a retry',
};

interface SetOptions extends CallbackOptions, Partial<Record<Switch, string>> {
  onboardingDeadline?: string;
  onboardingReminder?: string;
}

/** Adds the command that changes what a tenant's calls leave out. */
export function register(tenant: Command): void {
  const command = tenant
    .command('set')
    .argument('<name>', 'of the tenant')
    .option('--onboarding-deadline <seconds>', 'how long an onboarding lasts where a call does not say so')
    .option('--onboarding-reminder <seconds>', 'after how long it reminds where a call does not say so')
    .description('change the defaults of a tenant')
    .action((name: string, { onboardingDeadline, onboardingReminder, ...rest }: SetOptions) =>
      withTenant(name, async ({ id }, tenants) => {
        const defaults: Partial<OnboardingDefaults> = {
          ...secondsOf('--onboarding-deadline', 'deadlineSeconds', onboardingDeadline, ONBOARDING_SECONDS),
          ...secondsOf('--onboarding-reminder', 'reminderSeconds', onboardingReminder, REMINDER_SECONDS),
        };
        const changed = readSwitches(rest);
        const callback = readCallbackOptions(rest);
        const { deadlineSeconds, reminderSeconds } = await tenants.setOnboardingDefaults(id, defaults);
        console.log(`onboarding deadline  ${deadlineSeconds} s`);
        console.log(`onboarding reminder  ${reminderSeconds} s`);
        const { url, method } = await tenants.setAuthyCallback(id, callback);
        console.log(`Authy callback       ${url === null ? 'none' : `${method} ${url}`}`);
        const switches = await tenants.setSwitches(id, changed);
        for (const each of NAMES) console.log(`${spelled(each).padEnd(19)}  ${switches[each] ? 'on' : 'off'}`);
      }),
    );
  withCallbackOptions(command);
  for (const each of NAMES) command.option(`--${spelled(each)} <on|off>`, SENTENCES[each]);
}

const NAMES = Object.keys(SWITCHES) as Switch[];

/** As an option: `unforced-verify`. */
const spelled = (name: Switch): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function readSwitches(given: Partial<Record<Switch, string>>): Partial<Switches> {
  const set = NAMES.filter((name) => given[name] !== undefined);
  for (const name of set) {
    if (given[name] !== 'on' && given[name] !== 'off') throw new Failure(`--${spelled(name)} is on or off.`);
  }
  return Object.fromEntries(set.map((name) => [name, given[name] === 'on']));
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
