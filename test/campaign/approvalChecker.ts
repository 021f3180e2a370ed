import type { Pool } from 'pg';
import { isOfApproval } from './told';
import type { Decision, Outcome, Status, ToldOfApproval as Told } from './told';
import { afterOutages } from './verdict';
import type { Check, Circumstances, Fault, Outage, Verdict } from './verdict';

/** An approval as the database shows it. */
export interface Row {
  id: string;
  status: Status;
  expiresAtMs: number;
  decidedAtMs: number | null;
  /** How many of how many people have to approve. */
  required: number;
  people: number;
  /** The types of its events, in their order. */
  events: readonly string[];
  answers: readonly { deviceId: string; decision: string }[];
}

/** An approval is final by its deadline and this much more, once services are back. */
export const FINAL_WITHIN_MS = 30_000;
/** Its callback has arrived after this much more. */
export const CALLBACK_GRACE_MS = 15_000;

export const approvalCheck: Check = {
  async judge(database, tenantId, told, at) {
    const rows = await readRows(database, tenantId, 'asked for');
    return judge(told.filter(isOfApproval), rows, at);
  },
};

/** What is wrong with approvals; `repeats` are callbacks that came again under the same id. */
export function judge(told: readonly Told[], rows: readonly Row[], { outages, nowMs }: Circumstances): Verdict {
  const facts = byApproval(told);
  const known = new Map(rows.map((row) => [row.id, row]));
  const faults = [...faultsOfKeys(told), ...faultsOfStrangers(facts, rows, told)];
  for (const [approvalId, tales] of facts) {
    const row = known.get(approvalId);
    if (row) faults.push(...faultsOfApproval(row, tales, outages, nowMs));
    else faults.push({ kind: 'lost', rule: 'an acknowledged approval is not in the database', subject: approvalId });
  }
  return { counts: { approvals: facts.size, repeats: countRepeats(facts) }, faults };
}

/** What is wrong with an approval, whoever asked for it. */
export function faultsOfApproval(row: Row, tales: readonly Told[], outages: readonly Outage[], nowMs: number): Fault[] {
  const faults: Fault[] = [];
  const fault = (kind: Fault['kind'], rule: string, detail?: string) =>
    faults.push({ kind, rule, subject: row.id, ...(detail !== undefined && { detail }) });

  const created = row.events.filter((type) => type === 'approval_created').length;
  if (created === 0) fault('lost', 'the event of the creation is missing');
  if (created > 1) fault('doubled', 'the creation is recorded more than once');

  const recorded = row.events.flatMap(outcomeOfEvent);
  if (recorded.length > 1) fault('doubled', 'more than one decision is recorded');
  if (row.status !== 'pending' && recorded.length === 0) fault('lost', 'the event of the decision is missing');

  const outcomes = new Set([...recorded, ...tales.flatMap(outcomeTold), ...final(row.status)]);
  if (outcomes.size > 1) fault('doubled', `different outcomes: ${[...outcomes].sort().join(', ')}`);
  if (outcomes.size > 0 && row.status === 'pending') fault('lost', 'an outcome was told that is not in the database');

  if (!followsFromAnswers(row)) fault('doubled', 'the outcome is not that of the answers', row.status);

  if (tales.some((tale) => tale.what === 'answered' && !shows(row, tale))) {
    fault('lost', 'an acknowledged answer is not in the database');
  }

  if (tales.some((tale) => tale.what === 'refused' && tale.call === 'answer' && counts(row, tale))) {
    fault('lost', 'an answer was refused that counts');
  }

  const dueMs = afterOutages(row.expiresAtMs, outages, FINAL_WITHIN_MS) + FINAL_WITHIN_MS;
  const finalAtMs = row.decidedAtMs ?? nowMs;
  if (finalAtMs > dueMs) {
    const late = `${row.status} ${(finalAtMs - row.expiresAtMs) / 1_000} s after its deadline`;
    fault('lost', 'not final by its deadline and 30 seconds', late);
  }

  const webhookIds = new Set(tales.flatMap((tale) => (tale.what === 'callback' ? tale.webhookId : [])));
  const wantsCallback = tales.some((tale) => tale.what === 'created' && tale.callback);
  if (webhookIds.size > 1) fault('doubled', 'callbacks with different ids');
  if (wantsCallback && webhookIds.size === 0 && nowMs > dueMs + CALLBACK_GRACE_MS) {
    fault('lost', 'the callback never arrived');
  }
  return faults;
}

