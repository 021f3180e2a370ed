import type { Pool } from 'pg';
import type { ApprovalRows } from '../db/approvals';
import type { Delivery, DeliveryRows } from '../db/deliveries';
import { recordEvents } from '../db/events';
import { inTransaction } from '../db/transaction';
import type { WebhookEndpointRows } from '../db/webhookEndpoints';
import { judgeAttempt, longestRest } from '../domain/webhook';
import type { AttemptResult, Verdict } from '../domain/webhook';
import type { WebhookSender } from './webhookSender';

export interface DeliveryDeps {
  pool: Pool;
  deliveries: Pick<DeliveryRows, 'listDue' | 'nextDueInMs' | 'recordAttempt' | 'listOverdueTargets'>;
  endpoints: Pick<WebhookEndpointRows, 'recordHealth' | 'rest' | 'disable'>;
  approvals: Pick<ApprovalRows, 'recordLateCallback'>;
  sender: WebhookSender;
  onAttempt?: (result: Verdict['kind']) => void;
}

const BATCH = 20;
/** A batch ends after this long, or after so many failures one after the other: the endpoint is not well now. */
const BATCH_MS = 10_000;
const MOST_FAILURES = 3;
/** Then it rests for so long, or a sick endpoint with much due would be tried without a pause. */
const REST_MS = 5_000;

/** Telling registered endpoints what happened, and what becomes of an endpoint that does not take it. */
export function createDeliveries(deps: DeliveryDeps) {
  const { pool, deliveries, endpoints, approvals, sender, onAttempt } = deps;

  /** Writes down what an attempt met, and what follows from it for the endpoint, which may be that it is told no more. */
  async function conclude(
    delivery: Delivery,
    result: AttemptResult & { tookMs: number },
  ): Promise<{ taken: boolean; goOn: boolean }> {
    const { tenantId, subject } = delivery;
    const verdict = judgeAttempt(delivery.tries + 1, result);
    const taken = verdict.kind === 'delivered';
    const concluded = await inTransaction(pool, async (tx) => {
      await deliveries.recordAttempt(tx, delivery, { ...result, number: delivery.attempts + 1 }, verdict);
      if (subject.kind === 'callback') {
        if (taken) await approvals.recordLateCallback(tx, tenantId, subject.approvalId);
        return { taken, goOn: true };
      }
      const endpointId = subject.endpoint.id;
      const { open, overdue } = await endpoints.recordHealth(tx, tenantId, endpointId, taken);
      const reason = verdict.kind === 'gone' ? 'gone' : overdue ? 'failing' : undefined;
      const restMs = taken ? 0 : longestRest(result);
      if (restMs > 0) await endpoints.rest(tx, tenantId, endpointId, restMs);
      if (reason && (await endpoints.disable(tx, tenantId, endpointId, reason))) {
        await recordEvents(tx, tenantId, [{ type: 'webhook_disabled', data: { endpointId, reason } }]);
      }
      return { taken, goOn: open && reason === undefined && restMs === 0 };
    });
    onAttempt?.(verdict.kind);
    return concluded;
  }

  return {
    /**
     * Tells a target what is due, in order, for a while, or until the signal says stop. Answers in how many ms more is
     * due, undefined for nothing.
     */
    async drain(tenantId: string, target: string, stopping?: AbortSignal): Promise<number | undefined> {
      const endMs = performance.now() + BATCH_MS;
      let failures = 0;
      for (const delivery of await deliveries.listDue(pool, tenantId, target, BATCH)) {
        const { taken, goOn } = await conclude(delivery, await sender.attempt(delivery));
        failures = taken ? 0 : failures + 1;
        const over = performance.now() > endMs;
        if (delivery.subject.kind === 'event' && (failures >= MOST_FAILURES || (failures > 0 && over))) {
          await endpoints.rest(pool, tenantId, delivery.subject.endpoint.id, REST_MS);
          break;
        }
        if (!goOn || over || stopping?.aborted) break;
      }
      return deliveries.nextDueInMs(pool, tenantId, target);
    },

    listOverdueTargets: (limit: number) => deliveries.listOverdueTargets(pool, limit),
  };
}
export type Deliveries = ReturnType<typeof createDeliveries>;
