import { z } from 'zod';
import { PUSH_SUBJECTS } from '../domain/approval';
import { CODE_CHANNELS } from '../domain/code';
import { defineRoute } from './route';
import { anyJson, instant, nothing } from './shapes';

const open = { caller: 'anybody', params: nothing, query: nothing, body: nothing, refusals: [] } as const;

export const getHealth = defineRoute({
  ...open,
  method: 'get',
  path: '/healthz',
  summary: 'The process is alive',
  reply: z.strictObject({ status: z.literal('ok') }),
  status: 200,
});

export const getReadiness = defineRoute({
  ...open,
  method: 'get',
  path: '/readyz',
  summary: 'Requests can be served; says also whether Temporal is there',
  reply: z.strictObject({
    status: z.literal('ready'),
    database: z.literal('ok'),
    temporal: z.enum(['ok', 'away']),
  }),
  status: 200,
  refusals: ['temporarily_unavailable'],
});

export const getKeys = defineRoute({
  ...open,
  method: 'get',
  path: '/.well-known/jwks.json',
  summary: 'The public keys that seal evidence (RFC 7517)',
  reply: z.strictObject({ keys: z.array(z.record(z.string(), z.string())) }),
  status: 200,
});

export const getOpenApi = defineRoute({
  ...open,
  method: 'get',
  path: '/v1/openapi.json',
  summary: 'This document',
  reply: z.record(z.string(), anyJson),
  status: 200,
});

export const getMetrics = defineRoute({
  ...open,
  method: 'get',
  path: '/metrics',
  summary: 'What the program counts, as Prometheus reads it',
  reply: z.string(),
  status: 200,
  text: true,
});

export const listSimulatedMessages = defineRoute({
  method: 'get',
  path: '/v1/simulator/messages',
  summary: 'What the simulated carrier delivered to the people of this tenant, newest first (development only)',
  caller: 'tenant',
  scope: 'approvals:read',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: z.strictObject({
    messages: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(['push', ...CODE_CHANNELS]),
        about: z.enum(PUSH_SUBJECTS).nullable().describe('of a push, like deviceId and approvalId'),
        deviceId: z.uuid().nullable(),
        approvalId: z.uuid().nullable(),
        to: z.string().nullable().describe('of anything else, like text: the number, or the e-mail address'),
        text: z.string().nullable(),
        at: instant,
      }),
    ),
  }),
  status: 200,
  refusals: [],
});

/** Every error reply, `application/problem+json` (RFC 9457). */
export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('stable; programs look at this'),
    field: z.string().optional().describe('the field at fault'),
    reason: z.string().optional().describe('what is wrong with it'),
    attemptsLeft: z.int().optional().describe('how many more guesses are judged'),
    requestId: z.string().describe('the same as in our logs'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof Problem>;
