import { faultsOfApproval, FINAL_WITHIN_MS, readRows } from './approvalChecker';
import type { Row } from './approvalChecker';
import { nothingIsOpen, readOnboardingRows } from './onboardingRows';
import type { OnboardingRow } from './onboardingRows';
import { isOfOnboarding } from './told';
import type { OnboardingEnd, ToldOfOnboarding as Told } from './told';
import { afterOutages, groupBy } from './verdict';
import type { Check, Circumstances, Fault, Verdict } from './verdict';

export const onboardingCheck: Check = {
  async judge(database, tenantId, told, at) {
    const rows = await readOnboardingRows(database, tenantId);
    const confirmations = await readRows(database, tenantId, 'confirmations');
    return judgeOnboardings(told.filter(isOfOnboarding), { rows, confirmations }, at);
  },
  settled: nothingIsOpen,
};

interface Found {
  rows: readonly OnboardingRow[];
  /** The approvals by which people confirm. */
  confirmations: readonly Row[];
}

/** What is wrong with onboardings. */
export function judgeOnboardings(
  told: readonly Told[],
  { rows, confirmations }: Found,
  { outages, nowMs }: Circumstances,
): Verdict {
  const facts = groupBy(told, idOf);
  facts.delete(undefined);
  const known = new Map(rows.map((row) => [row.id, row]));
  /** When something has to have followed from what happened at an instant. */
  const dueMs = (atMs: number) => afterOutages(atMs, outages, FINAL_WITHIN_MS) + FINAL_WITHIN_MS;
  const faults = [...faultsOfStarts(told), ...faultsOfStrangers(told, rows), ...faultsOfTexts(told)];
  for (const id of facts.keys()) {
    if (!known.has(id!)) {
      faults.push({ kind: 'lost', rule: 'an acknowledged onboarding is not in the database', subject: id! });
    }
  }
  for (const row of rows) faults.push(...faultsOf(row, facts.get(row.id) ?? [], { dueMs, nowMs }));
  for (const own of groupBy(rows, ({ userId }) => userId).values()) faults.push(...faultsOfUser(own));
  for (const row of confirmations) faults.push(...faultsOfApproval(row, [], outages, nowMs));
  return { counts: { onboardings: facts.size }, faults };
}

interface When {
  dueMs: (atMs: number) => number;
  nowMs: number;
}

type Tell = (kind: Fault['kind'], rule: string, detail?: string) => void;

function faultsOf(row: OnboardingRow, tales: readonly Told[], when: When): Fault[] {
  const faults: Fault[] = [];
  const fault: Tell = (kind, rule, detail) =>
    faults.push({ kind, rule, subject: row.id, ...(detail !== undefined && { detail }) });
  judgeEnd(row, tales, when, fault);
  judgeConfirmation(row, when, fault);
  judgeProgress(row, tales, fault);
  return faults;
}

/** Each ends once, in time, and everybody was told the same. */
function judgeEnd(row: OnboardingRow, tales: readonly Told[], { dueMs, nowMs }: When, fault: Tell): void {
  const started = row.events.filter(({ type }) => type === 'onboarding_started').length;
  if (started === 0) fault('lost', 'the event of the start is missing');
  if (started > 1) fault('doubled', 'the start is recorded more than once');

  const recorded = row.events.flatMap(({ type }) => endOfEvent(type));
  const isClosed = row.closedAtMs !== null;
  if (recorded.length > 1) fault('doubled', 'more than one end is recorded');
  if (isClosed && recorded.length === 0) fault('lost', 'the event of the end is missing');
  const ends = new Set([...recorded, ...tales.flatMap(endTold), ...endOf(row.status)]);
  if (ends.size > 1) fault('doubled', `different ends: ${[...ends].sort().join(', ')}`);
  if (ends.size > 0 && !isClosed) fault('lost', 'an end was told that is not in the database');

  if ((row.closedAtMs ?? nowMs) > dueMs(row.expiresAtMs)) {
    fault('lost', 'open past its deadline and 30 seconds', row.status);
  }
  const has = row.method !== null && row.methods.includes(row.method);
  if (row.status === 'enabled' && !has && !row.isUserRemoved) {
    fault('lost', 'an enabled method is not there', String(row.method));
  }
}

/** The approval ends with its onboarding, in one transaction where it is its answer that ends it. */
function judgeConfirmation(row: OnboardingRow, { dueMs, nowMs }: When, fault: Tell): void {
  if (row.confirmations.length > 1) fault('doubled', 'more than one confirmation');
  const said = row.confirmations[0]?.status;
  const byPush = row.status === 'enabled' && row.method === 'push';
  if (byPush && said !== 'approved') fault('doubled', 'enabled without an approved confirmation', said);
  if (!byPush && said === 'approved') fault('lost', 'a confirmation was approved, and nothing enabled', row.status);
  if ((row.reason === 'denied') !== (said === 'denied')) fault('lost', 'a denial that does not fit', said);
  if (said === 'pending' && row.closedAtMs !== null && nowMs > dueMs(row.closedAtMs)) {
    fault('lost', 'somebody is still asked to confirm what is over');
  }
}

