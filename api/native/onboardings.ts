import type { Router } from 'express';
import * as contract from '../../contracts/onboardings';
import type { OnboardingStep } from '../../contracts/onboardings';
import type { Step } from '../../services/onboardingMethods';
import type { Onboardings } from '../../services/onboardings';
import { toOnboardingView, toTokenView } from '../../services/views';
import { limitExchanges } from '../abuse';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

const INSTALL_PAGE = `This is an install link of Countersign.

It makes the phone that opens it yours: afterwards that phone is asked when you log in or pay. It is for you alone. Do not
pass it on; nobody will ever ask you for it, on the phone or in a message.

Open it in the app. With the terminal phone of a development installation:

  npm run phone -- register '<the whole link>'

What follows the # stays in your browser and was not sent here.
`;

const toReply = ({ onboarding, link, token, totp }: Step): OnboardingStep => ({
  ...toOnboardingView(onboarding),
  link,
  registrationToken: token && toTokenView(token),
  totp,
});

/** How back ends enable two-factor authentication, and what an install link is good for. */
export function onboardingRoutes(
  router: Router,
  { onboardings, ...deps }: MountDeps & { onboardings: Onboardings },
): void {
  const { json, events } = mounting(router, deps);
  const limitLinks = limitExchanges('install_link_invalid');

  json(contract.startOnboarding, async ({ tenant, params: { userId }, body, keep }) =>
    toReply(await onboardings.start(tenant.id, userId, body, (tx, step) => keep(tx, toReply(step)))),
  );

  json(contract.getOnboarding, async ({ tenant, params: { onboardingId }, query: { wait = 0, status }, gone }) =>
    toOnboardingView(
      wait === 0
        ? await onboardings.find(tenant.id, onboardingId)
        : await onboardings.waitFor(tenant.id, onboardingId, { status, waitMs: wait * 1_000, signal: gone }),
    ),
  );

  events(contract.streamOnboarding, 'onboarding', async function* ({ tenant, params: { onboardingId }, gone }) {
    for await (const seen of onboardings.stream(tenant.id, onboardingId, gone)) yield toOnboardingView(seen);
  });

  json(contract.listOnboardings, async ({ tenant, params: { userId } }) => ({
    onboardings: (await onboardings.listOfUser(tenant.id, userId)).map(toOnboardingView),
  }));

  json(contract.chooseOnboardingMethod, async ({ tenant, params: { onboardingId }, body: { method } }) =>
    toReply(await onboardings.chooseMethod(tenant.id, onboardingId, method)),
  );

  json(contract.enterOnboardingCode, async ({ tenant, params: { onboardingId }, body: { code } }) =>
    toOnboardingView(await onboardings.enterCode(tenant.id, onboardingId, code)),
  );

  json(contract.cancelOnboarding, async ({ tenant, params: { onboardingId } }) =>
    toOnboardingView(await onboardings.cancel(tenant.id, onboardingId)),
  );

  json(contract.createOnboardingToken, async ({ tenant, params: { onboardingId }, keep }) =>
    toTokenView(await onboardings.createToken(tenant.id, onboardingId, (tx, token) => keep(tx, toTokenView(token)))),
  );

  json(contract.openInstallLink, ({ body: { secret }, address }) =>
    limitLinks(address, secret, async () => toTokenView(await onboardings.openLink(secret))),
  );

  router.get(contract.showInstallPage.path, (_req, res) => void res.type('text/plain').send(INSTALL_PAGE));
}
