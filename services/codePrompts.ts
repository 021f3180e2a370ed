import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { RecentActRows } from '../db/recentActs';
import { inTransaction } from '../db/transaction';
import { CODE_PROMPT_WORKFLOW, codePromptWorkflowId } from '../workflows/codePrompt.messages';
import type { CodePromptInput } from '../workflows/codePrompt.messages';
import { createAccompaniment } from './accompaniment';
import type { Engine } from './accompaniment';

export interface CodePromptDeps {
  pool: Pool;
  recentActs: Pick<RecentActRows, 'take'>;
  engine: Engine;
}

/** A person who is in a hurry logs in again at once; a phone must not ring all the time for it. */
const PACE = { most: 20, withinSeconds: 3_600, pauseSeconds: 30 } as const;

/** Asks people to read the digits that their phones show. */
export function createCodePrompts({ pool, recentActs, engine }: CodePromptDeps) {
  const accompaniment = createAccompaniment<CodePromptInput>(engine, {
    type: CODE_PROMPT_WORKFLOW,
    idOf: codePromptWorkflowId,
  });
  return {
    /** Pushes to all phones of a person, in the background, unless that was done just now: a hint that may get lost. */
    async prompt(tenantId: string, userId: string): Promise<void> {
      const subjects = [Buffer.from(`prompts/${userId}`)];
      if (!(await inTransaction(pool, (tx) => recentActs.take(tx, tenantId, subjects, PACE)))) return;
      accompaniment.start({ tenantId, userId, promptId: randomUUID() }, 'Asks for the digits that a phone shows');
    },
  };
}
