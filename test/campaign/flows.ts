import { APPROVAL_FLOWS } from './approvalFlows';
import { ONBOARDING_FLOWS } from './onboardingFlows';
import { SEVERAL_FLOWS } from './severalFlows';
import { WEBHOOK_FLOWS } from './webhookFlows';

/** Everything that clients do under load. */
export const FLOWS = { ...APPROVAL_FLOWS, ...SEVERAL_FLOWS, ...WEBHOOK_FLOWS, ...ONBOARDING_FLOWS } as const;
export type FlowName = keyof typeof FLOWS;
