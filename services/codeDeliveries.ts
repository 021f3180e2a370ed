import type { Code } from '../db/codes';
import { CHANNEL_WORDS } from '../domain/code';
import { CODE_DELIVERY_WORKFLOW, codeDeliveryWorkflowId } from '../workflows/codeDelivery.messages';
import type { CodeDeliveryInput } from '../workflows/codeDelivery.messages';
import { createAccompaniment } from './accompaniment';
import type { Engine } from './accompaniment';

type Sent = Pick<Code, 'id' | 'tenantId' | 'generation' | 'channel'>;

/** Starts the workflows that send codes. Nobody waits for it: `reconcile` repairs. */
export interface CodeDeliveries {
  start(code: Sent): void;
  /** Starts the workflow where there is none; false when there is one, or was one that completed. @throws what Temporal says */
  revive(code: Sent): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createCodeDeliveries(engine: Engine): CodeDeliveries {
  const accompaniment = createAccompaniment(engine, { type: CODE_DELIVERY_WORKFLOW, idOf: codeDeliveryWorkflowId });
  const inputOf = ({ tenantId, id, generation }: Sent): CodeDeliveryInput => ({ tenantId, codeId: id, generation });
  const summaryOf = ({ channel }: Sent) => `Sends a code by ${CHANNEL_WORDS[channel]}`;
  return {
    start: (code) => accompaniment.start(inputOf(code), summaryOf(code)),
    revive: (code) => accompaniment.restart(inputOf(code), summaryOf(code)),
  };
}
