/** A push is a hint to look into the inbox. It carries ids only: push services and lock screens read along. */
export interface PushMessage {
  /** The same key again is the same push; a gateway that knows such keys drops the second. */
  idempotencyKey: string;
  tenantId: string;
  deviceId: string;
  approvalId: string;
  /** Where this kind of push goes: the token or endpoint that the device registered. */
  target: string;
  title?: never;
}

/** One way of reaching devices. `send` resolves when the service has taken the message and throws otherwise. */
export interface PushSender {
  readonly kind: string;
  send(message: PushMessage): Promise<void>;
}
