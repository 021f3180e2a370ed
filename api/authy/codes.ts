import type { Device } from '../../db/devices';
import type { User } from '../../db/users';
import type { CodeChannel } from '../../domain/code';
import { DomainError } from '../../domain/errors';
import type { ErrorCode } from '../../domain/errors';
import { lineOf } from '../../domain/phoneLine';
import { emailIdOf } from '../../services/codes';
import type { Factor, FactorKind } from '../../services/secondFactor';
import type { Services } from '../../services/services';
import { keepNothing } from '../../services/idempotency';
import { findUser } from './ids';
import type { AuthyMounting } from './mount';
import type { AuthyNumber } from './numbers';
import type { Parameters } from './parameters';
import { readLocale } from './phoneNumbers';
import { AuthyRefusal, invalidParameter, inWordsOf } from './refusals';
import { deviceName } from './users';

/** What a user who never confirmed may be refused for, and is let in nevertheless where the tenant wants it. */
const FORGIVEN: ReadonlySet<ErrorCode> = new Set(['code_wrong', 'code_not_found', 'code_expired', 'totp_not_found']);

const LENGTH = 7;

/** One-time passwords: digits that are sent, or shown by an authenticator app, and typed somewhere else. */
export function codeRoutes(
  { call }: Pick<AuthyMounting, 'call'>,
  { users, codes, codePrompts, secondFactor }: Pick<Services, 'users' | 'codes' | 'codePrompts' | 'secondFactor'>,
): void {
  call(['get', 'post'], '/protected/:format/verify/:token/:id', async ({ tenant, params, parameters }) => {
    const user = await findUser(users, tenant.id, params['id']);
    const force = parameters.flag('force', false);
    const action = readAction(parameters);
    const code = params['token']!.trim();
    if (!/^\d{4,12}$/.test(code)) throw invalidToken(60020);
    const guess = { tenantId: tenant.id, userId: user.id, purpose: 'login', code, action } as const;
    const factor = await secondFactor.check(guess).catch((error: unknown): Factor => {
      if (!(error instanceof DomainError)) throw error;
      const isLetIn = tenant.switches.unforcedVerify && !force && !user.isConfirmed && FORGIVEN.has(error.code);
      if (isLetIn) return { kind: 'sms' };
      if (error.code === 'code_used') throw invalidToken(60019);
      if (FORGIVEN.has(error.code)) throw invalidToken(60020);
      throw error;
    });
    const devices = factor.deviceId === undefined ? [] : await users.listDevices(tenant.id, user.id);
    const device = devices.find(({ id }) => id === factor.deviceId);
    const by = toDevice(user, factor.kind, device);
    return { message: 'Token is valid.', token: 'is valid', success: 'true', device: by };
  });

  const sending = (channel: CodeChannel, words: Words): void =>
    call(['get', 'post'], `/protected/:format/${words.path}/:id`, async ({ tenant, params, parameters }) => {
      const user = await findUser(users, tenant.id, params['id']);
      const force = parameters.flag('force', false);
      const wanted = { action: readAction(parameters), actionMessage: readActionMessage(parameters) };
      const [device] = force ? [] : await users.listDevices(tenant.id, user.id);
      const reached = toReached(user, channel);
      if (device) {
        await codePrompts.prompt(tenant.id, user.id);
        return { message: words.ignored, ...reached, device: deviceName(device), ignored: true };
      }
      const locale = readLocale(parameters, user.phone);
      const code = await codes
        .send(tenant.id, user.id, { channel, length: LENGTH, locale, hasPause: true, ...wanted }, keepNothing)
        .catch(inWordsOf({ channel_not_configured: words.off, no_email: NO_EMAIL, phone_invalid: 60033 }));
      const sent = { success: true, message: words.sent, ...reached };
      return channel === 'email' ? { ...sent, email_id: emailIdOf(code) } : sent;
    });
  sending('sms', SMS);
  sending('voice', CALL);
  sending('email', EMAIL);
}

interface Words {
  path: 'sms' | 'call' | 'email';
  sent: string;
  ignored: string;
  /** Where there is no provider. */
  off: AuthyNumber | AuthyRefusal;
}

const SMS: Words = {
  path: 'sms',
  sent: 'SMS token was sent',
  ignored: 'Ignored: SMS is not needed for smartphones. Pass force=true if you want to actually send it anyway.',
  off: 60007,
};

const CALL: Words = {
  path: 'call',
  sent: 'Call started...',
  // Two blanks, as clients know it.
  ignored:
    'Call ignored. User is using  App Tokens and this call is not necessary. ' +
    'Pass force=true if you still want to call users that are using the App.',
  off: 60006,
};

const EMAIL: Words = {
  path: 'email',
  sent: 'Email token was sent',
  ignored: 'Ignored: email is not needed for smartphones. Pass force=true if you want to actually send it anyway.',
  off: new AuthyRefusal(60015, { status: 403, message: 'Email token was not sent: email is not configured' }),
};

const NO_EMAIL = new AuthyRefusal(60038, { message: 'User has no email' });

/** Where a message went, as its sender is told; of a phone, its end. @throws AuthyRefusal 60058, 60038 */
function toReached({ phone, email }: User, channel: CodeChannel): { cellphone: string } | { email: string } {
  if (channel === 'email') {
    if (email === null) throw NO_EMAIL;
    return { email };
  }
  if (phone === null) throw new AuthyRefusal(60058);
  return { cellphone: maskPhone(phone) };
}

const invalidToken = (number: 60019 | 60020): AuthyRefusal =>
  new AuthyRefusal(number, { beside: { token: 'is invalid' } });

/** As many as clients let through themselves. */
const MOST_CHARACTERS = 255;

const readAction = (parameters: Parameters): string | undefined => parameters.text('action', MOST_CHARACTERS);

/** It stands before the code in a message, and is written as the back end wants it. */
function readActionMessage(parameters: Parameters): string | undefined {
  const message = parameters.text('action_message', MOST_CHARACTERS)?.trim();
  if (message !== undefined && /\p{Cc}/u.test(message)) {
    throw invalidParameter('action_message', 'has characters that are not printable');
  }
  return message === '' ? undefined : message;
}

/** `+1-XXX-XXX-XX34` */
const maskPhone = (phone: string): string => `+${lineOf(phone).countryCode}-XXX-XXX-XX${phone.slice(-2)}`;

const OS_TYPES: Readonly<Record<FactorKind, string>> = {
  sms: 'sms',
  voice: 'call',
  email: 'email',
  totp: 'totp',
};

/** The device that showed a code. Of another code, nothing is known but how it came. */
const toDevice = (user: User, kind: FactorKind, device: Device | undefined): object => ({
  city: null,
  country: null,
  ip: null,
  region: null,
  registration_city: null,
  registration_country: null,
  registration_ip: null,
  registration_method: null,
  registration_region: null,
  os_type: device ? deviceName(device) : OS_TYPES[kind],
  last_account_recovery_at: null,
  id: device?.authyId ?? null,
  registration_date: Math.floor((device ?? user).createdAtMs / 1_000),
  last_sync_date: null,
});
