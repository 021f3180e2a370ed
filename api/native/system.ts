import type { Router } from 'express';
import type { Pool } from 'pg';
import * as contract from '../../contracts/system';
import type { SimulatorRows } from '../../db/simulator';
import { DomainError } from '../../domain/errors';
import type { Evidence } from '../../services/evidence';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

export interface SystemDeps extends MountDeps {
  pool: Pool;
  rows: { simulator: SimulatorRows };
  evidence: Evidence;
  temporalIsUp: () => boolean;
  simulator: boolean;
  /** True from the moment at which no new requests should come. */
  draining: () => boolean;
}

/** Health, keys, and the simulated carrier where there is one. */
export function systemRoutes(
  router: Router,
  { pool, rows, evidence, temporalIsUp, simulator, draining, ...deps }: SystemDeps,
): void {
  const { json } = mounting(router, deps);

  json(contract.getHealth, () => Promise.resolve({ status: 'ok' as const }));

  json(contract.getReadiness, async () => {
    if (draining()) throw new DomainError('temporarily_unavailable', { reason: 'shutting down' });
    await pool.query('select 1');
    return {
      status: 'ready' as const,
      database: 'ok' as const,
      temporal: temporalIsUp() ? ('ok' as const) : ('away' as const),
    };
  });

  json(contract.getKeys, () => evidence.publicKeys());

  if (!simulator) return;
  json(contract.listSimulatedMessages, async ({ tenant }) => ({
    messages: (await rows.simulator.list(pool, tenant.id)).map(({ tenantId: _, at, ...message }) => ({
      ...message,
      at: at.toISOString(),
    })),
  }));
}
