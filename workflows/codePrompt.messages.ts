export const CODE_PROMPT_WORKFLOW = 'codePrompt';

/** One time that a person is asked to read digits from their phone. */
export interface CodePromptInput {
  tenantId: string;
  userId: string;
  promptId: string;
}

/** How it ended; `muted`: the person said "not me" lately; `none`: no phone of theirs takes pushes. */
export type CodePromptOutcome = 'sent' | 'muted' | 'none' | 'failed';

export const codePromptWorkflowId = ({ tenantId, promptId }: CodePromptInput) => `prompt/${tenantId}/${promptId}`;
