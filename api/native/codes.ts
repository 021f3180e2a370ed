import type { Router } from 'express';
import * as contract from '../../contracts/codes';
import type { Code } from '../../db/codes';
import type { Codes } from '../../services/codes';
import type { Methods } from '../../services/methods';
import type { Totp } from '../../services/totp';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

const APPROVED = { status: 'approved' } as const;

const toCodeView = ({ id, channel, expiresAtMs }: Code) => ({
  id,
  channel,
  expiresAt: new Date(expiresAtMs).toISOString(),
});

/** Digits that people type, and the ways in which they can be asked. */
export function codeRoutes(
  router: Router,
  { codes, totp, methods, ...deps }: MountDeps & { codes: Codes; totp: Totp; methods: Methods },
): void {
  const { json } = mounting(router, deps);

  json(contract.sendCode, async ({ tenant, params: { userId }, body, keep }) =>
    toCodeView(await codes.send(tenant.id, userId, body, (tx, code) => keep(tx, toCodeView(code)))),
  );

  json(contract.checkCode, async ({ tenant, params: { userId }, body: { code }, keep }) => {
    await codes.check(tenant.id, userId, code, (tx) => keep(tx, APPROVED));
    return APPROVED;
  });

  json(contract.createTotp, ({ tenant, params: { userId }, keep }) => totp.create(tenant.id, userId, keep));

  json(contract.checkTotp, async ({ tenant, params: { userId }, body: { code }, keep }) => {
    await totp.check(tenant.id, userId, code, (tx) => keep(tx, APPROVED));
    return APPROVED;
  });

  json(contract.listMethods, async ({ tenant, params: { userId } }) => {
    const enabled = await methods.list(tenant.id, userId);
    return {
      methods: enabled.map(({ method, enabledAtMs }) => ({ method, enabledAt: new Date(enabledAtMs).toISOString() })),
      twoFactorEnabled: enabled.length > 0,
    };
  });

  json(contract.removeMethod, ({ tenant, params: { userId, method } }) => methods.remove(tenant.id, userId, method));
}
