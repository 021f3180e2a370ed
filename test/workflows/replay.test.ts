import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { DataConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import pino from 'pino';
import { createKeyring } from '../../platform/keys/keyring';
import { dataConverter } from '../../platform/temporal/codec';
import { installRuntime } from '../../platform/temporal/runtime';
import { keptWorkflowBundle } from '../../stack/workflowBundle';
import { countOf } from '../histories/count';
import { TEST_MASTER_KEY } from '../histories/key';
import { fileOf, listStored, readStored, WRONG } from '../histories/stored';

installRuntime(pino({ level: 'silent' }));

const converter: DataConverter = dataConverter(createKeyring([TEST_MASTER_KEY]));

/** Runs the workflows of today against histories that real servers wrote; answers with those that do not fit. */
async function replay(names: readonly string[]): Promise<{ name: string; error: Error }[]> {
  const histories = names.map((name) => ({ workflowId: name, history: readStored(name) }));
  const options = { workflowBundle: { codePath: await keptWorkflowBundle() }, dataConverter: converter };
  const failed: { name: string; error: Error }[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    if (error) failed.push({ name: workflowId, error });
  }
  return failed;
}

describe('stored histories', () => {
  const names = listStored();
  const right = names.filter((name) => !name.startsWith(WRONG));
  const wrong = names.filter((name) => name.startsWith(WRONG));

  test('are those of every way in which an approval, a code, an onboarding or a verification ends', () => {
    expect(right).toEqual([
      'approved',
      'callback-failed-first',
      'cancelled',
      'code-failed-first',
      'code-prompted',
      'code-sent',
      'denied',
      'expired',
      'not-eager',
      'onboarding-cancelled',
      'onboarding-expired',
      'onboarding-push-by-device',
      'onboarding-push-by-link',
      'onboarding-sms',
      'onboarding-totp',
      'phone-verification-cancelled',
      'phone-verification-expired',
      'phone-verification-failed-first',
      'phone-verified',
      'push-failed-first',
      'two-of-three',
    ]);
  });

  test('replay: workflows that are under way survive an upgrade to this code', async () => {
    expect(await replay(right)).toEqual([]);
  }, 60_000);

  test('that do not fit are told apart', async () => {
    const failed = await replay(wrong);
    expect(failed.map(({ name }) => name)).toEqual(wrong);
    expect(failed[0]?.error.name).toBe('DeterminismViolationError');
  }, 60_000);

  test.each([
    ['approved', { events: 14, workflowTasks: 2, actions: 5 }],
    ['not-eager', { events: 14, workflowTasks: 2, actions: 5 }],
    ['denied', { events: 14, workflowTasks: 2, actions: 6 }],
    ['cancelled', { events: 14, workflowTasks: 2, actions: 6 }],
    ['expired', { events: 13, workflowTasks: 2, actions: 5 }],
    ['push-failed-first', { events: 19, workflowTasks: 3, actions: 6 }],
    ['two-of-three', { events: 20, workflowTasks: 3, actions: 7 }],
    ['callback-failed-first', { events: 20, workflowTasks: 3, actions: 6 }],
    ['code-sent', { events: 6, workflowTasks: 1, actions: 2 }],
    ['code-prompted', { events: 11, workflowTasks: 2, actions: 2 }],
    ['code-failed-first', { events: 12, workflowTasks: 2, actions: 3 }],
    ['phone-verified', { events: 13, workflowTasks: 2, actions: 5 }],
    ['phone-verification-failed-first', { events: 19, workflowTasks: 2, actions: 6 }],
    ['phone-verification-expired', { events: 14, workflowTasks: 2, actions: 6 }],
    ['phone-verification-cancelled', { events: 14, workflowTasks: 2, actions: 5 }],
    ['onboarding-push-by-link', { events: 23, workflowTasks: 4, actions: 9 }],
    ['onboarding-push-by-device', { events: 13, workflowTasks: 2, actions: 5 }],
    ['onboarding-sms', { events: 13, workflowTasks: 2, actions: 5 }],
    ['onboarding-totp', { events: 13, workflowTasks: 2, actions: 5 }],
    ['onboarding-expired', { events: 19, workflowTasks: 3, actions: 7 }],
    ['onboarding-cancelled', { events: 15, workflowTasks: 2, actions: 6 }],
  ])('%s costs %j', (name, count) => {
    expect(countOf(readStored(name))).toEqual(count);
  });

  test('hold nothing in clear that was shown or signed', () => {
    const { events } = readStored('approved');
    const signal = events!.find((event) => event.workflowExecutionSignaledEventAttributes);
    const [answer] = signal!.workflowExecutionSignaledEventAttributes!.input!.payloads!;
    expect(Buffer.from(answer!.metadata!['encoding']!).toString()).toBe('binary/encrypted');
    const withMarkers = names.filter((name) => name !== 'code-prompted'); // it has no local activity
    for (const name of names) {
      const inside = readFileSync(fileOf(name), 'utf8').replace(/"data": "([^"]*)"/g, (_, data: string) =>
        Buffer.from(data, 'base64').toString('latin1'),
      );
      expect(inside.includes('"activity_type"')).toBe(withMarkers.includes(name)); // what is in clear was found
      expect(inside).not.toMatch(/Log in|eyJ|signed|\+41|install#il_/);
    }
  });
});
