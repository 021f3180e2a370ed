export const CODE_DELIVERY_WORKFLOW = 'codeDelivery';

/** One generation of a code. */
export interface CodeDeliveryInput {
  tenantId: string;
  codeId: string;
  generation: number;
}

/** How a delivery ended; `not_needed`: the code was accepted or replaced meanwhile, or its user removed. */
export type CodeDeliveryOutcome = 'sent' | 'failed' | 'not_needed';

/** The id of the one workflow of a generation. */
export const codeDeliveryWorkflowId = ({ tenantId, codeId, generation }: CodeDeliveryInput) =>
  `code/${tenantId}/${codeId}/${generation}`;
