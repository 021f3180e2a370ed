import type { Pool } from 'pg';
import type { Device, DeviceRows } from '../db/devices';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import { asRefusal } from '../db/violations';

/** What a device changes by a call; the proof of that call is used up with it. @throws proof_reused, what `change` throws */
export const changeByDevice = <T>(
  { pool, devices }: { pool: Pool; devices: Pick<DeviceRows, 'useProof'> },
  device: Device,
  jti: string,
  change: (tx: Tx) => Promise<T>,
): Promise<T> =>
  inTransaction(pool, async (tx) => {
    await devices.useProof(tx, device.id, jti);
    return change(tx);
  }).catch((error: unknown) => {
    throw asRefusal(error);
  });
