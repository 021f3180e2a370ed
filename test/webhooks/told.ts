/** What an event of this type should tell after the act. */
export type Told = Record<string, string | number | boolean | null>;
