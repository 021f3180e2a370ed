import type { PushSubject } from '../../domain/approval';
import { discreetly } from '../discreet';

/** A push is a hint to look into the inbox. It carries ids only: push services and lock screens read along. */
export interface PushMessage {
  /** The same key again is the same push; a gateway that knows such keys drops the second. */
  idempotencyKey: string;
  tenantId: string;
  deviceId: string;
  /** Null where it is about none. */
  approvalId: string | null;
  about: PushSubject;
  /** Where this kind of push goes: the token or endpoint that the device registered. */
  target: string;
  title?: never;
}

/** One way of reaching devices. `send` resolves when the service has taken the message and throws otherwise. */
export interface PushSender {
  readonly kind: string;
  send(message: PushMessage): Promise<void>;
}

/**
 * A push that was not taken. It says why in one word that may be logged; the service's own error, which can hold the
 * target or what was sent, is left behind.
 */
export class PushError extends Error {
  constructor(readonly reason: string) {
    super(`The push was not taken: ${reason}`);
    this.name = 'PushError';
  }
}

/** The same sender, of whose errors nothing is told but a code or a status. */
export const discreet = (sender: PushSender): PushSender => ({
  kind: sender.kind,
  send: discreetly((message) => sender.send(message), PushError),
});
