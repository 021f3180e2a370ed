import type { Command } from 'commander';
import type { OnboardingDefaults, Tenant } from '../db/tenants';
import { ONBOARDING_SECONDS, REMINDER_SECONDS } from '../domain/onboarding';
import { UNAPPROVED } from '../domain/oneTouch';
import { SWITCHES } from '../domain/switches';
import type { Switch, Switches } from '../domain/switches';
import { readCallbackOptions, testWhatWasSet, withCallbackOptions } from './authyCallback';
import type { CallbackOptions } from './authyCallback';
import type { Tenants } from '../services/tenants';
import { Failure } from './failure';
import { readInteger } from './integer';
import { withTenant } from './openTenants';
import { describeSendLimits, readSendLimitOptions, withSendLimitOptions } from './sendLimits';
import type { SendLimitOptions } from './sendLimits';

const SENTENCES: Record<Switch, string> = {
  installLink: 'Authy users/new sends the install link where a call does not say so',
  unforcedVerify: 'without force, Authy verify lets in who never confirmed, with any code',
  callbackOnExpiry: 'Authy callbacks tell expiries too',
  plainAttributes: 'Authy events name attributes without s_, i_, b_',
  customCode: 'Authy calls may choose the code that verifies a phone',
  repeatWindow: 'an equal Authy approval request within 5 s is a retry',
};

interface SetOptions extends CallbackOptions, SendLimitOptions, Partial<Record<Switch, string>> {
  onboardingDeadline?: string;
  onboardingReminder?: string;
  unapprovedRequests?: string;
}

/** Adds the commands that change, and show, what a tenant's calls leave out. */
export function register(tenant: Command): void {
  tenant
    .command('show')
    .argument('<name>', 'of the tenant')
    .description('what `tenant set` has set, and what holds where it has not')
    .action((name: string) => withTenant(name, (known, tenants) => change(known, tenants, {})));

  const command = tenant
    .command('set')
    .argument('<name>', 'of the tenant')
    .option('--onboarding-deadline <seconds>', 'how long an onboarding lasts where a call does not say so')
    .option('--onboarding-reminder <seconds>', 'after how long it reminds where a call does not say so')
    .option('--unapproved-requests <count>', 'Authy approval requests to one user that are open, or came in an hour')
    .description('change the defaults of a tenant')
    .action((name: string, options: SetOptions) =>
      withTenant(name, (known, tenants) => change(known, tenants, options)),
    );
  withSendLimitOptions(command);
  withCallbackOptions(command);
  for (const each of NAMES) command.option(`--${spelled(each)} <on|off>`, SENTENCES[each]);
}

/** Changes what is given, once all of it is understood, and says what holds then. */
async function change(tenant: Tenant, tenants: Tenants, options: SetOptions): Promise<void> {
  const { id, mostUnapproved } = tenant;
  const defaults: Partial<OnboardingDefaults> = {
    ...readInteger('--onboarding-deadline', 'deadlineSeconds', options.onboardingDeadline, DEADLINE),
    ...readInteger('--onboarding-reminder', 'reminderSeconds', options.onboardingReminder, REMINDER),
  };
  const sends = readSendLimitOptions(options);
  const { most } = readInteger('--unapproved-requests', 'most', options.unapprovedRequests, UNAPPROVED);
  const changed = readSwitches(options);
  const callback = readCallbackOptions(options);
  const { deadlineSeconds, reminderSeconds } = await tenants.setOnboardingDefaults(id, defaults);
  say('onboarding deadline', `${deadlineSeconds} s`);
  say('onboarding reminder', `${reminderSeconds} s`);
  for (const [label, value] of describeSendLimits(await tenants.setSendLimits(id, sends))) say(label, value);
  if (most !== undefined) await tenants.setMostUnapproved(id, most);
  say('unapproved requests', `${most ?? mostUnapproved} to one user`);
  const set = await tenants.setAuthyCallback(id, callback);
  say('Authy callback', set.url === null ? 'none' : `${set.method} ${set.url}`);
  const switches = await tenants.setSwitches(id, changed);
  for (const each of NAMES) say(spelled(each), switches[each] ? 'on' : 'off');
  await testWhatWasSet(tenant, tenants, options, set);
}

const say = (label: string, value: string): void => console.log(`${label.padEnd(19)}  ${value}`);

const DEADLINE = { ...ONBOARDING_SECONDS, unit: ' seconds' };
const REMINDER = { ...REMINDER_SECONDS, unit: ' seconds' };

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
