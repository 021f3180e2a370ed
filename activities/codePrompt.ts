import { isId } from '../services/text';
import type { CodePromptInput, CodePromptOutcome } from '../workflows/codePrompt.messages';
import type { Pushing } from './pushing';

/** What the workflow `codePrompt` does to the world. */
export function createCodePromptActivities({ pushing }: { pushing: Pushing }) {
  return {
    /** Repeatable: a gateway drops a second push with the same key. @throws when a phone could not be reached, and may yet */
    async promptForCode({ tenantId, userId, promptId }: CodePromptInput): Promise<CodePromptOutcome> {
      if (!isId(tenantId) || !isId(userId)) return 'none'; // started by hand, with nothing
      const keyOf = (deviceId: string) => `prompt:${promptId}:${deviceId}`;
      return pushing.push([userId], { tenantId, approvalId: null, about: 'code', keyOf }, () => true);
    },
  };
}
export type CodePromptActivities = ReturnType<typeof createCodePromptActivities>;
