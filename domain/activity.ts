/** What back ends tell of their users, in the words of the Authy API. */
export const ACTIVITIES = ['password_reset', 'banned', 'unbanned', 'cookie_login'] as const;
export type Activity = (typeof ACTIVITIES)[number];
