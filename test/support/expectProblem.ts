import { expect } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '../../contracts/system';
import { httpStatus } from '../../domain/errors';
import type { ErrorCode } from '../../domain/errors';

/** Expects a refusal in the one form that they have: problem+json, its own status, nothing of our insides. */
export function expectProblem(
  reply: { status: number; headers: IncomingHttpHeaders | Headers; text: string },
  code: ErrorCode,
  more: { field?: string | undefined } = {},
): void {
  const type =
    reply.headers instanceof Headers ? reply.headers.get('content-type') : (reply.headers['content-type'] ?? '');
  expect(type).toMatch(/^application\/problem\+json/);
  const problem = Problem.parse(JSON.parse(reply.text));
  expect(problem).toMatchObject({ code, status: httpStatus(code) });
  expect(reply.status).toBe(httpStatus(code));
  if ('field' in more) expect(problem.field).toBe(more.field);
  expect(reply.text).not.toMatch(/<html|node_modules|\.[jt]s:\d|at \w+ \(|select |insert /i);
}
