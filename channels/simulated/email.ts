import type { EmailMessage, EmailSender } from '../email/email';

/** The carrier of the development stack: `deliver` puts an e-mail where its inbox page reads it. */
export function createSimulatedEmail(deliver: (message: EmailMessage) => Promise<void>): EmailSender {
  return { send: deliver };
}
