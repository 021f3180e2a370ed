/** A call to one phone, which reads a text aloud. */
export interface VoiceMessage {
  /** The same key again is the same call; a carrier that knows such keys drops the second. */
  idempotencyKey: string;
  tenantId: string;
  /** E.164 */
  to: string;
  /** As it is spoken: digits apart from each other, so that they are read one by one. */
  text: string;
}

/** A carrier of calls. `send` resolves when it has taken the call and throws otherwise. */
export interface VoiceSender {
  send(message: VoiceMessage): Promise<void>;
}
