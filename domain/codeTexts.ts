import { languageOf } from './locale';
import type { Language } from './locale';

interface Texts {
  sms: (sender: string, digits: string, minutes: number) => string;
  /** Of an e-mail. Without the digits: subjects are seen in lists, and kept in logs. */
  subject: (sender: string) => string;
  /** `apart` are the digits, each read by itself. */
  spoken: (sender: string, apart: string, minutes: number) => string;
}

const TEXTS: Record<Language, Texts> = {
  en: {
    sms: (sender, digits, n) =>
      `${sender}: your code is ${digits}. It is valid for ${count(n, 'minute', 'minutes')}. Never share it.`,
    subject: (sender) => `${sender}: your code`,
    spoken: (sender, apart, n) =>
      `${sender}. Your code is: ${apart}. Again, your code is: ${apart}. ` +
      `It is valid for ${count(n, 'minute', 'minutes')}. Never share it.`,
  },
  es: {
    sms: (sender, digits, n) =>
      `${sender}: tu código es ${digits}. Es válido durante ${count(n, 'minuto', 'minutos')}. No lo compartas nunca.`,
    subject: (sender) => `${sender}: tu código`,
    spoken: (sender, apart, n) =>
      `${sender}. Tu código es: ${apart}. Repetimos, tu código es: ${apart}. ` +
      `Es válido durante ${count(n, 'minuto', 'minutos')}. No lo compartas nunca.`,
  },
  de: {
    sms: (sender, digits, n) =>
      `${sender}: Ihr Code ist ${digits}. Er gilt ${count(n, 'Minute', 'Minuten')}. Geben Sie ihn niemandem.`,
    subject: (sender) => `${sender}: Ihr Code`,
    spoken: (sender, apart, n) =>
      `${sender}. Ihr Code ist: ${apart}. Noch einmal, Ihr Code ist: ${apart}. ` +
      `Er gilt ${count(n, 'Minute', 'Minuten')}. Geben Sie ihn niemandem.`,
  },
  fr: {
    sms: (sender, digits, n) =>
      `${sender} : votre code est ${digits}. Il est valable ${count(n, 'minute', 'minutes')}. Ne le donnez à personne.`,
    subject: (sender) => `${sender} : votre code`,
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

/** The e-mail that brings a code: what a text message would say, plainly and as HTML. */
export function toEmail(sender: string, digits: string, options: TextOptions = {}) {
  const { locale = 'en', minutes = 10, about } = options;
  const language = languageOf(locale);
  const { sms, subject } = TEXTS[language];
  const large = `<strong style="font-size:1.4em;letter-spacing:0.1em">${digits}</strong>`;
  const paragraphs = [...(about === undefined ? [] : [escape(about)]), sms(escape(sender), large, minutes)];
  return {
    subject: subject(sender),
    text: toSmsText(sender, digits, options),
    html:
      `<!doctype html><html lang="${language}"><meta charset="utf-8"><body style="font-family:sans-serif">` +
      `${paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join('')}</body></html>`,
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
