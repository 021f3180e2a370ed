import assert from 'node:assert/strict';
import type { Refusal } from './documented';

/** The body of an error as all clients read it. @throws where it is another, or is not formed like one */
export function assertError(body: unknown, { number, message, fields = {} }: Omit<Refusal, 'status'>): void {
  assert.ok(typeof body === 'object' && body !== null, `no error of the Authy API: ${String(body)}`);
  const said = body as { message: string; success: unknown; errors: object; error_code: unknown };
  const what = `it was ${String(said.error_code)} "${said.message}"`;
  assert.equal(said.error_code, String(number), what);
  assert.equal(typeof said.message, 'string', what);
  if (message !== undefined) assert.equal(said.message, message);
  assert.equal(said.success, false, what);
  // What is wrong with fields stands in `errors`, and beside it too.
  assert.deepEqual(said.errors, { message: said.message, ...fields }, what);
  assertHas(said, fields);
}

/** That an object has these members; others are its own business. */
export function assertHas(actual: unknown, expected: object): void {
  const named = Object.keys(expected).map((name) => [name, (actual as Record<string, unknown> | undefined)?.[name]]);
  assert.deepEqual(Object.fromEntries(named), expected);
}

/** Why a promise is not kept. @throws where it is */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (reply) => assert.fail(`it was not refused: ${JSON.stringify(reply)}`),
    (error: unknown) => error,
  );
