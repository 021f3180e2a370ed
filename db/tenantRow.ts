import { SWITCHES } from '../domain/switches';
import type { Switches } from '../domain/switches';

export interface Tenant {
  id: string;
  name: string;
  /** The integer that clients of the Authy API know it by. */
  authyAppId: number;
  switches: Switches;
  /** How many questions of the Authy dialect one user may have; see UNAPPROVED. */
  mostUnapproved: number;
  createdAtMs: number;
}

export interface TenantRow {
  id: string;
  name: string;
  authy_app_id: number;
  switches: Partial<Switches>;
  most_unapproved: number;
  created_at: Date;
}

/** Of `tenants t`. */
export const TENANT_COLUMNS = 't.id, t.name, t.authy_app_id, t.switches, t.most_unapproved, t.created_at';

/** A row as the tenant that it is; switches that it does not name are as they are by default. */
export const toTenant = (row: TenantRow): Tenant => ({
  id: row.id,
  name: row.name,
  authyAppId: row.authy_app_id,
  switches: { ...SWITCHES, ...row.switches },
  mostUnapproved: row.most_unapproved,
  createdAtMs: row.created_at.getTime(),
});
