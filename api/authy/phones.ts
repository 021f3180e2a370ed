import type { PhoneVerification } from '../../db/phoneVerifications';
import { languageOf } from '../../domain/locale';
import { lineOf } from '../../domain/phoneLine';
import { FEEDBACKS, secondsLeft, VERIFICATION_CODE_LENGTH } from '../../domain/phoneVerification';
import type { Services } from '../../services/services';
import type { AuthyMounting } from './mount';
import { messageId, readMessageId } from './ids';
import type { Parameters } from './parameters';
import { readChannel, readLocale, readPhoneNumber } from './phoneNumbers';
import { startedText } from './phoneTexts';
import { AuthyRefusal, invalidParameter, inWordsOf } from './refusals';

const TREE = '/protected/:format/phones';
const MESSAGES = '/2010-04-01/Accounts/:apiKey/SMS/Messages';

/** Verifications of phone numbers (Verify v1), and what is known of a number. */
export function phoneRoutes(
  { call, callOfApp, keyInPath }: Pick<AuthyMounting, 'call' | 'callOfApp' | 'keyInPath'>,
  { phoneVerifications }: Pick<Services, 'phoneVerifications'>,
): void {
  callOfApp('post', `${TREE}/verification/start`, async ({ tenant, parameters, onlyPhone }) => {
    const phone = readOwnNumber(parameters, onlyPhone);
    const channel = readChannel(parameters);
    const customCode = readCustomCode(parameters);
    const isCustom = parameters.any('custom_message') !== undefined;
    if (isCustom || (customCode !== undefined && !(tenant.switches.customCode && onlyPhone === undefined))) {
      await phoneVerifications.refuseCustom(tenant.id);
    }
    const line = lineOf(phone);
    const locale = readLocale(parameters, phone);
    const { least, usual, most } = VERIFICATION_CODE_LENGTH;
    const length = parameters.integer('code_length', { least, most }) ?? usual;
    const started = await phoneVerifications
      .start(tenant.id, { phone, channel, locale, length, customCode })
      .catch(inWordsOf({ channel_not_configured: 60021, phone_invalid: 60033 }));
    return {
      // Whose customer somebody is, is not known here.
      carrier: '',
      is_cellphone: line.takesTexts && line.type !== 'voip',
      message: startedText(languageOf(locale), channel, line.shown),
      seconds_to_expire: secondsLeft(started),
      uuid: started.id,
      ...(customCode !== undefined && { sms_id: messageId(started.id) }),
    };
  });

  callOfApp(['get', 'post'], `${TREE}/verification/check`, async ({ tenant, parameters, onlyPhone }) => {
    const phone = readOwnNumber(parameters, onlyPhone);
    const code = parameters.requiredText('verification_code').trim();
    await phoneVerifications
      .check(tenant.id, phone, code)
      .catch(inWordsOf({ code_wrong: 60022, verification_not_found: nothingPending(phone) }));
    return { message: 'Verification code is correct.' };
  });

  call(['get', 'post'], `${TREE}/verification/status`, async ({ tenant, parameters }) => {
    const id = parameters.text('uuid', 100);
    const hasNumber = ['country_code', 'phone_number'].some((name) => parameters.any(name) !== undefined);
    if (id === undefined && !hasNumber) throw new AuthyRefusal(60042);
    const about = id === undefined ? { phone: readNumber(parameters) } : { id: id.toLowerCase() };
    const found: PhoneVerification = await phoneVerifications
      .read(tenant.id, about)
      .catch(inWordsOf({ verification_not_found: 'phone' in about ? nothingPending(about.phone) : 60023 }));
    return { message: 'Phone Verification status.', status: found.status, seconds_to_expire: secondsLeft(found) };
  });

  call(['get', 'post'], `${TREE}/info`, ({ parameters }) => {
    const { type } = lineOf(readNumber(parameters));
    const now = new Date().toISOString().replace('T', ' ').slice(0, 19);
    return { message: `Phone number information as of ${now} UTC`, type, provider: '', ported: false };
  });

  keyInPath('post', `${MESSAGES}/:messageId/Feedback.:format`, async ({ tenant, parameters, params }) => {
    const written = parameters.requiredText('Outcome');
    const outcome = FEEDBACKS.find((known) => known === written);
    if (!outcome) throw invalidParameter('Outcome', `is neither ${FEEDBACKS.join(' nor ')}`);
    const id = readMessageId(params['messageId']) ?? '';
    const recorded = await phoneVerifications.recordFeedback({ tenantId: tenant.id, id }, outcome);
    return {
      account_sid: '',
      message_sid: params['messageId'],
      outcome,
      date_created: toMailDate(recorded.atMs),
      date_updated: toMailDate(recorded.changedAtMs),
      uri: '',
    };
  });
}

const readNumber = (parameters: Parameters): string => readPhoneNumber(parameters, () => new AuthyRefusal(60033));

/** The number, which is the one that the token of an app is about. @throws AuthyRefusal 60116 */
function readOwnNumber(parameters: Parameters, onlyPhone: string | undefined): string {
  const phone = readNumber(parameters);
  if (onlyPhone === undefined) return phone;
  const notThis = () => new AuthyRefusal(60116, { fields: { phone_number: 'is not the one of the JWT' } });
  const ofToken = readPhoneNumber({ ...parameters, requiredText: () => onlyPhone }, notThis);
  if (ofToken !== phone) throw notThis();
  return phone;
}

/** Four to ten letters or digits. */
function readCustomCode(parameters: Parameters): string | undefined {
  const code = parameters.text('custom_code');
  if (code !== undefined && !/^[\dA-Za-z]{4,10}$/.test(code)) {
    throw invalidParameter('custom_code', 'has not 4 to 10 letters or digits');
  }
  return code;
}

const nothingPending = (phone: string): AuthyRefusal =>
  new AuthyRefusal(60023, { message: `No pending verifications for ${lineOf(phone).shown} found.` });

const toMailDate = (ms: number): string => new Date(ms).toUTCString().replace('GMT', '+0000');
