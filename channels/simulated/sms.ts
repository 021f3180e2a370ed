import type { SmsMessage, SmsSender } from '../sms/sms';

/** The carrier of the development stack: `deliver` puts a text message where its inbox page reads it. */
export function createSimulatedSms(deliver: (message: SmsMessage) => Promise<void>): SmsSender {
  return { send: deliver };
}
