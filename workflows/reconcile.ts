import { proxyActivities } from '@temporalio/workflow';
import type { ReconcileActivities } from '../activities/reconcile';

// Longer than our own rows need, because it also calls Temporal for each of them; a failed run is followed by the next.
// No longer than the schedule's interval: a run that dies with its worker would otherwise hold up those after it.
const once = { startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 1 } } as const;
const { reconcileApprovals } = proxyActivities<ReconcileActivities>({
  summary: 'Revive approvals whose workflow was not heard from',
  ...once,
});
const { reconcileOnboardings } = proxyActivities<ReconcileActivities>({
  summary: 'Revive onboardings whose workflow was not heard from',
  ...once,
});
const { reconcileCodes } = proxyActivities<ReconcileActivities>({
  summary: 'Send codes whose workflow was not heard from',
  ...once,
});
const { reconcilePhoneVerifications } = proxyActivities<ReconcileActivities>({
  summary: 'Revive verifications of phones whose workflow was not heard from',
  ...once,
});
const { reconcileDeliveries } = proxyActivities<ReconcileActivities>({
  summary: 'Tell endpoints what is overdue',
  ...once,
});

/** Runs every ten seconds on a schedule and takes up everything that went missing. Answers how much that was. */
export async function reconcile(): Promise<Record<Kind, number>> {
  const [approvals, targets, codes, onboardings, phoneVerifications] = await Promise.all([
    reconcileApprovals(),
    reconcileDeliveries(),
    reconcileCodes(),
    reconcileOnboardings(),
    reconcilePhoneVerifications(),
  ]);
  return { approvals, targets, codes, onboardings, phoneVerifications };
}
type Kind = 'approvals' | 'targets' | 'codes' | 'onboardings' | 'phoneVerifications';
