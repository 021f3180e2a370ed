import type { History } from '@temporalio/common/lib/proto-utils';
import { onboardingWorkflowId } from '../../workflows/onboarding.messages';
import type { NewOnboarding } from '../../sdk/onboardings';
import { addNewcomer } from '../support/newcomer';
import type { Newcomer } from '../support/newcomer';
import { until } from '../support/until';
import type { World } from './scenarios';

interface Onboarded extends Newcomer {
  /** Until the workflow has taken up what happened so far, and waits again. */
  settled(): Promise<void>;
  closed(): Promise<History>;
}

/** Starts an onboarding, and waits until its workflow has nothing to do but wait. */
async function start(
  { program, temporal, texts }: World,
  request: NewOnboarding,
  before = (_: Newcomer): Promise<unknown> => Promise.resolve(),
): Promise<Onboarded> {
  const readTexts = async (phone: string) => texts.filter(({ to }) => to === phone).map(({ text }) => text);
  const newcomer = await addNewcomer(program, { readTexts });
  await before(newcomer);
  const { id: onboardingId } = await newcomer.start(request);
  const handle = temporal.workflow.getHandle(onboardingWorkflowId({ tenantId: program.tenant.id, onboardingId }));
  let tasks = 0;
  const settled = async () => {
    tasks += 1;
    await until(
      async () => {
        const { events = [] } = await handle.fetchHistory().catch((): History => ({}));
        return (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).length >= tasks;
      },
      { what: `workflow task ${tasks}` },
    );
  };
  await settled();
  return {
    ...newcomer,
    settled,
    async closed() {
      // The result is encrypted and this client has no key: only that it has ended counts.
      await until(async () => (await handle.describe()).status.name === 'COMPLETED', { withinMs: 60_000 });
      return handle.fetchHistory();
    },
  };
}

/** Push by a link in a text message, the longest way: the method is chosen later. The life that the budget is about. */
export async function pushByLink(world: World): Promise<History> {
  const person = await start(world, {});
  await person.choose('push');
  await person.settled();
  await person.register(await person.readLink());
  await person.settled();
  await person.confirm();
  return person.closed();
}

/** Push by somebody who has a device already. */
async function pushByDevice(world: World): Promise<History> {
  const person = await start(world, { method: 'push' }, (newcomer) => newcomer.registerBefore());
  await person.confirm();
  return person.closed();
}

async function sms(world: World): Promise<History> {
  const person = await start(world, { method: 'sms' });
  await person.enter(await person.readCode());
  return person.closed();
}

async function totp(world: World): Promise<History> {
  const person = await start(world, { method: 'totp' });
  await person.enter(person.readTotp());
  return person.closed();
}

/** Reminded once, and then nobody comes. */
async function expired(world: World): Promise<History> {
  const person = await start(world, { method: 'push', expiresInSeconds: 10, remindAfterSeconds: 2 });
  return person.closed();
}

/** While the person is asked to confirm: the approval ends with it. */
async function cancelled(world: World): Promise<History> {
  const person = await start(world, { method: 'push' }, (newcomer) => newcomer.registerBefore());
  await person.cancel();
  return person.closed();
}

export const ONBOARDINGS: Readonly<Record<string, (world: World) => Promise<History>>> = {
  'onboarding-push-by-link': pushByLink,
  'onboarding-push-by-device': pushByDevice,
  'onboarding-sms': sms,
  'onboarding-totp': totp,
  'onboarding-expired': expired,
  'onboarding-cancelled': cancelled,
};
