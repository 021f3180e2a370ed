/** The domain has a dot: clients of the Authy API insist on that when they read it again. */
const EMAIL = /^[^\s@<>"]{1,64}@[^\s@<>".]+(\.[^\s@<>".]+)+$/;
const MOST_CHARACTERS = 254;

/** Whether a text is an e-mail address as clients of the Authy API write and read them. */
export const isEmail = (text: string): boolean => text.length <= MOST_CHARACTERS && EMAIL.test(text);
