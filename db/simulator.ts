import type { PushSubject } from '../domain/approval';
import type { Queryable } from './transaction';

export interface SimulatedMessage {
  id: string;
  tenantId: string;
  deviceId: string;
  approvalId: string;
  about: PushSubject;
  at: Date;
}

/** Delivers a message to a simulated phone; the same id again is dropped, as a push provider would. */
export async function insertSimulatedMessage(db: Queryable, message: Omit<SimulatedMessage, 'at'>): Promise<void> {
  await db.query(
    `insert into simulator_messages (id, tenant_id, device_id, approval_id, about) values ($1, $2, $3, $4, $5)
     on conflict (id) do nothing`,
    [message.id, message.tenantId, message.deviceId, message.approvalId, message.about],
  );
}

/** The newest hundred messages of a tenant. */
export async function listSimulatedMessages(db: Queryable, tenantId: string): Promise<SimulatedMessage[]> {
  const { rows } = await db.query<{ id: string; device_id: string; approval_id: string; about: PushSubject; at: Date }>(
    `select id, device_id, approval_id, about, at from simulator_messages where tenant_id = $1 order by at desc limit 100`,
    [tenantId],
  );
  return rows.map((row) => ({
    id: row.id,
    tenantId,
    deviceId: row.device_id,
    approvalId: row.approval_id,
    about: row.about,
    at: row.at,
  }));
}
