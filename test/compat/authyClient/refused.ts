import assert from 'node:assert/strict';
import { errors } from 'authy-client';
import type { Refusal } from '../documented';
import { assertError, failureOf } from '../expectations';

/** That a call is refused, as `authy-client` tells it: an error with the status, and the body. */
export async function assertRefused(call: Promise<unknown>, { status, ...refusal }: Refusal): Promise<void> {
  const error = await failureOf(call);
  assert.ok(error instanceof errors.HttpError, String(error));
  const { code, body } = error as Error & { code: number; body: { message: string } };
  assertError(body, refusal);
  assert.equal(code, status);
  assert.equal(error.message, body.message);
}
