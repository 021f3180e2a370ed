import type { Request } from 'express';
import type { Tenant } from '../../db/tenants';
import type { Parameters } from './parameters';
import { AuthyRefusal } from './refusals';

/** Who signed a call of the dashboard API. @throws AuthyRefusal */
export type ProveSigned = (req: Request, parameters: Parameters) => Promise<Tenant>;

/** Until signatures are verified nobody passes. */
export function createSignatures(): ProveSigned {
  return () => Promise.reject(new AuthyRefusal(60087));
}
