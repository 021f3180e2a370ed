import { defineSignal } from '@temporalio/workflow';

export const WEBHOOK_DRAIN_WORKFLOW = 'webhookDrain';

/** What is told together: an endpoint, or one callback that was kept. */
export interface DrainInput {
  tenantId: string;
  target: string;
}

/** Something is due. */
export const poke = defineSignal('poke');

/** The id of the one drain of a target. */
export const drainWorkflowId = ({ tenantId, target }: DrainInput) => `webhooks/${tenantId}/${target}`;
