import { createTransport } from 'nodemailer';
import type { EmailConfig } from '../../platform/emailConfig';
import { CarrierError, reasonOf } from '../discreet';
import type { EmailSender } from './email';

/** Below the time that an activity waits for a carrier, so that a server that hangs is hung up on. */
const TIMEOUT_MS = 7_500;

/**
 * Sends e-mails by a mail server (RFC 5321), a connection each. It knows no keys: what it took twice has the same
 * Message-ID.
 */
export function createSmtpSender({ server, from }: EmailConfig, timeoutMs = TIMEOUT_MS): EmailSender {
  const { host, port, isTls, needsTls, login } = server;
  const transport = createTransport({
    ...{ host, port, secure: isTls, requireTLS: needsTls },
    ...(login && { auth: { user: login.user, pass: login.password } }),
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  return {
    async send({ messageId, to, subject, text, html }) {
      const email = {
        from,
        to: { name: '', address: to }, // a text would be read as a list
        messageId: `<${messageId}@${domain}>`,
        ...{ subject, text, html },
        headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: nobody answers it by himself
      };
      try {
        await transport.sendMail({ ...email, signal: AbortSignal.timeout(timeoutMs) });
      } catch (error) {
        throw toCarrierError(error);
      }
    },
  };
}

/**
 * What a server replied to sender, recipient or content with 5xx stays so (RFC 5321 section 4.2.1), and so does an
 * address that the library cannot send to. A refused login is our own mistake, which somebody may be mending.
 */
function toCarrierError(error: unknown): CarrierError {
  const { code, responseCode, permanent } = error as { code?: string; responseCode?: number; permanent?: boolean };
  if (responseCode === undefined) return new CarrierError(reasonOf(error), code === 'EENVELOPE');
  const isAboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  return new CarrierError(`status ${responseCode}`, isAboutMessage && permanent === true);
}
