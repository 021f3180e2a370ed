import type { Pool } from 'pg';
import { pause } from './api';
import { approvalCheck } from './approvalChecker';
import { onboardingCheck } from './onboardingChecker';
import type { Told } from './told';
import { COUNTS } from './verdict';
import type { Check, Counts, Fault, Outage } from './verdict';
import { webhookCheck, WEBHOOKS_WITHIN_MS } from './webhookChecker';

/**
 * One for each kind of thing that clients are told of. A further kind brings a file with its flows (added in `flows.ts`),
 * one with its points (`points.ts`), one with its check (here), and its facts (`told.ts`) under an `about` of its own.
 */
const CHECKS: readonly Check[] = [approvalCheck, webhookCheck, onboardingCheck];

const LOOK_AGAIN_MS = 250;

/** Judges everything of a tenant so far, by all checks. */
export async function judgeAll(
  database: Pool,
  tenantId: string,
  told: readonly Told[],
  outages: readonly Outage[],
): Promise<{ counts: Counts; faults: Fault[] }> {
  const at = { outages, nowMs: Date.now() };
  const verdicts = await Promise.all(CHECKS.map((check) => check.judge(database, tenantId, told, at)));
  const sum = (name: keyof Counts) => verdicts.reduce((all, { counts }) => all + (counts[name] ?? 0), 0);
  return {
    counts: Object.fromEntries(COUNTS.map((name) => [name, sum(name)])) as Counts,
    faults: verdicts.flatMap(({ faults }) => faults),
  };
}

/** Settles when nothing more is to come, or when it is hopeless. No flow may be in flight. */
export async function settle(database: Pool, tenantId: string): Promise<void> {
  const endMs = Date.now() + WEBHOOKS_WITHIN_MS;
  const settled = async () =>
    (await Promise.all(CHECKS.map(async (check) => (await check.settled?.(database, tenantId)) ?? true))).every(
      Boolean,
    );
  while (!(await settled()) && Date.now() < endMs) await pause(LOOK_AGAIN_MS);
}
