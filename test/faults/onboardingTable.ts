/** What is done to the installation while a step of an onboarding is under way. */
export const FAULTS = [
  'the program is killed',
  'Temporal is killed',
  'PostgreSQL is killed',
  'the program is killed before it tells Temporal',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Each of these steps meets each of these faults: how the onboarding ends, since its person goes on afterwards. */
export const STEPS = [
  ['started without a method', 'enabled'],
  ['method chosen', 'enabled'],
  ['link sent', 'enabled'],
  ['device registered', 'enabled'],
  ['confirmation asked', 'enabled'],
  ['confirmed', 'enabled'],
  ['denied', 'cancelled (denied)'],
  ['code sent', 'enabled'],
  ['code entered', 'enabled'],
  ['TOTP secret shown', 'enabled'],
  ['TOTP code entered', 'enabled'],
  ['cancelled', 'cancelled (requested)'],
  ['replaced by a newer one', 'cancelled (replaced)'],
  ['user removed', 'cancelled (user_removed)'],
  ['left alone', 'expired'],
] as const;
export type Step = (typeof STEPS)[number][0];

/** What goes wrong outside the installation, or comes in another order. */
export const OTHERS = [
  ['device registered', 'before the workflow was started', 'enabled'],
  ['link sent', 'the carrier fails first', 'enabled'],
  ['link sent', 'the carrier hangs first', 'enabled'],
  ['link sent', 'the carrier always fails; the back end shows the link', 'enabled'],
  ['link sent', 'the carrier always fails; nobody comes', 'expired'],
  ['code sent', 'the carrier fails first', 'enabled'],
  ['code sent', 'the carrier always fails; another method is chosen', 'enabled'],
  ['code sent', 'the carrier always fails; nobody goes on', 'expired'],
] as const;

/** The whole table, as docs/onboarding.md shows it: step, fault, result. */
export const TABLE: readonly (readonly string[])[] = [
  ...STEPS.map(([step, result]) => [step, `each of: ${FAULTS.join('; ')}`, result]),
  ...OTHERS,
];
