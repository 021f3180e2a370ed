import type { Router } from 'express';
import * as contract from '../../contracts/approvals';
import type { Approvals } from '../../services/approvals';
import type { Evidence } from '../../services/evidence';
import { toView } from '../../services/views';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

/** What back ends do with approvals. */
export function approvalRoutes(
  router: Router,
  { approvals, evidence, ...deps }: MountDeps & { approvals: Approvals; evidence: Evidence },
): void {
  const { json, events } = mounting(router, deps);

  json(contract.createApproval, async ({ tenant, body, keep }) =>
    toView(await approvals.create(tenant, body, (tx, approval) => keep(tx, toView(approval)))),
  );

  json(contract.getApproval, async ({ tenant, params: { approvalId }, query: { wait = 0 }, gone }) =>
    toView(
      wait === 0
        ? await approvals.find(tenant.id, approvalId)
        : await approvals.waitForOutcome(tenant.id, approvalId, wait * 1_000, gone),
    ),
  );

  events(contract.streamApproval, 'approval', async function* ({ tenant, params: { approvalId }, gone }) {
    for await (const approval of approvals.stream(tenant.id, approvalId, gone)) yield toView(approval);
  });

  json(contract.listApprovals, async ({ tenant, query }) => {
    const { entries, nextCursor } = await approvals.list(tenant.id, query);
    return { approvals: entries.map(toView), nextCursor };
  });

  json(contract.cancelApproval, async ({ tenant, params: { approvalId } }) =>
    toView(await approvals.cancel(tenant.id, approvalId)),
  );

  json(contract.resendApproval, async ({ tenant, params: { approvalId } }) =>
    toView(await approvals.resend(tenant.id, approvalId)),
  );

  json(contract.getEvidence, async ({ tenant, params: { approvalId } }) => ({
    evidence: await evidence.seal(await approvals.find(tenant.id, approvalId)),
  }));
}
