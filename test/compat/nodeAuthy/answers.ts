import assert from 'node:assert/strict';
import type { Refusal } from '../documented';
import { assertError } from '../expectations';

/** What each of its methods calls in the end. */
export type Done = (error: unknown, reply: unknown) => void;

// Replies are of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Reply = any;

const answerOf = (call: (done: Done) => void): Promise<{ error: unknown; reply: Reply }> =>
  new Promise((resolve) => call((error, reply) => resolve({ error, reply })));

/** What a call of `authy` gives to its callback. @throws where that is an error */
export async function replyOf(call: (done: Done) => void): Promise<Reply> {
  const { error, reply } = await answerOf(call);
  assert.ok(!error, JSON.stringify(error));
  return reply;
}

/** That a call is refused, as `authy` tells it: the body alone is the error. */
export async function assertRefused(call: (done: Done) => void, { status: _, ...refusal }: Refusal): Promise<void> {
  const { error, reply } = await answerOf(call);
  assert.ok(error, `it was not refused: ${JSON.stringify(reply)}`);
  assertError(error, refusal);
}
