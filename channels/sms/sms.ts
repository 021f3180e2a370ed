/** A text message to one phone. */
export interface SmsMessage {
  /** The same key again is the same message; a carrier that knows such keys drops the second. */
  idempotencyKey: string;
  tenantId: string;
  /** E.164 */
  to: string;
  text: string;
}

/** A carrier of text messages. `send` resolves when it has taken the message and throws otherwise. */
export interface SmsSender {
  send(message: SmsMessage): Promise<void>;
}
