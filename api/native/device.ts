import type { Router } from 'express';
import * as contract from '../../contracts/device';
import type { AccountTokens } from '../../services/accountTokens';
import type { Approvals } from '../../services/approvals';
import type { Devices } from '../../services/devices';
import type { Totp } from '../../services/totp';
import { toDeviceApproval, toDeviceTotp, toTokenView } from '../../services/views';
import { limitExchanges, limitPerMinute } from '../abuse';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

/** Wrong answers that one address may send to one approval in a minute: each takes the approval's lock for a moment. */
const MOST_WRONG_ANSWERS = 60;

interface DeviceServices {
  approvals: Approvals;
  devices: Devices;
  accountTokens: AccountTokens;
  totp: Totp;
}

/** What phones do. */
export function deviceRoutes(
  router: Router,
  { approvals, devices, accountTokens, totp, ...deps }: MountDeps & DeviceServices,
): void {
  const { json } = mounting(router, deps);
  const limitWrongAnswers = limitPerMinute(MOST_WRONG_ANSWERS, 'signature_invalid');
  const limitAccountTokens = limitExchanges('account_token_invalid');

  json(contract.registerDevice, async ({ body }) => {
    const { id: deviceId, userId, tenantId } = await devices.register(body);
    return { deviceId, userId, tenantId };
  });

  json(contract.redeemAccountToken, ({ body: { jwt }, address }) =>
    limitAccountTokens(address, jwt, async () => toTokenView(await accountTokens.redeem(jwt))),
  );

  json(contract.listInbox, async ({ device, query: { wait = 0, cursor }, gone }) => {
    const seen = await approvals.inbox(device, { cursor, waitMs: wait * 1_000, signal: gone });
    return { approvals: seen.open.map((one) => toDeviceApproval(one, device.userId)), cursor: seen.cursor };
  });

  json(contract.showApproval, async ({ device, params: { approvalId } }) =>
    toDeviceApproval(await approvals.findForDevice(device, approvalId), device.userId),
  );

  json(contract.answerApproval, ({ params: { approvalId }, body, address }) =>
    limitWrongAnswers(`${approvalId} ${address}`, async () => {
      const { approval, userId } = await approvals.answer(approvalId, body.answer);
      return toDeviceApproval(approval, userId);
    }),
  );

  json(contract.setPushTarget, async ({ device, jti, body }) => devices.setPushTarget(device, jti, body));

  json(contract.ensureDeviceTotp, async ({ device, jti }) => toDeviceTotp(await totp.ensureOfDevice(device, jti)));

  json(contract.unregisterDevice, async ({ device, jti }) => devices.unregister(device, jti));
}
