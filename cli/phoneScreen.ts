import type { ApprovalDecision } from '../domain/approval';
import type { DeviceApproval } from '../sdk/device';
import { readShown } from '../sdk/device';
import type { readTotp } from '../sdk/totp';
import { printable } from './printable';

/** An approval as a phone shows it: who asks for what, and how long there is time. */
export function renderApproval(approval: DeviceApproval, nowMs: number): string {
  const { tenant, mode, title, details, expiresAt } = readShown(approval);
  const width = Math.max(0, ...details.map(({ label }) => printable(label).length));
  return [
    '',
    `${printable(tenant)} asks: ${mode === 'login' ? 'is it you who logs in?' : 'do you agree to this?'}`,
    `  ${printable(title)}`,
    ...details.map(({ label, value }) => `  ${printable(label).padEnd(width)}  ${printable(value)}`),
    ...(isOfSeveral(approval) ? [`  ${renderProgress(approval)}`] : []),
    `  ${timeLeft(expiresAt, nowMs)} (${printable(approval.id)})`,
  ].join('\n');
}

/** An approval on one line. */
export function renderLine(approval: DeviceApproval, nowMs: number): string {
  const { tenant, title, expiresAt } = readShown(approval);
  return `${printable(approval.id)}  ${timeLeft(expiresAt, nowMs).padEnd(12)}  ${printable(tenant)}: ${printable(title)}`;
}

/** True where one answer need not decide. */
const isOfSeveral = ({ progress }: DeviceApproval): boolean => progress.people > 1 || progress.required > 1;

/** How far several people are. */
export function renderProgress({ progress }: DeviceApproval): string {
  const { approved, required, denied, people } = progress;
  const against = denied === 0 ? '' : `, ${denied} against`;
  return `${approved} of ${required} approvals${against}; ${people} ${people === 1 ? 'person is' : 'people are'} asked`;
}

/** What became of an approval by this person's answer. */
export function renderAnswered(decision: ApprovalDecision, after: DeviceApproval): string {
  const open = after.status === 'pending' ? `: ${renderProgress(after)}` : '';
  return `  You ${decision} it. It is ${printable(after.status)}${open}.`;
}

/** Digits, and for how long. */
export const renderTotp = ({ code, secondsLeft }: ReturnType<typeof readTotp>): string =>
  `${code}  (the next in ${secondsLeft} s)`;

function timeLeft(expiresAt: string, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(expiresAt) - nowMs) / 1_000));
  if (seconds === 0) return 'expired';
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s left`;
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s left`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

export type Choice = 'approve' | 'deny' | 'not_me' | 'skip';

export const PROMPT = '[a]pprove  [d]eny  [n]ot me  [s]kip > ';

/** What a person typed; undefined when it is none of the choices. */
export function readChoice(typed: string): Choice | undefined {
  const choices: Readonly<Record<string, Choice>> = {
    a: 'approve',
    approve: 'approve',
    d: 'deny',
    deny: 'deny',
    n: 'not_me',
    'not me': 'not_me',
    s: 'skip',
    skip: 'skip',
  };
  const text = typed.trim().toLowerCase();
  return Object.hasOwn(choices, text) ? choices[text] : undefined;
}
