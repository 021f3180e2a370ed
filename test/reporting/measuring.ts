import { Pool } from 'pg';
import { findNumbers } from '../../db/events';
import { countEvents, countHours, listNewest } from '../../db/reporting';
import type { Queryable } from '../../db/transaction';
import type { AuthyEventName } from '../../domain/authyEvents';
import { AUTHY_EVENT_NAMES } from '../../domain/authyEvents';
import { kindsOf } from '../../domain/reporting';

export interface Month {
  since: string;
  until: string;
}

/** What is asked of the reporting API, over one month. */
export function questionsOf({ since, until }: Month, authyId: number): Record<string, Record<string, string>> {
  const query = { 'query[time][gte]': since, 'query[time][lt]': until };
  const scope = { 'scope[time][gte]': since, 'scope[time][lt]': until };
  const one = { 'report[verified][event][eq]': 'token_verified' };
  const three = {
    ...one,
    'report[asked][event][eq]': 'one_touch_request_responded',
    'report[calls][event][eq]': 'totp_token_sent_via_call',
  };
  return {
    'events: the newest 50': { path: 'events', ...query },
    'events: the newest 100 of one name': {
      path: 'events',
      ...query,
      'query[event][eq]': 'token_verified',
      per_page: '100',
    },
    'events: the 100th page of 100': { path: 'events', ...query, page: '100', per_page: '100' },
    'events: of one user': { path: 'events', ...query, 'query[objects.user.s_authy_id][eq]': String(authyId) },
    'date_histogram: one name by day': { path: 'date_histogram', ...scope, ...one, interval: 'day' },
    'date_histogram: one name by hour': { path: 'date_histogram', ...scope, ...one, interval: 'hour' },
    'date_histogram: three names by day': { path: 'date_histogram', ...scope, ...three, interval: 'day' },
    'date_histogram: every name by day': {
      path: 'date_histogram',
      ...scope,
      'report[all][event][gte]': 'a',
      interval: 'day',
    },
    'terms: names': { path: 'terms', ...scope },
  };
}

/** What has to read every event of the month, because no index knows values of objects. */
export const readingQuestion = ({ since, until }: Month): Record<string, string> => ({
  path: 'date_histogram',
  'scope[time][gte]': since,
  'scope[time][lt]': until,
  'scope[objects.app.s_type][eq]': 'full',
  'report[verified][event][eq]': 'token_verified',
  interval: 'day',
});

/** Asks a program so many times, one after the other; in ms. */
export async function ask(url: string, authyApiKey: string, question: Record<string, string>, times: number) {
  const { path, ...query } = question;
  const tookMs: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const startedMs = performance.now();
    const response = await fetch(`${url}/protected/json/reporting/${path}?${new URLSearchParams(query).toString()}`, {
      headers: { 'x-authy-api-key': authyApiKey },
    });
    const text = await response.text();
    tookMs.push(performance.now() - startedMs);
    if (response.status !== 200) throw new Error(`${path}: ${text}`);
  }
  tookMs.sort((a, b) => a - b);
  return { medianMs: Math.round(tookMs[Math.floor(times / 2)]!), mostMs: Math.round(tookMs.at(-1)!), runs: times };
}

/**
 * The statements behind some of these questions, as PostgreSQL plans and runs them. Steps are not timed one by one: that
 * would take longer than the steps.
 */
export async function explain(databaseUrl: string, tenantId: string, { since, until }: Month): Promise<string[]> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  pool.on('error', () => {}); // the server may stop before a connection has said goodbye
  const plans: string[] = [];
  const explaining = {
    async query(sql: string, values: unknown[]) {
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, buffers, timing off) ${sql}`,
        values,
      );
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows: [] };
    },
  } as unknown as Queryable;
  try {
    await findNumbers(explaining, tenantId, { since: new Date(since), until: new Date(until) });
    const range = (await findNumbers(pool, tenantId, { since: new Date(since), until: new Date(until) }))!;
    const typesOf = (names: readonly AuthyEventName[]) => [...new Set(kindsOf(names).map(({ type }) => type))];
    const hours = {
      ...{ since: new Date(since), from: wholeHour(since, Math.ceil) },
      ...{ until: wholeHour(until, Math.floor), before: new Date(until) },
    };
    await countHours(explaining, tenantId, typesOf(['token_verified']), hours, 86_400);
    await countHours(explaining, tenantId, typesOf(AUTHY_EVENT_NAMES), hours, 86_400);
    await countEvents(explaining, tenantId, typesOf(AUTHY_EVENT_NAMES), range, 60);
    await listNewest(explaining, tenantId, kindsOf(AUTHY_EVENT_NAMES), { ...range, limit: 50 });
  } finally {
    await pool.end();
  }
  const titles = [
    'where the month begins and ends',
    'one name by day',
    'every name by day',
    'every name by minute: a month, though a page has 1,000 minutes at most',
    'the newest 50',
  ];
  return plans.map((plan, i) => `-- ${titles[i]}\n${plan}`);
}

const HOUR_MS = 3_600_000;
const wholeHour = (at: string, round: (hours: number) => number) => new Date(round(Date.parse(at) / HOUR_MS) * HOUR_MS);
