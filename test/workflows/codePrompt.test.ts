import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { CodePromptActivities } from '../../activities/codePrompt';
import { createSandbox } from './sandbox';
import type { Sandbox } from './sandbox';

const INPUT = { tenantId: 'tenant', userId: 'user', promptId: 'prompt' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox(['promptForCode']);
}, 60_000);
afterAll(() => sandbox?.close());

const promptForCode = jest.fn<CodePromptActivities['promptForCode']>();
const start = (input: unknown = INPUT) => sandbox.start('codePrompt', input, { promptForCode });

test.each(['sent', 'muted', 'none'] as const)('ends with what the push came to: %s', async (outcome) => {
  promptForCode.mockResolvedValueOnce(outcome);
  expect((await start()).result()).toEqual({ value: outcome });
  expect(promptForCode).toHaveBeenLastCalledWith(INPUT);
});

test('where patience ends, that is an outcome and no failure', async () => {
  promptForCode.mockRejectedValueOnce(new Error('the push service answered 503'));
  expect((await start()).result()).toEqual({ value: 'failed' });
});