/** What was acknowledged on the way is in the database, once. */
function judgeProgress(row: OnboardingRow, tales: readonly Told[], fault: Tell): void {
  const complete = row.events.filter(({ type }) => type === 'device_registration_complete');
  if (complete.length > 1) fault('doubled', 'more than one device completed it');
  const reminders = row.events.filter(({ type }) => type === 'onboarding_reminded').length;
  if (reminders > 1) fault('doubled', 'it was reminded more than once');
  if (new Set(row.links).size > row.linkRound) fault('doubled', 'more text messages than rounds');
  for (const tale of tales) {
    if (tale.what === 'registered') {
      if (!row.devices.includes(tale.deviceId)) fault('lost', 'an acknowledged device is not in the database');
      if (!complete.some(({ deviceId }) => deviceId === tale.deviceId)) {
        fault('lost', 'the event of a registration is missing');
      }
    }
    if (tale.what === 'chosen' && !row.events.some(({ type, method }) => type === CHOSEN && method === tale.method)) {
      fault('lost', 'an acknowledged method is not in the database');
    }
    if (tale.what === 'entered' && !tale.right) fault('doubled', 'a wrong code was accepted');
    if (tale.what === 'refused' && tale.call === 'code') fault('lost', 'the right code was refused', tale.code);
  }
}

/** At most one of a user is open at a time, and the user has no method but those that they enabled. */
function faultsOfUser(rows: readonly OnboardingRow[]): Fault[] {
  const { methods } = rows[0]!;
  const enabled = new Set(rows.flatMap(({ status, method }) => (status === 'enabled' && method ? method : [])));
  const overlapping = rows.filter(({ createdAtMs }, index) => (rows[index - 1]?.closedAtMs ?? 0) > createdAtMs);
  const open = rows.slice(0, -1).filter(({ closedAtMs }) => closedAtMs === null);
  return [
    ...methods
      .filter((method) => !enabled.has(method))
      .map((method): Fault => ({
        kind: 'doubled',
        rule: 'a method that nobody enabled',
        subject: rows[0]!.userId,
        detail: method,
      })),
    ...[...overlapping, ...open].map(({ id }): Fault => ({
      kind: 'doubled',
      rule: 'two of a user were open at once',
      subject: id,
    })),
  ];
}

function faultsOfStarts(told: readonly Told[]): Fault[] {
  const started = told.filter((tale) => tale.what === 'started');
  const doubled = [...groupBy(started, ({ key }) => key)].filter(
    ([, same]) => new Set(same.map(({ onboardingId }) => onboardingId)).size > 1,
  );
  const refused = told.filter((tale) => tale.what === 'refused').filter(({ call }) => call === 'start');
  return [
    ...doubled.map(([subject]): Fault => ({
      kind: 'doubled',
      rule: 'one idempotency key, more than one onboarding',
      subject,
    })),
    ...refused.map(({ subject, code }): Fault => ({
      kind: 'lost',
      rule: 'a start was refused',
      subject,
      detail: code,
    })),
  ];
}

/** Onboardings that nobody was told of can only belong to requests that had no answer, one to each. */
function faultsOfStrangers(told: readonly Told[], rows: readonly OnboardingRow[]): Fault[] {
  const known = new Set(told.flatMap((tale) => (tale.what === 'started' ? tale.onboardingId : [])));
  const unanswered = new Set(
    told.flatMap((tale) => (tale.what === 'unanswered' && tale.call === 'start' ? tale.subject : [])),
  );
  return rows
    .filter(({ id }) => !known.has(id))
    .slice(unanswered.size)
    .map(({ id }) => ({ kind: 'doubled', rule: 'an onboarding that nobody asked for', subject: id }));
}

/** A carrier drops a message that it has under the same id; the same code under another one would be sent twice. */
function faultsOfTexts(told: readonly Told[]): Fault[] {
  const codes = told.filter((tale) => tale.what === 'texted').filter(({ text }) => CODE.test(text));
  return [...groupBy(codes, ({ onboardingId, text }) => `${onboardingId} ${CODE.exec(text)![0]}`).values()]
    .filter((same) => new Set(same.map(({ messageId }) => messageId)).size > 1)
    .map(([first]) => ({ kind: 'doubled', rule: 'one code, more than one message', subject: first!.onboardingId }));
}

const CODE = /code is \d+/;
const CHOSEN = 'method_chosen';

const ENDS: Readonly<Record<string, OnboardingEnd>> = {
  two_factor_enabled: 'enabled',
  onboarding_expired: 'expired',
  onboarding_cancelled: 'cancelled',
};
const endOfEvent = (type: string): OnboardingEnd[] => (ENDS[type] ? [ENDS[type]] : []);
const endOf = (status: string): OnboardingEnd[] => Object.values(ENDS).filter((end) => end === status);

function endTold(tale: Told): OnboardingEnd[] {
  // Of an approval whose onboarding is over: that one may have ended in another way.
  if (tale.what === 'answered') return tale.status === 'approved' ? ['enabled'] : ['cancelled'];
  if (tale.what === 'refused') return endOfEvent(tale.code);
  return 'status' in tale ? endOf(tale.status) : [];
}

function idOf(tale: Told): string | undefined {
  if ('onboardingId' in tale) return tale.onboardingId;
  return tale.call === 'start' ? undefined : tale.subject;
}
