import { expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { toSelection } from '../../domain/reporting';
import { createReports } from '../../services/reports';
import { createTurns } from '../../services/turns';

const BATCH = 1_000;

/** A tenant whose events never end, and of which none has the value that is looked for. */
function setup() {
  const seen = { batches: 0, asked: [] as number[] };
  const row = (number: number) => ({
    tenant_id: 't',
    number: String(number),
    type: 'user_created',
    ...{ user_id: null, device_id: null, approval_id: null, onboarding_id: null },
    data: {},
    at: new Date(),
  });
  const pool = {
    query(sql: string, values: unknown[]) {
      if (sql.includes('event_counters')) return Promise.resolve({ rows: [{ first: '1', last: '1000000' }] });
      seen.batches += 1;
      const last = Number(values[3]);
      return Promise.resolve({ rows: Array.from({ length: BATCH }, (_, i) => row(last - i)) });
    },
  } as unknown as Pool;
  const reports = createReports({
    pool,
    turns: createTurns(1),
    authyFacts: {
      findUserId(_db, _tenantId, authyId) {
        seen.asked.push(authyId);
        return Promise.resolve(undefined);
      },
    },
    authyEvents: {
      tell: () => Promise.resolve([]),
      teller: () =>
        Promise.resolve({
          tell: () => Promise.resolve([]),
          listObjects: (events) => Promise.resolve(events.map(() => ({ user: { s_locale: 'en' } }))),
        }),
    },
  });
  const selection = toSelection([['objects.user.locale', 'eq', 'xx']]);
  return { reports, selection, seen };
}

test('what would have to read too much is refused after so many events, and costs no more', async () => {
  const { reports, selection, seen } = setup();
  const asked = { tenantId: 't', selection, gone: new AbortController().signal };
  await expect(reports.list(asked, { page: 1, perPage: 50 })).rejects.toMatchObject({ code: 'report_too_broad' });
  expect(seen.batches).toBe(250);
});

test('nothing is read for a caller who has gone', async () => {
  const { reports, selection, seen } = setup();
  const asked = { tenantId: 't', selection, gone: AbortSignal.abort() };
  expect(await reports.list(asked, { page: 1, perPage: 50 })).toEqual([]);
  expect(seen.batches).toBe(0);
});

test.each([
  ['1635', [1_635]],
  ['2147483647', [2_147_483_647]],
  ['2147483648', []],
  ['Anna', []],
])('the user %s, whom nobody knows, is found nowhere, without reading', async (id, asked) => {
  const { reports, seen } = setup();
  const selection = toSelection([['objects.user.authy_id', 'eq', id]]);
  const { signal: gone } = new AbortController();
  expect(await reports.countByTerm({ tenantId: 't', selection, gone }, 'event')).toEqual([]);
  expect(seen).toEqual({ batches: 0, asked });
});
