import { ActivityFailure, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type { CodePromptActivities } from '../activities/codePrompt';
import type { CodePromptInput, CodePromptOutcome } from './codePrompt.messages';
import { forTwoMinutes } from './patience';

const { promptForCode } = forTwoMinutes<CodePromptActivities>(
  "Push to the person's phones until the push service takes it, for two minutes",
);

const OUTCOME: Record<CodePromptOutcome, string> = {
  sent: 'The phones of the person were told.',
  muted: 'Nobody was told: the person said "not me" lately.',
  none: 'Nobody was told: no phone of the person takes pushes.',
  failed: 'A phone was **not told**: its push service did not take the push.',
};

/** Asks a person to open the app and read the digits that it shows. A hint: nothing depends on it. */
export async function codePrompt(given: CodePromptInput): Promise<CodePromptOutcome> {
  const outcome = await prompt({ ...given }); // an operator can start it with nothing: then there is nobody to ask
  setCurrentDetails(OUTCOME[outcome]);
  return outcome;
}

async function prompt(input: CodePromptInput): Promise<CodePromptOutcome> {
  try {
    return await promptForCode(input);
  } catch (error) {
    // Two minutes of failures, or Temporal's own Cancel.
    if (!(error instanceof ActivityFailure) && !isCancellation(error)) throw error;
    return 'failed';
  }
}
