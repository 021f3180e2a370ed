/** How many codes and install links a tenant sends. Days are those of UTC. */
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

/** What is to be different; null for a country that is like the others again. */
export type SendLimitChange = Partial<Omit<SendLimits, 'countries'>> & {
  countries?: Readonly<Record<string, number | null>>;
};

/** Where a tenant says nothing: generous to people, and an end to what sends to expensive numbers all night. */
export const SEND_LIMITS: SendLimits = {
  perHour: 5,
  pauseSeconds: 30,
  perDay: 100_000,
  perDayInCountry: 50_000,
  countries: {},
};

/** What can be set; days are the same for all phones and for one country. The pause is kept for an hour at least. */
export const SEND_LIMIT_RANGES = {
  perHour: { least: 1, most: 1_000 },
  pauseSeconds: { least: 0, most: 3_600 },
  perDay: { least: 0, most: 10_000_000 },
} as const;

/** Where a number is said to be that belongs to no country: satellites, freephone. */
export const NO_COUNTRY = 'ZZ';
