import { CarrierError, discreetly } from './discreet';
import type { EmailSender } from './email/email';
import type { SmsSender } from './sms/sms';
import type { VoiceSender } from './voice/voice';

/** Who brings messages to people; a channel without a provider is missing. */
export interface Carriers {
  sms?: SmsSender;
  voice?: VoiceSender;
  email?: EmailSender;
}

/** The same carriers, of whose errors nothing is told but a code or a status. */
export const discreetCarriers = ({ sms, voice, email }: Carriers): Carriers => ({
  ...(sms && { sms: { send: discreetly((message) => sms.send(message), CarrierError) } }),
  ...(voice && { voice: { send: discreetly((message) => voice.send(message), CarrierError) } }),
  ...(email && { email: { send: discreetly((message) => email.send(message), CarrierError) } }),
});
