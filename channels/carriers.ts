import { CarrierError, discreetly } from './discreet';
import type { SmsSender } from './sms/sms';
import type { VoiceSender } from './voice/voice';

/** Who brings texts to phones; a channel without a provider is missing. */
export interface Carriers {
  sms?: SmsSender;
  voice?: VoiceSender;
}

/** The same carriers, of whose errors nothing is told but a code or a status. */
export const discreetCarriers = ({ sms, voice }: Carriers): Carriers => ({
  ...(sms && { sms: { send: discreetly((message) => sms.send(message), CarrierError) } }),
  ...(voice && { voice: { send: discreetly((message) => voice.send(message), CarrierError) } }),
});