function faultsOfKeys(told: readonly Told[]): Fault[] {
  const ids = new Map<string, Set<string>>();
  for (const tale of told) {
    if (tale.what !== 'created') continue;
    ids.set(tale.key, (ids.get(tale.key) ?? new Set()).add(tale.approvalId));
  }
  const doubled = [...ids].filter(([, approvals]) => approvals.size > 1);
  return doubled.map(([subject]) => ({
    kind: 'doubled',
    rule: 'one idempotency key, more than one approval',
    subject,
  }));
}

/** Approvals that nobody was told of can only belong to requests that had no answer, one to each. */
function faultsOfStrangers(facts: ReadonlyMap<string, unknown>, rows: readonly Row[], told: readonly Told[]): Fault[] {
  const strangers = rows.filter(({ id }) => !facts.has(id));
  const open = new Set(
    told.flatMap((tale) => (tale.what === 'unanswered' && tale.call === 'create' ? tale.subject : [])),
  );
  for (const tale of told) if (tale.what === 'created') open.delete(tale.key);
  return strangers
    .slice(open.size)
    .map(({ id }) => ({ kind: 'doubled', rule: 'an approval that nobody asked for', subject: id }));
}

/** What was told of each approval. */
function byApproval(told: readonly Told[]): Map<string, Told[]> {
  const facts = new Map<string, Told[]>();
  for (const tale of told) {
    const id = 'approvalId' in tale ? tale.approvalId : tale.call === 'create' ? undefined : tale.subject;
    if (id === undefined) continue;
    const tales = facts.get(id);
    if (tales) tales.push(tale);
    else facts.set(id, [tale]);
  }
  return facts;
}

const OUTCOMES: readonly Outcome[] = ['approved', 'denied', 'expired', 'cancelled'];

function outcomeOfEvent(type: string): Outcome[] {
  return OUTCOMES.filter((outcome) => type === `approval_${outcome}`);
}

function outcomeTold(tale: Told): Outcome[] {
  if (tale.what === 'callback') return [tale.outcome];
  if (tale.what === 'refused') return outcomeOfEvent(tale.code);
  return 'status' in tale ? final(tale.status) : [];
}

function final(status: Status): Outcome[] {
  return status === 'pending' ? [] : [status];
}

function counts({ answers }: Row, { deviceId, decision }: { deviceId: string; decision: Decision }): boolean {
  return answers.some((answer) => answer.deviceId === deviceId && answer.decision === decision);
}

function shows(row: Row, answer: Extract<Told, { what: 'answered' }>): boolean {
  return counts(row, answer) && (answer.status === 'pending' || row.status === answer.status);
}

/** The first decision that the answers allow is the outcome; without one it is none that needs answers. */
function followsFromAnswers({ status, answers, required, people }: Row): boolean {
  const said = (decision: Decision) => answers.filter((answer) => answer.decision === decision).length;
  const [approved, denied] = [said('approved') >= required, said('denied') > people - required];
  if (status === 'approved' || status === 'denied') return approved === (status === 'approved') && approved !== denied;
  return !approved && !denied;
}

function countRepeats(facts: ReadonlyMap<string, readonly Told[]>): number {
  let repeats = 0;
  for (const tales of facts.values()) {
    const callbacks = tales.flatMap((tale) => (tale.what === 'callback' ? tale.webhookId : []));
    repeats += callbacks.length - new Set(callbacks).size;
  }
  return repeats;
}

/** All approvals of a tenant, as they stand: those that it asked for, or those by which people confirm onboardings. */
export async function readRows(database: Pool, tenantId: string, which: 'asked for' | 'confirmations'): Promise<Row[]> {
  const { rows } = await database.query<
    Omit<Row, 'expiresAtMs' | 'decidedAtMs'> & { expires: Date; decided: Date | null }
  >(
    `select id, status, expires_at as expires, decided_at as decided, required,
            (select count(*)::int from approvers p where p.approval_id = a.id) as people,
            (select coalesce(json_agg(e.type order by e.number), '[]') from events e
              where e.approval_id = a.id) as events,
            (select coalesce(json_agg(json_build_object('deviceId', w.device_id, 'decision', w.decision)), '[]')
               from answers w where w.approval_id = a.id) as answers
       from approvals a
      where tenant_id = $1 and (onboarding_id is not null) = $2`,
    [tenantId, which === 'confirmations'],
  );
  return rows.map(({ expires, decided, ...row }) => ({
    ...row,
    expiresAtMs: expires.getTime(),
    decidedAtMs: decided?.getTime() ?? null,
  }));
}
