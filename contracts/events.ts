import { z } from 'zod';
import { defineRoute } from './route';
import { instant, nothing } from './shapes';

export const exportEvents = defineRoute({
  method: 'get',
  path: '/v1/events/export',
  summary:
    'All events up to now as one file, oldest first, one a line. A file that was cut off, or that is to grow, goes on with `after`',
  caller: 'tenant',
  scope: 'events:read',
  params: nothing,
  query: z.strictObject({
    format: z.enum(['ndjson', 'csv']).default('ndjson'),
    after: z
      .string()
      .regex(/^(evt_[\da-f-]{36}_)?\d{1,15}$/)
      .optional()
      .describe('the id of the last event that you have (or its number, a `cursor` of GET /v1/events)'),
    since: instant.optional(),
    until: instant
      .optional()
      .describe('events before this instant; without it, those that are there when the export begins'),
    header: z
      .enum(['present', 'absent'])
      .default('present')
      .describe('of CSV: whether the first line names the columns'),
  }),
  body: nothing,
  reply: z.string().describe('NDJSON: one EventView a line. CSV: RFC 4180, harmless in spreadsheets'),
  status: 200,
  file: ['application/x-ndjson', 'text/csv'],
  refusals: [],
});
