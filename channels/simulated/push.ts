import type { PushMessage, PushSender } from '../push/push';

/** The carrier of the development stack: `deliver` puts a message where its inbox page reads it. */
export function createSimulatedPush(deliver: (message: PushMessage) => Promise<void>): PushSender {
  return { kind: 'simulated', send: deliver };
}
