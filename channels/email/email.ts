/** An e-mail to one person. */
export interface EmailMessage {
  /** The same key again is the same e-mail; a carrier that knows such keys drops the second. */
  idempotencyKey: string;
  tenantId: string;
  /** Of the e-mail itself: who gets the same one twice can tell. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** A carrier of e-mails. `send` resolves when it has taken the e-mail and throws otherwise. */
export interface EmailSender {
  send(message: EmailMessage): Promise<void>;
}
