import { startTestProgram } from './program';
import type { TestProgram, TestProgramOptions } from './program';
import { send } from './http';
import type { RawReply } from './http';

export interface AuthyRequest {
  query?: Record<string, string>;
  form?: Record<string, string>;
  json?: unknown;
  headers?: Record<string, string>;
  /** In the place of the key of the program's own tenant; null sends none. */
  key?: string | null;
}

/** Calls the Authy API as a client does: exactly this method and path, the key in its header, one kind of body. */
export type AuthyCaller = (method: string, path: string, request?: AuthyRequest) => Promise<RawReply>;

/** A caller of a program's Authy API with the key of one of its tenants. */
export const authyCallerOf =
  (program: Pick<TestProgram, 'url'>, ownKey: string): AuthyCaller =>
  (method, path, { query, form, json, headers = {}, key = ownKey } = {}) => {
    const body = form ? new URLSearchParams(form).toString() : json === undefined ? undefined : JSON.stringify(json);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    return send(program, {
      method,
      path: query ? `${path}?${new URLSearchParams(query).toString()}` : path,
      headers: {
        ...(key === null ? {} : { 'x-authy-api-key': key }),
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  };

/** A program with an Authy client; the API alone unless workflows are wanted. */
export async function startAuthy(options: TestProgramOptions & { workflows?: boolean } = {}) {
  const { workflows = false, ...rest } = options;
  const program = await startTestProgram({
    ...rest,
    env: { ...(workflows ? {} : { COUNTERSIGN_ROLES: 'api' }), ...rest.env },
  });
  return { ...program, program, authy: authyCallerOf(program, program.tenant.authyApiKey) };
}
