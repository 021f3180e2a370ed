/** What a tenant may have otherwise, and how it is where the tenant says nothing. */
export const SWITCHES = {
  /** Authy dialect: `users/new` sends the install link where a call does not say so. */
  installLink: true,
  /** Authy dialect: without `force` a user who never confirmed is let in with any code, as Authy did. */
  unforcedVerify: false,
  /** Authy dialect: an approval request that expires is told by a callback too, with the status `expired`. */
  callbackOnExpiry: false,
  /** Authy dialect: events name their attributes `authy_id`, not `s_authy_id`. */
  plainAttributes: false,
  /** Authy dialect: the back end may choose the code that verifies a phone. */
  customCode: true,
  /** Authy dialect: an equal approval request within five seconds is a retry of the one before. */
  repeatWindow: true,
} as const satisfies Record<string, boolean>;

export type Switch = keyof typeof SWITCHES;
export type Switches = Readonly<Record<Switch, boolean>>;
