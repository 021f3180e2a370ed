import { describe, expect, test } from '@jest/globals';
import { toEmail, toSmsText, toSpokenText } from '../../domain/codeTexts';
import { LANGUAGES, languageOfCountry, LOCALES, toLocale } from '../../domain/locale';

test('a message says the tenant, the digits and how long they are good', () => {
  expect(toSmsText('Shop', '012345')).toBe('Shop: your code is 012345. It is valid for 10 minutes. Never share it.');
  expect(toSmsText('Shop', '012345', { minutes: 1 })).toContain('for 1 minute.');
});

test('an e-mail says the same in both its texts, and nothing of the digits in its subject', () => {
  const { subject, text, html } = toEmail('Tom & Co <b>', '0123', { about: 'Pay > 5 "now"' });
  expect(subject).toBe('Tom & Co <b>: your code');
  expect(text).toBe('Pay > 5 "now"\nTom & Co <b>: your code is 0123. It is valid for 10 minutes. Never share it.');
  expect(html).toContain('<p>Pay &gt; 5 &quot;now&quot;</p><p>Tom &amp; Co &lt;b&gt;: your code is <strong');
  expect(html).toMatch(/>0123<\/strong>\. It is valid for 10 minutes\./);
});

describe.each(LANGUAGES)('in %s', (locale) => {
  test('an e-mail says in which language it is, and has a subject of its own', () => {
    const others = LANGUAGES.filter((language) => language !== locale);
    const { subject, html } = toEmail('Shop', '0123', { locale });
    expect(html).toContain(`<html lang="${locale}">`);
    expect(others.map((other) => toEmail('Shop', '0123', { locale: other }).subject)).not.toContain(subject);
  });

  test('a call says digit by digit, and twice', () => {
    const spoken = toSpokenText('Shop', '0123', { locale });
    expect(spoken.match(/0, 1, 2, 3/g)).toHaveLength(2);
    expect(spoken).not.toContain('0123');
  });

  test('a message has words of its own', () => {
    const others = LANGUAGES.filter((language) => language !== locale);
    const text = toSmsText('Shop', '0123', { locale });
    expect(others.map((other) => toSmsText('Shop', '0123', { locale: other }))).not.toContain(text);
    expect(text).toContain('0123');
  });
});

test('who asks for a language that we do not write gets English, and a region gets its language', () => {
  expect(toSmsText('Shop', '0123', { locale: 'vi' })).toBe(toSmsText('Shop', '0123'));
  expect(toSmsText('Shop', '0123', { locale: 'es-MX' })).toBe(toSmsText('Shop', '0123', { locale: 'es' }));
});

test.each([
  ...LOCALES.map((locale) => [locale, locale]),
  ['PT-br', 'pt-BR'],
  ['zh_hk', 'zh-HK'],
  ['es-MX', 'es'],
  [' de ', 'de'],
  ['xx', undefined],
  ['', undefined],
  ['en;drop', undefined],
])('%j means the locale %j', (text, locale) => {
  expect(toLocale(text!)).toBe(locale);
});

test.each([
  ['MX', 'es'],
  ['AT', 'de'],
  ['FR', 'fr'],
  ['US', 'en'],
  ['BR', 'en'],
  [undefined, 'en'],
])('people in %s are written to in %s', (country, language) => {
  expect(languageOfCountry(country)).toBe(language);
});
