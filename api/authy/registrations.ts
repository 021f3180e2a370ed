import { languageOf } from '../../domain/locale';
import { lineOf } from '../../domain/phoneLine';
import { secondsLeft, VERIFICATION_CODE_LENGTH } from '../../domain/phoneVerification';
import { keepNothing } from '../../services/idempotency';
import type { Services } from '../../services/services';
import type { AuthyMounting } from './mount';
import { readEmail } from './newUser';
import type { Parameters } from './parameters';
import { readChannel, readLocale, readPhoneNumber } from './phoneNumbers';
import { startedText } from './phoneTexts';
import { AuthyRefusal, inWordsOf } from './refusals';

const TREE = '/protected/:format/registrations';

/**
 * Registrations that begin without a user: by a QR code, where `services/accountTokens` does the rest, or by a code that
 * is sent to the phone, as apps did it before there was `sdk/registrations`.
 */
export function registrationRoutes(
  { call }: Pick<AuthyMounting, 'call'>,
  { users, devices, phoneVerifications }: Pick<Services, 'users' | 'devices' | 'phoneVerifications'>,
): void {
  call(['get', 'post'], `${TREE}/status`, async ({ tenant, parameters }) => {
    const externalId = parameters.text('custom_user_id');
    if (externalId === undefined) throw new AuthyRefusal(60034, { fields: { custom_user_id: "can't be blank" } });
    const { entries } = await users.list(tenant.id, { externalId, limit: 1 });
    const [user] = entries;
    // Clients take every answer but 200 for "not yet", and 200 for a finished registration.
    if (!user || (await users.listDevices(tenant.id, user.id)).length === 0) throw new AuthyRefusal(60035);
    return { registration: { status: 'completed', authy_id: user.authyId }, message: 'Registration status.' };
  });

  call('post', `${TREE}/start`, async ({ tenant, parameters }) => {
    const phone = readNumber(parameters);
    const channel = parameters.any('via') === undefined ? 'sms' : readChannel(parameters);
    const email = parameters.any('email') === undefined ? undefined : readEmail(parameters);
    const locale = readLocale(parameters, phone);
    const started = await phoneVerifications
      .start(tenant.id, { phone, channel, locale, length: VERIFICATION_CODE_LENGTH.usual })
      .catch(inWordsOf({ channel_not_configured: 60021, phone_invalid: 60034 }));
    // As by `users/new`: the address comes with this call only.
    await users.create(tenant.id, { phone, email, phoneDecides: true }, keepNothing);
    return {
      message: startedText(languageOf(locale), channel, lineOf(phone).shown),
      seconds_to_expire: secondsLeft(started),
      uuid: started.id,
    };
  });

  call('post', `${TREE}/confirm`, async ({ tenant, parameters }) => {
    const phone = readNumber(parameters);
    const pin = parameters.requiredText('pin', 20).trim();
    await phoneVerifications
      .check(tenant.id, phone, pin)
      .catch(inWordsOf({ code_wrong: 60036, verification_not_found: 60035 }));
    // The same user again, or anew where it was removed meanwhile.
    const user = await users.create(tenant.id, { phone, phoneDecides: true }, keepNothing);
    const { registrationToken } = await devices.createToken(tenant.id, user.id, keepNothing);
    return {
      registration_token: registrationToken,
      user: { id: user.authyId },
      message: 'Registration token was created.',
    };
  });
}

const readNumber = (parameters: Parameters): string =>
  readPhoneNumber(parameters, () => new AuthyRefusal(60034, { fields: { phone_number: 'is invalid' } }));
