import * as approvals from './approvals';
import * as codes from './codes';
import * as device from './device';
import * as events from './events';
import * as onboardings from './onboardings';
import type { Route } from './route';
import * as system from './system';
import * as users from './users';
import * as webhooks from './webhooks';

/** Every route of the native API, in the order of the OpenAPI page. */
export const ROUTES: readonly Route[] = [
  approvals.createApproval,
  approvals.getApproval,
  approvals.streamApproval,
  approvals.listApprovals,
  approvals.cancelApproval,
  approvals.resendApproval,
  approvals.getEvidence,
  users.createUser,
  users.getUser,
  users.listUsers,
  users.removeUser,
  users.createRegistrationToken,
  users.listDevices,
  users.removeDevice,
  onboardings.startOnboarding,
  onboardings.getOnboarding,
  onboardings.streamOnboarding,
  onboardings.listOnboardings,
  onboardings.chooseOnboardingMethod,
  onboardings.enterOnboardingCode,
  onboardings.cancelOnboarding,
  onboardings.createOnboardingToken,
  codes.sendCode,
  codes.checkCode,
  codes.createTotp,
  codes.checkTotp,
  codes.listMethods,
  codes.removeMethod,
  webhooks.createWebhook,
  webhooks.listWebhooks,
  webhooks.getWebhook,
  webhooks.updateWebhook,
  webhooks.rotateWebhookSecret,
  webhooks.removeWebhook,
  webhooks.pingWebhook,
  webhooks.listDeliveries,
  webhooks.redeliver,
  webhooks.listEvents,
  events.exportEvents,
  onboardings.openInstallLink,
  device.redeemAccountToken,
  device.registerDevice,
  device.listInbox,
  device.showApproval,
  device.answerApproval,
  device.setPushTarget,
  device.ensureDeviceTotp,
  device.unregisterDevice,
  onboardings.showInstallPage,
  system.getHealth,
  system.getReadiness,
  system.getMetrics,
  system.getOpenApi,
  system.getKeys,
  system.listSimulatedMessages,
];
