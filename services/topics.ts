import type { Approval } from '../db/approvals';
import type { Topic } from '../db/events';
import type { Onboarding } from '../db/onboardings';

/** Who waits for an approval: its back end, and the devices of its people. */
export const wakers = (approval: Pick<Approval, 'id' | 'approvers'>): Topic[] => [
  { kind: 'approval', id: approval.id },
  ...approval.approvers.map(({ userId }) => ({ kind: 'user' as const, id: userId })),
];

/** Who waits for an onboarding: its back end. */
export const topicOf = ({ id }: Pick<Onboarding, 'id'>): Topic => ({ kind: 'onboarding', id });
