import type { Hash, Value } from './values';
import { isHash } from './values';
import { readAttribute } from '../../domain/authyEvents';
import { toSelection } from '../../domain/reporting';
import type { Selection, WrittenCondition } from '../../domain/reporting';
import type { Reports } from '../../services/reports';
import type { AuthyMounting } from './mount';
import type { Parameters } from './parameters';
import { AuthyRefusal, invalidParameter } from './refusals';

const MOST_CONDITIONS = 50;
const MOST_CHARACTERS = 200;
const MOST_REPORTS = 20;
const MOST_BUCKETS = 1_000;
/** Where no beginning is given: as far back as reports once went, a histogram no further than one page shows. */
const DEFAULT_DAYS = 90;
const DAY_MS = 86_400_000;
const INTERVAL_SECONDS: Readonly<Record<string, number>> = { minute: 60, hour: 3_600, day: 86_400 };
/** Members of the reply that no report may be called. */
const TAKEN = new Set(['success', 'message', 'errors', 'error_code']);

/** What happened, as the Authy API reports it. The replies of histogram and terms are ours: theirs are not known. */
export function reportingRoutes({ call }: AuthyMounting, { reports }: { reports: Reports }): void {
  call('get', '/protected/:format/reporting/events', async ({ tenant, parameters, gone }) => {
    const selection = selectionOf(conditionsOf(parameters.hash('query')));
    const page = { page: pageOf(parameters), perPage: perPageOf(parameters) };
    return { events: await reports.list({ tenantId: tenant.id, selection, gone }, page) };
  });

  call('get', '/protected/:format/reporting/date_histogram', async ({ tenant, parameters, gone }) => {
    const seconds = INTERVAL_SECONDS[parameters.text('interval') ?? ''];
    if (seconds === undefined)
      throw new AuthyRefusal(60094, { message: 'Reporting interval is not minute, hour or day' });
    const named = readReports(parameters);
    if (named.length === 0) throw new AuthyRefusal(60095, { message: 'Report is missing' });
    const window = windowOf(named, pageOf(parameters), seconds * 1_000);
    const reply: Record<string, object> = {};
    for (const [name, selection] of named) {
      const counts = await reports.countByTime(
        { tenantId: tenant.id, selection: within(selection, window), gone },
        seconds,
      );
      reply[name] = window.buckets.map((ms) => ({ time: timeOf(ms), count: counts.get(ms) ?? 0 }));
    }
    return reply;
  });

  call('get', '/protected/:format/reporting/terms', async ({ tenant, parameters, gone }) => {
    const path = parameters.text('attribute') ?? 'event';
    const attribute = path === 'event' ? path : readAttribute(path);
    if (!attribute) throw invalidParameter('attribute', 'is not an attribute of events');
    const most = perPageOf(parameters);
    const named = readReports(parameters);
    const reply: Record<string, object> = {};
    for (const [name, selection] of named.length > 0 ? named : [['terms', scopeOf(parameters)] as const]) {
      const from = selection.fromMs ?? (selection.untilMs ?? Date.now()) - DEFAULT_DAYS * DAY_MS;
      const asked = { tenantId: tenant.id, selection: { ...selection, fromMs: from }, gone };
      reply[name] = (await reports.countByTerm(asked, attribute)).slice(0, most);
    }
    return reply;
  });
}

const pageOf = (parameters: Parameters): number => parameters.integer('page', { least: 1, most: 100 }) ?? 1;
const perPageOf = (parameters: Parameters): number => parameters.integer('per_page', { least: 1, most: 100 }) ?? 50;

const timeOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

const scopeOf = (parameters: Parameters): Selection => selectionOf(conditionsOf(parameters.hash('scope')));

/** Each named report, within the scope. */
function readReports(parameters: Parameters): [name: string, selection: Selection][] {
  const scope = conditionsOf(parameters.hash('scope'));
  const named = Object.entries(parameters.hash('report') ?? {});
  if (named.length > MOST_REPORTS) throw new AuthyRefusal(60095, { message: 'There are too many reports' });
  return named.map(([name, report]) => {
    if (TAKEN.has(name) || !isHash(report)) {
      throw new AuthyRefusal(60095, { message: `Report ${name.slice(0, 50)} is invalid` });
    }
    return [name, selectionOf([...scope, ...conditionsOf(report)])];
  });
}

/** `[event][eq]=…`, and in JSON also the parts of an attribute one inside the other. */
function conditionsOf(hash: Hash | undefined, path: readonly string[] = []): WrittenCondition[] {
  const conditions = Object.entries(hash ?? {}).flatMap(([key, value]) =>
    isHash(value) ? conditionsOf(value, [...path, key]) : [[path.join('.'), key, textOf(value)] as const],
  );
  if (conditions.length > MOST_CONDITIONS) throw invalidQuery('has too many conditions');
  return conditions;
}

function textOf(value: Value): string {
  if (value === null || typeof value === 'object') throw invalidQuery('has a value that is not a text');
  if (String(value).length > MOST_CHARACTERS)
    throw invalidQuery(`has a value of more than ${MOST_CHARACTERS} characters`);
  return String(value);
}

function selectionOf(conditions: readonly WrittenCondition[]): Selection {
  try {
    return toSelection(conditions);
  } catch (error) {
    if (error instanceof RangeError) throw invalidQuery(`is invalid: ${error.message}`);
    throw error;
  }
}

const invalidQuery = (what: string): AuthyRefusal => new AuthyRefusal(60089, { message: `Reporting query ${what}` });

interface Window {
  fromMs: number;
  untilMs: number;
  /** The beginning of each bucket, in ms. */
  buckets: number[];
}

/** The buckets of one page, from the earliest time that any of the reports asks for to the latest. */
function windowOf(named: readonly (readonly [string, Selection])[], page: number, bucketMs: number): Window {
  const until = Math.max(...named.map(([, { untilMs }]) => untilMs ?? Date.now()));
  const usual = until - Math.min(DEFAULT_DAYS * DAY_MS, (MOST_BUCKETS - 1) * bucketMs);
  const from = Math.min(...named.map(([, { fromMs }]) => fromMs ?? usual));
  const first = Math.floor(from / bucketMs) * bucketMs + (page - 1) * MOST_BUCKETS * bucketMs;
  const count = Math.max(0, Math.min(MOST_BUCKETS, Math.ceil((until - first) / bucketMs)));
  return {
    fromMs: first,
    untilMs: first + count * bucketMs,
    buckets: Array.from({ length: count }, (_, i) => first + i * bucketMs),
  };
}

/** What of a selection falls into a window; never more than was asked for. */
const within = (selection: Selection, { fromMs, untilMs }: Window): Selection => ({
  ...selection,
  fromMs: Math.max(selection.fromMs ?? fromMs, fromMs),
  untilMs: Math.min(selection.untilMs ?? untilMs, untilMs),
});
