import type { z } from 'zod';
import type { createTotp, listMethods, sendCode } from '../contracts/codes';
import type { BackendCalls, CreateOptions } from './backendCalls';

export type NewCode = z.input<typeof sendCode.body>;
export type TotpSetUp = z.output<typeof createTotp.reply>;
export type Methods = z.output<typeof listMethods.reply>;

/** The calls of a back end about digits that people type, and about the ways in which they can be asked. */
export function createCodes({ call, create }: BackendCalls) {
  const at = (userId: string, rest: string) => `/v1/users/${encodeURIComponent(userId)}/${rest}`;

  return {
    /** Sends a code by text message, call or e-mail; the one before is worth nothing then. */
    sendCode: (userId: string, code: NewCode, options?: CreateOptions) =>
      create<z.output<typeof sendCode.reply>>(at(userId, 'codes'), code, options),
    /** Returns when the digits are right; otherwise throws, `code_wrong` with `attemptsLeft` and others. */
    checkCode: (userId: string, code: string, options?: CreateOptions) =>
      create<{ status: 'approved' }>(at(userId, 'codes/check'), { code }, options),
    /** A secret for an authenticator app, shown this once; its first right code enables the method `totp`. */
    createTotp: (userId: string, options?: CreateOptions) => create<TotpSetUp>(at(userId, 'totp'), undefined, options),
    /** Like `checkCode`, for the digits of an authenticator app. */
    checkTotp: (userId: string, code: string, options?: CreateOptions) =>
      create<{ status: 'approved' }>(at(userId, 'totp/check'), { code }, options),
    /** In which ways a user can be asked for a second factor, oldest first. */
    listMethods: (userId: string) => call<Methods>('GET', at(userId, 'methods')),
    /** With `totp` goes its secret. */
    removeMethod: (userId: string, method: Methods['methods'][number]['method']) =>
      call<undefined>('DELETE', at(userId, `methods/${encodeURIComponent(method)}`)),
  };
}
