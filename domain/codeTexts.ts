import { languageOf } from './locale';
import type { Language } from './locale';

interface Texts {
  sms: (sender: string, digits: string, minutes: number) => string;
  /** `apart` are the digits, each read by itself. */
  spoken: (sender: string, apart: string, minutes: number) => string;
}

const TEXTS: Record<Language, Texts> = {
  en: {
    sms: (sender, digits, n) =>
      `${sender}: your code is ${digits}. It is valid for ${count(n, 'minute', 'minutes')}. Never share it.`,
    spoken: (sender, apart, n) =>
      `${sender}. Your code is: ${apart}. Again, your code is: ${apart}. ` +
      `It is valid for ${count(n, 'minute', 'minutes')}. Never share it.`,
  },
  es: {
    sms: (sender, digits, n) =>
      `${sender}: tu código es ${digits}. Es válido durante ${count(n, 'minuto', 'minutos')}. No lo compartas nunca.`,
    spoken: (sender, apart, n) =>
      `${sender}. Tu código es: ${apart}. Repetimos, tu código es: ${apart}. ` +
      `Es válido durante ${count(n, 'minuto', 'minutos')}. No lo compartas nunca.`,
  },
  de: {
    sms: (sender, digits, n) =>
      `${sender}: Ihr Code ist ${digits}. Er gilt ${count(n, 'Minute', 'Minuten')}. Geben Sie ihn niemandem.`,
    spoken: (sender, apart, n) =>
      `${sender}. Ihr Code ist: ${apart}. Noch einmal, Ihr Code ist: ${apart}. ` +
      `Er gilt ${count(n, 'Minute', 'Minuten')}. Geben Sie ihn niemandem.`,
  },
  fr: {
    sms: (sender, digits, n) =>
      `${sender} : votre code est ${digits}. Il est valable ${count(n, 'minute', 'minutes')}. Ne le donnez à personne.`,
    spoken: (sender, apart, n) =>
      `${sender}. Votre code est : ${apart}. Je répète, votre code est : ${apart}. ` +
      `Il est valable ${count(n, 'minute', 'minutes')}. Ne le donnez à personne.`,
  },
};

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export interface TextOptions {
  /** English where there is no text in it. */
  locale?: string;
  /** How long the code is still good. */
  minutes?: number;
  /** What it was sent for, in the words of the tenant; said first. */
  about?: string | undefined;
}

/** The text message that brings a code. */
export const toSmsText = (
  sender: string,
  digits: string,
  { locale = 'en', minutes = 10, about }: TextOptions = {},
): string => (about === undefined ? '' : `${about}\n`) + TEXTS[languageOf(locale)].sms(sender, digits, minutes);

/** What a call says: the digits one by one, and twice. */
export const toSpokenText = (
  sender: string,
  digits: string,
  { locale = 'en', minutes = 10, about }: TextOptions = {},
): string =>
  (about === undefined ? '' : `${about}. `) + TEXTS[languageOf(locale)].spoken(sender, [...digits].join(', '), minutes);
