import type { Command } from 'commander';
import { isPhoneCountry } from '../domain/phoneNumber';
import { NO_COUNTRY, SEND_LIMIT_RANGES } from '../domain/sendLimits';
import type { SendLimitChange, SendLimits } from '../domain/sendLimits';
import { Failure } from './failure';
import { readInteger } from './integer';

/** As they were given; commander names them. */
export interface SendLimitOptions {
  sendsPerHour?: string;
  secondsBetweenSends?: string;
  sendsPerDay?: string;
  sendsPerDayInCountry?: string;
  countrySends?: string;
}

/** Adds the options that say how many codes and install links a tenant sends. */
export const withSendLimitOptions = (command: Command): Command =>
  command
    .option('--sends-per-hour <count>', 'codes and install links to one phone, in any hour')
    .option('--seconds-between-sends <seconds>', 'between two to one phone, where the person asks for them herself')
    .option('--sends-per-day <count>', 'to all phones, on a day of UTC; 0 for none')
    .option('--sends-per-day-in-country <count>', 'to the phones of each country that --country-sends does not name')
    .option(
      '--country-sends <list>',
      'of single countries, by ISO 3166: DE=500,ZZ=0; DE=default for one like the others',
    );

/** What the options say. @throws Failure */
export function readSendLimitOptions(options: SendLimitOptions): SendLimitChange {
  const { perHour, pauseSeconds, perDay } = SEND_LIMIT_RANGES;
  const { countrySends } = options;
  return {
    ...readInteger('--sends-per-hour', 'perHour', options.sendsPerHour, perHour),
    ...readInteger('--seconds-between-sends', 'pauseSeconds', options.secondsBetweenSends, pauseSeconds),
    ...readInteger('--sends-per-day', 'perDay', options.sendsPerDay, perDay),
    ...readInteger('--sends-per-day-in-country', 'perDayInCountry', options.sendsPerDayInCountry, perDay),
    ...(countrySends !== undefined && { countries: readCountries(countrySends) }),
  };
}

function readCountries(list: string): Record<string, number | null> {
  const countries: Record<string, number | null> = {};
  for (const each of list.split(',')) {
    const [, country = '', count = ''] = /^\s*([A-Z]{2})=(\d{1,8}|default)\s*$/.exec(each) ?? [];
    const isKnown = country === NO_COUNTRY || isPhoneCountry(country);
    if (!isKnown || (count !== 'default' && Number(count) > SEND_LIMIT_RANGES.perDay.most)) {
      throw new Failure(
        `--country-sends is a list like DE=500,${NO_COUNTRY}=0: countries by ISO 3166 (${NO_COUNTRY}: none), ` +
          `with 0 to ${SEND_LIMIT_RANGES.perDay.most}, or default.`,
      );
    }
    countries[country] = count === 'default' ? null : Number(count);
  }
  return countries;
}

/** How they are shown. */
export function describeSendLimits({ countries, ...limits }: SendLimits): [label: string, value: string][] {
  const named = Object.entries(countries).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ['sends per hour', `${limits.perHour} to one phone`],
    ['between sends', `${limits.pauseSeconds} s`],
    ['sends per day', String(limits.perDay)],
    ['in each country', [String(limits.perDayInCountry), ...named.map((each) => each.join('='))].join(', ')],
  ];
}
