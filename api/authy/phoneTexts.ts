import type { PhoneChannel } from '../../domain/code';
import type { Language } from '../../domain/locale';

/** What the reply says of a message that is on its way; clients show it to people, in their language. */
const STARTED: Record<Language, Record<PhoneChannel, (phone: string) => string>> = {
  en: { sms: (phone) => `Text message sent to ${phone}.`, voice: (phone) => `Call to ${phone} initiated.` },
  es: { sms: (phone) => `Mensaje de texto enviado a ${phone}.`, voice: (phone) => `Llamada a ${phone} fue iniciada.` },
  de: { sms: (phone) => `SMS an ${phone} gesendet.`, voice: (phone) => `Anruf an ${phone} gestartet.` },
  fr: { sms: (phone) => `SMS envoyé au ${phone}.`, voice: (phone) => `Appel au ${phone} lancé.` },
};

export const startedText = (language: Language, channel: PhoneChannel, phone: string): string =>
  STARTED[language][channel](phone);
