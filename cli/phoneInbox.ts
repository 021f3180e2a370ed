import { createInterface } from 'node:readline/promises';
import type { Device, DeviceApproval, Inbox } from '../sdk/device';
import { CountersignError } from '../sdk/device';
import { sleep } from '../sdk/http';
import { explain } from './failure';
import { printable } from './printable';
import type { Choice } from './phoneScreen';
import { PROMPT, readChoice, renderAnswered, renderApproval, renderProgress } from './phoneScreen';

const WAIT_SECONDS = 30;
const AFTER_FAILURE_MS = 2_000;

/** How the phone talks to its owner. */
export interface Owner {
  print(text: string): void;
  /** Rejects when the approval is no longer open, or the owner has left. */
  choose(signal: AbortSignal): Promise<Choice>;
}

/** Shows what comes in and sends what its owner says, until the signal. */
export async function watchInbox(device: Device, owner: Owner, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  const answered: Answered = new Map();
  for await (const inbox of inboxes(device, owner, signal)) {
    await tellNews(device, owner, answered, inbox);
    for (const approval of inbox.approvals.filter((candidate) => isOpen(candidate) && !seen.has(candidate.id))) {
      seen.add(approval.id);
      owner.print(renderApproval(approval, Date.now()));
      const choice = await whileOpen(device, owner, approval.id, inbox.cursor, signal);
      if (choice === undefined) owner.print('  No longer open.');
      else if (choice !== 'skip') await send(device, owner, approval, choice, answered);
    }
  }
}

/** The inbox at every change. Keeps asking while the server is away: a phone in a pocket has to find it again. */
async function* inboxes(device: Device, owner: Owner, signal: AbortSignal, cursor?: string): AsyncGenerator<Inbox> {
  let away = false;
  for (;;) {
    try {
      const inbox = await device.inbox({ wait: WAIT_SECONDS, signal, ...(cursor === undefined ? {} : { cursor }) });
      if (away) owner.print('  The server is back.');
      away = false;
      cursor = inbox.cursor;
      yield inbox;
    } catch (error) {
      if (!(error instanceof CountersignError) || !isPassing(error)) throw error;
      if (!away) owner.print(`  ${explain(error)}\n  Trying again until then.`);
      away = true;
      await sleep(AFTER_FAILURE_MS, signal);
    }
  }
}

/** The owner's choice, or undefined when the approval was decided elsewhere, withdrawn or expired meanwhile. */
async function whileOpen(
  device: Device,
  owner: Owner,
  approvalId: string,
  cursor: string,
  signal: AbortSignal,
): Promise<Choice | undefined> {
  const chosen = new AbortController();
  const closed = new AbortController();
  const watching = AbortSignal.any([signal, chosen.signal]);
  const watch = async () => {
    for await (const { approvals } of inboxes(device, owner, watching, cursor)) {
      if (!approvals.some((candidate) => candidate.id === approvalId && isOpen(candidate))) return closed.abort();
    }
  };
  // A watch that was told to stop has nothing to say; any other failure ends the question.
  const watched = watch().catch((error: unknown) => {
    if (!watching.aborted) closed.abort(error);
  });
  try {
    return await owner.choose(AbortSignal.any([signal, closed.signal]));
  } catch (error) {
    if (signal.aborted || !closed.signal.aborted) throw error;
    if (closed.signal.reason instanceof CountersignError) throw closed.signal.reason;
    return undefined;
  } finally {
    chosen.abort();
    await watched;
  }
}

/** What this phone has answered and others still decide, with the progress that its owner was told last. */
type Answered = Map<string, string>;

/** Tells the owner how what they have answered goes on, and how it ends. */
async function tellNews(device: Device, owner: Owner, answered: Answered, inbox: Inbox): Promise<void> {
  for (const [id, told] of answered) {
    const open = inbox.approvals.find((candidate) => candidate.id === id);
    if (open) {
      const progress = renderProgress(open);
      if (progress !== told) owner.print(`  ${progress} (${printable(id)})`);
      answered.set(id, progress);
      continue;
    }
    try {
      owner.print(`  It is ${printable((await device.show(id)).status)} (${printable(id)})`);
      answered.delete(id);
    } catch (error) {
      if (!(error instanceof CountersignError) || !isPassing(error)) throw error; // asked again with the next inbox
    }
  }
}

async function send(
  device: Device,
  owner: Owner,
  approval: DeviceApproval,
  choice: Choice,
  answered: Answered,
): Promise<void> {
  try {
    const decision = choice === 'approve' ? 'approved' : 'denied';
    const after = await device.answer(approval, decision, choice === 'not_me' ? 'not_me' : undefined);
    owner.print(renderAnswered(decision, after));
    if (after.status === 'pending') answered.set(approval.id, renderProgress(after));
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code === 'device_removed') throw error;
    owner.print(`  ${explain(error)}`);
  }
}

/** No reply, or one that may be another next time. */
const isPassing = ({ status }: CountersignError) => status === 0 || status === 429 || status >= 500;

const isOpen = ({ status, answeredByMe }: DeviceApproval) => status === 'pending' && answeredByMe === null;

/** An owner at this terminal. `leave` is called on Ctrl-C, Ctrl-D, or when the input ends. */
export function ownerAtTerminal(leave: () => void): Owner & { close(): void } {
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '' });
  terminal.on('SIGINT', leave);
  terminal.on('close', leave);
  return {
    print: (text) => console.log(text),
    async choose(signal) {
      // What was typed before this approval was on the screen was not meant for it.
      if (terminal.terminal) {
        terminal.write(null, { ctrl: true, name: 'e' });
        terminal.write(null, { ctrl: true, name: 'u' });
      }
      for (;;) {
        const choice = readChoice(await terminal.question(PROMPT, { signal }));
        if (choice !== undefined) return choice;
      }
    },
    close: () => terminal.close(),
  };
}

/** An owner who always says the same, for demonstrations and load. */
export function ownerWhoAlways(choice: 'approve' | 'deny'): Owner {
  return { print: (text) => console.log(text), choose: () => Promise.resolve(choice) };
}
