/** The languages that callers may ask for, as the Authy API lists them. */
export const LOCALES = [
  ...['af', 'ar', 'ca', 'zh', 'zh-CN', 'zh-HK', 'hr', 'cs', 'da', 'nl', 'en', 'fi', 'fr', 'de', 'el', 'he', 'hi'],
  ...['hu', 'id', 'it', 'ja', 'ko', 'ms', 'nb', 'pl', 'pt-BR', 'pt', 'ro', 'ru', 'es', 'sv', 'tl', 'th', 'tr', 'vi'],
] as const;

/** Those that our texts are written in; whoever asks for another one gets English. */
export const LANGUAGES = ['en', 'es', 'de', 'fr'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The listed locale that a text means, whatever its capitals, and with a region that is not listed; else undefined. */
export function toLocale(text: string): string | undefined {
  const wanted = text.trim().toLowerCase().replaceAll('_', '-');
  const find = (name: string) => LOCALES.find((locale) => locale.toLowerCase() === name);
  return find(wanted) ?? (/^[a-z]{2}-[a-z\d]{2,8}$/.test(wanted) ? find(wanted.slice(0, 2)) : undefined);
}

/** The language in which a text of ours is written for a locale. */
export const languageOf = (locale: string): Language =>
  LANGUAGES.find((language) => language === locale.slice(0, 2)) ?? 'en';

/** Where most people read one of our languages; ISO 3166 codes. */
const COUNTRIES: Readonly<Record<Exclude<Language, 'en'>, readonly string[]>> = {
  es: [
    ...['ES', 'MX', 'AR', 'CO', 'CL', 'PE', 'VE', 'EC', 'GT', 'CU', 'BO', 'DO', 'HN', 'PY', 'SV', 'NI', 'CR', 'PA'],
    ...['UY', 'GQ'],
  ],
  de: ['DE', 'AT', 'CH', 'LI'],
  fr: ['FR', 'MC', 'LU', 'SN', 'CI', 'ML', 'BF', 'NE', 'TG', 'BJ', 'GA', 'CG', 'GP', 'MQ', 'RE', 'GF', 'NC', 'PF'],
};

/** The language of a country's texts where nobody asks for another; English where the country is not known. */
export const languageOfCountry = (country: string | undefined): Language =>
  LANGUAGES.find((language) => language !== 'en' && COUNTRIES[language].includes(country ?? '')) ?? 'en';
