/** How many codes a tenant sends. Days are those of UTC. */
export interface SendLimits {
  /** To one phone, in any hour. */
  perHour: number;
  /** Between two to one phone, where the person who gets them asks for them herself. */
  pauseSeconds: number;
  /** To all phones. */
  perDay: number;
  /** To the phones of one country that `countries` does not name. */
  perDayInCountry: number;
  /** By ISO 3166 code; 0 for none. */
  countries: Readonly<Record<string, number>>;
}

/** Where a tenant says nothing: generous to people, and an end to what sends to expensive numbers all night. */
export const SEND_LIMITS: SendLimits = {
  perHour: 5,
  pauseSeconds: 30,
  perDay: 100_000,
  perDayInCountry: 50_000,
  countries: {},
};

/** Where a number is said to be that belongs to no country: satellites, freephone. */
export const NO_COUNTRY = 'ZZ';
