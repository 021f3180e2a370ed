import type { PostgresProxy } from '../support/proxies/postgresProxy';
import { POINTS } from './points';
import type { Point } from './points';

/**
 * What the product does against losing and doubling, and how to take it out: by changing its statements on their way
 * to PostgreSQL, because the product has no such switch. A campaign that cannot fail would prove nothing.
 */
interface Safeguard {
  without: (statement: string) => string;
  /** Where a campaign without it has to fail. */
  points: readonly Point[];
}

const pointsNamed = (...names: string[]) => POINTS.filter(({ name }) => names.includes(name));

export const SAFEGUARDS = {
  /** Nobody looks for approvals whose workflow was never started, or did not hear of the decision: callbacks are lost. */
  reconcile: {
    without: (statement) => statement.replace(/\bwhere workflow_due_at < \S+/, 'where false'),
    points: pointsNamed('before StartWorkflowExecution', 'after commit of a creation', 'after commit of an answer'),
  },
  /** An answer and a cancellation both see a pending approval: two decisions. */
  'row-lock': {
    without: (statement) => statement.replace(/^(\s*select [^]* from approvals a where [^]*)\bfor update\s*$/, '$1'),
    points: pointsNamed('after commit of a cancellation', 'before commit of an answer'),
  },
  /** Nobody looks for endpoints whose drain was never started: a ping that was acknowledged never arrives. */
  'webhook-reconcile': {
    without: (statement) => statement.replace(/(\) overdue\s+)(?=order by random\(\))/, '$1where false '),
    points: pointsNamed('before SignalWithStart of a drain', 'before look for overdue webhooks'),
  },
} as const satisfies Record<string, Safeguard>;
export type SafeguardName = keyof typeof SAFEGUARDS;

/** Takes a safeguard out of everything that runs through this proxy; tells how often it was met. */
export function takeOut(name: SafeguardName, proxy: Pick<PostgresProxy, 'rewrite'>): () => number {
  let met = 0;
  proxy.rewrite((statement) => {
    const changed = SAFEGUARDS[name].without(statement);
    if (changed !== statement) met += 1;
    return changed;
  });
  return () => met;
}
