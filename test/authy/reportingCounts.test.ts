import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ALL, startReporting } from './reportingHistory';

const MONTH = { 'scope[time][gte]': '2026-03-01', 'scope[time][lt]': '2026-04-01' };

let world: Awaited<ReturnType<typeof startReporting>>;
beforeAll(async () => {
  world = await startReporting();
}, 60_000);
afterAll(async () => world?.program.close());

const report: typeof world.report = (...call) => world.report(...call);

describe('a histogram', () => {
  const histogram = async (query: Record<string, string>) => {
    const { status, text, body } = await report('date_histogram', { interval: 'day', ...MONTH, ...query });
    if (status !== 200) throw new Error(text);
    expect(body.success).toBe(true);
    return body as Record<string, { time: string; count: number }[]>;
  };
  const found = (buckets: { time: string; count: number }[]) =>
    buckets.filter(({ count }) => count > 0).map(({ time, count }) => `${time} ${count}`);

  test('counts each day of a month, also those on which nothing happened', async () => {
    const { installs } = await histogram({ 'report[installs][event][eq]': 'device_registration_complete' });
    expect(installs).toHaveLength(31);
    expect(installs![0]).toEqual({ time: '2026-03-01T00:00:00Z', count: 1 });
    expect(installs![30]).toEqual({ time: '2026-03-31T00:00:00Z', count: 0 });
  });

  test('counts several reports within one scope', async () => {
    const reports = {
      'report[sent][event][gte]': 'totp_token_sent',
      'report[sent][event][lt]': 'totp_token_t',
      'report[asked][event][eq]': 'one_touch_request_responded',
      'report[calls][event][eq]': 'totp_token_sent_via_call',
    };
    const all = await histogram(reports);
    expect(found(all['sent']!)).toEqual(['2026-03-02T00:00:00Z 2', '2026-03-05T00:00:00Z 1']);
    expect(found(all['asked']!)).toEqual(['2026-03-04T00:00:00Z 1', '2026-03-05T00:00:00Z 1']);
    // Recorded as the same type of ours, and told apart.
    expect(found(all['calls']!)).toEqual(['2026-03-02T00:00:00Z 1']);
    const ofOne = await histogram({ ...reports, 'scope[objects.user.country_code][eq]': '49' });
    expect(found(ofOne['sent']!)).toEqual(['2026-03-02T00:00:00Z 2']);
    expect(found(ofOne['asked']!)).toEqual([]);
  });

  test.each(['minute', 'hour', 'day'])('by %s counts the same in the index and by reading events', async (interval) => {
    const query = { interval, 'scope[time][lt]': '2026-03-06', 'report[all][event][gte]': 'a' };
    for (const page of interval === 'minute' ? ['2', '3', '8'] : ['1']) {
      const counted = await histogram({ ...query, page });
      // Every event has an app: all are read, and all fit.
      const read = await histogram({ ...query, page, 'scope[objects.app.s_type][eq]': 'full' });
      expect(counted['all']).toEqual(read['all']);
      expect(counted['all']!.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ['in the middle of an hour', '2026-03-01T12:00:30Z', '2026-03-04T12:02:00.001Z'],
    ['with an event, and before one', '2026-03-02T12:01:00Z', '2026-03-05T12:01:00Z'],
    ['in one hour', '2026-03-02T12:00:30Z', '2026-03-02T12:01:30Z'],
    ['before everything, and never', '2026-02-27T23:30:00Z', undefined],
  ])('that begins and ends %s counts no event too many and none twice', async (_when, from, until) => {
    const bounds = { 'scope[time][gte]': from, ...(until !== undefined && { 'scope[time][lt]': until }) };
    for (const interval of ['hour', 'day']) {
      const query = { interval, 'report[all][event][gte]': 'a', ...bounds };
      const ask = async (more = {}) => (await report('date_histogram', { ...query, ...more })).body.all as object[];
      expect(await ask()).toEqual(await ask({ 'scope[objects.app.s_type][eq]': 'full' }));
    }
    const names = await report('terms', bounds);
    expect(names.body.terms).toEqual(
      (await report('terms', { ...bounds, 'scope[objects.app.s_type][eq]': 'full' })).body.terms,
    );
    expect(names.body.terms.length).toBeGreaterThan(0);
  });

  test('without a beginning shows the newest page, of 90 days at most', async () => {
    for (const [interval, buckets] of [
      ['minute', 1_000],
      ['hour', 1_000],
      ['day', 90],
    ] as const) {
      const query = { interval, 'scope[time][lt]': '2026-03-06', 'report[all][event][gte]': 'a' };
      const { body } = await report('date_histogram', query);
      const all = body.all as { time: string }[];
      const endMs = Date.parse(all.at(-1)!.time) + { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[interval];
      expect(new Date(endMs).toISOString()).toBe('2026-03-06T00:00:00.000Z');
      expect([buckets - 1, buckets]).toContain(all.length);
    }
  });

  test('of many buckets comes in pages, which together are the whole', async () => {
    const query = { interval: 'minute', 'scope[time][lt]': '2026-03-06', 'report[all][event][gte]': 'a' };
    const buckets: { time: string; count: number }[] = [];
    for (let page = 1; page <= 9; page += 1)
      buckets.push(...(await histogram({ ...query, page: String(page) }))['all']!);
    expect(buckets).toHaveLength(5 * 24 * 60);
    expect(new Set(buckets.map(({ time }) => time)).size).toBe(buckets.length);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(ALL.length);
  });
});

test('terms counts names, and values of attributes, most first', async () => {
  const { body } = await report('terms', MONTH);
  expect((body.terms as unknown[]).slice(0, 3)).toEqual([
    { term: 'one_touch_request_responded', count: 2 },
    { term: 'totp_token_sent', count: 2 },
    { term: 'user_added', count: 2 },
  ]);
  const query = { ...MONTH, attribute: 'objects.user.s_country_code', 'report[codes][event][lk]': 'token' };
  expect((await report('terms', query)).body).toEqual({
    codes: [
      { term: '49', count: 3 },
      { term: '1', count: 1 },
    ],
    success: true,
  });
  expect((await report('terms', { ...query, per_page: '1' })).body.codes).toHaveLength(1);
  const ever = await report('terms', { 'scope[time][gte]': '0000-01-01', per_page: '3' });
  expect(ever.body.terms).toEqual((body.terms as unknown[]).slice(0, 3));
});
