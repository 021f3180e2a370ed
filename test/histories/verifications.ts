import type { History } from '@temporalio/common/lib/proto-utils';
import { randomInt } from 'node:crypto';
import { phoneVerificationWorkflowId } from '../../workflows/phoneVerification.messages';
import { authyCallerOf } from '../support/authy';
import { until } from '../support/until';
import type { World } from './scenarios';

/** Starts a verification, and waits until its workflow has nothing to do but wait. */
async function start({ program, temporal, texts }: World) {
  const authy = authyCallerOf(program, program.tenant.authyApiKey);
  const number = `79${randomInt(1_000_000, 9_999_999)}`;
  const about = { country_code: '41', phone_number: number };
  const started = await authy('POST', '/protected/json/phones/verification/start', { form: { via: 'sms', ...about } });
  const verificationId: string = started.body.uuid;
  const handle = temporal.workflow.getHandle(
    phoneVerificationWorkflowId({ tenantId: program.tenant.id, verificationId }),
  );
  await until(
    async () => {
      const { events } = await handle.fetchHistory().catch((): History => ({}));
      return events?.some((event) => event.timerStartedEventAttributes);
    },
    { what: 'the first workflow task' },
  );
  const read = () => Promise.resolve(texts.find(({ to }) => to === `+41${number}`));
  const closed = async () => {
    // The result is encrypted and this client has no key: only that it has ended counts.
    await until(async () => (await handle.describe()).status.name !== 'RUNNING', { withinMs: 60_000 });
    return handle.fetchHistory();
  };
  return {
    verificationId,
    handle,
    closed,
    async enter() {
      const { text } = await until(read, { what: 'the code' });
      const query = { ...about, verification_code: /\b\d{4}\b/.exec(text)![0] };
      await authy('GET', '/protected/json/phones/verification/check', { query });
    },
  };
}

/** Sent at once and typed: the life that the budget is about. */
export async function phoneVerified(world: World): Promise<History> {
  const { enter, closed } = await start(world);
  await enter();
  return closed();
}

async function failedFirst(world: World): Promise<History> {
  world.failTexts(1);
  return phoneVerified(world);
}

/** Nobody types anything. Ten minutes are long: its first run is ended, and the one after it finds some seconds left. */
async function expired(world: World): Promise<History> {
  const { verificationId, handle, closed } = await start(world);
  await handle.terminate();
  await world.program.pool.query(
    `update phone_verifications set expires_at = clock_timestamp() + interval '15 seconds', workflow_due_at = now()
      where id = $1`,
    [verificationId],
  );
  await until(async () => (await handle.describe()).status.name === 'RUNNING', { withinMs: 15_000, what: 'reconcile' });
  return closed();
}

async function cancelled(world: World): Promise<History> {
  const { handle, closed } = await start(world);
  await handle.cancel();
  return closed();
}

export const VERIFICATIONS: Readonly<Record<string, (world: World) => Promise<History>>> = {
  'phone-verified': phoneVerified,
  'phone-verification-expired': expired,
  'phone-verification-cancelled': cancelled,
};

/** After everything else: a carrier that failed is not tried quickly again for a while. */
export const LAST_VERIFICATIONS: typeof VERIFICATIONS = { 'phone-verification-failed-first': failedFirst };
