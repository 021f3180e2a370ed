import { isEmail } from '../../domain/email';
import { lineOf } from '../../domain/phoneLine';
import { isCallingCode } from '../../domain/phoneNumber';
import type { Parameters } from './parameters';
import { readPhone } from './phoneNumbers';
import { AuthyRefusal } from './refusals';

const NAMES = { email: 'user[email]', cellphone: 'user[cellphone]', country_code: 'user[country_code]' } as const;

/** 60027, with what is wrong with each field. */
const notValid = (fields: Record<string, string>): AuthyRefusal => new AuthyRefusal(60027, { fields });

/**
 * The person whom a client registers; the phone in E.164.
 * @throws AuthyRefusal 60030 where a parameter is missing, 60027 where one is wrong
 */
export function readNewUser(parameters: Parameters): { phone: string; email: string } {
  const named = parameters.hash('user') ?? {};
  const missing = Object.keys(NAMES).filter((name) => (named[name] ?? null) === null);
  if (missing.length > 0) {
    throw new AuthyRefusal(60030, { fields: Object.fromEntries(missing.map((name) => [name, "can't be blank"])) });
  }
  const email = parameters.text(NAMES.email)?.trim() ?? '';
  const code = parameters.text(NAMES.country_code)?.trim().replace(/^\+/, '') ?? '';
  const fields: Record<string, string> = {};
  if (!isEmail(email)) fields['email'] = email === '' ? "is invalid and can't be blank" : 'is invalid';
  if (!isCallingCode(code)) fields['country_code'] = 'is not supported';
  let phone = '';
  if (parameters.text(NAMES.cellphone) === undefined) fields['cellphone'] = "is invalid and can't be blank";
  else if (fields['country_code'] === undefined) {
    const invalid = () => notValid({ ...fields, cellphone: 'is invalid' });
    phone = readPhone(parameters, { countryCode: NAMES.country_code, number: NAMES.cellphone }, invalid);
    if (lineOf(phone).isCostly) fields['cellphone'] = 'is not supported';
  }
  if (Object.keys(fields).length > 0) throw notValid(fields);
  return { phone, email };
}

/** The address that a user gets instead. @throws AuthyRefusal 60004, 60027 */
export function readEmail(parameters: Parameters): string {
  const email = (parameters.text(NAMES.email) ?? parameters.requiredText('email')).trim();
  if (!isEmail(email)) throw notValid({ email: 'is invalid' });
  return email;
}

/** Whether the install link is wanted: clients say so beside the user, or inside it. Undefined: they do not. */
export const readInstallLink = (parameters: Parameters): boolean | undefined =>
  parameters.flag('send_install_link_via_sms') ?? parameters.flag('user[send_install_link_via_sms]');
