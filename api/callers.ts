import type { Request, Response } from 'express';
import type { Route } from '../contracts/route';
import type { Device } from '../db/devices';
import type { Tenant } from '../db/tenants';
import { DomainError } from '../domain/errors';
import { allows } from '../domain/scope';
import type { Scope } from '../domain/scope';
import type { Devices } from '../services/devices';
import type { Tenants } from '../services/tenants';
import { rawBodyOf } from './body';

export interface CallerDeps {
  tenants: Pick<Tenants, 'authenticate'>;
  devices: Pick<Devices, 'authenticate' | 'currentNonce'>;
  publicUrls: () => readonly string[];
}

export interface Callers {
  /**
   * Who calls, proved in the way that the route asks for, and allowed to.
   * @throws unauthorized, scope_missing, device_unauthorized, nonce_required
   */
  prove(
    route: Pick<Route, 'caller' | 'scope'>,
    req: Request,
    res: Response,
  ): Promise<{ tenant: Tenant } | { device: Device; jti: string } | Record<never, never>>;
}

/** Proves who calls. */
export function createCallers({ tenants, devices, publicUrls }: CallerDeps): Callers {
  async function proveTenant(req: Request, scope: Scope | undefined): Promise<{ tenant: Tenant }> {
    const [, apiKey] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(req.get('authorization') ?? '') ?? [];
    const known = apiKey === undefined ? undefined : await tenants.authenticate(apiKey);
    if (!known) throw new DomainError('unauthorized');
    if (scope === undefined) throw new Error('a route of tenants names no scope');
    if (!allows(known.scopes, scope)) {
      throw new DomainError('scope_missing', { field: 'Authorization', reason: `the key needs the scope ${scope}` });
    }
    return { tenant: known.tenant };
  }

  async function proveDevice(req: Request, res: Response): Promise<{ device: Device; jti: string }> {
    res.setHeader('dpop-nonce', devices.currentNonce());
    const proof = req.get('dpop');
    if (proof === undefined || proof.length > 4_096) throw new DomainError('device_unauthorized');
    return devices.authenticate({
      proof,
      method: req.method,
      urls: publicUrls().map((url) => `${url}${req.path}`),
      body: rawBodyOf(req),
    });
  }

  return {
    prove({ caller, scope }, req, res) {
      if (caller === 'anybody') return Promise.resolve({});
      return caller === 'tenant' ? proveTenant(req, scope) : proveDevice(req, res);
    },
  };
}
