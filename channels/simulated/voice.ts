import type { VoiceMessage, VoiceSender } from '../voice/voice';

/** The carrier of the development stack: `deliver` puts what a call would say where its inbox page reads it. */
export function createSimulatedVoice(deliver: (message: VoiceMessage) => Promise<void>): VoiceSender {
  return { send: deliver };
}
