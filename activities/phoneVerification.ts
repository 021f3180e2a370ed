import { ApplicationFailure } from '@temporalio/activity';
import type { Pool } from 'pg';
import { recordEvents } from '../db/events';
import type { PhoneVerification, PhoneVerificationRows } from '../db/phoneVerifications';
import type { TenantRows } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import { toSmsText, toSpokenText } from '../domain/codeTexts';
import { isVerificationOverdue, secondsLeft } from '../domain/phoneVerification';
import type { PhoneVerifications } from '../services/phoneVerifications';
import { isId } from '../services/text';
import type {
  PhoneVerificationInput,
  PhoneVerificationState,
  VerificationMessage,
} from '../workflows/phoneVerification.messages';
import { createCarry, PATIENT_MS } from './carry';
import type { SendingDeps } from './carry';
import { QUICK_MS } from './within';

export interface PhoneVerificationActivityDeps extends SendingDeps {
  pool: Pool;
  phoneVerifications: Pick<PhoneVerificationRows, 'touch' | 'find' | 'recordDelivery'>;
  tenants: Pick<TenantRows, 'find'>;
  service: Pick<PhoneVerifications, 'codeOf' | 'told' | 'recordTime' | 'recordCancellation'>;
}

/** What the workflow `phoneVerification` does to the world. */
export function createPhoneVerificationActivities(deps: PhoneVerificationActivityDeps) {
  const { pool, phoneVerifications: rows, tenants, service, carriers, health } = deps;
  const carry = createCarry(deps);

  /** Reads the row, which says at the same time that its workflow is alive. */
  async function touch({ tenantId, verificationId: id }: PhoneVerificationInput): Promise<PhoneVerification> {
    const verification = isId(tenantId) && isId(id) && (await rows.touch(pool, { tenantId, id }));
    // A workflow that somebody started by hand ends here, instead of asking for ever for a row that never comes.
    if (!verification) throw ApplicationFailure.nonRetryable('there is no such verification', 'verification_not_found');
    return verification;
  }

  const find = ({ tenantId, verificationId: id }: PhoneVerificationInput) => rows.find(pool, { tenantId, id });

  /** How the message of a round fared is written once, with its event. */
  async function record<S extends 'sent' | 'failed'>(verification: PhoneVerification, state: S): Promise<S> {
    await inTransaction(pool, async (tx) => {
      if (!(await rows.recordDelivery(tx, verification, state))) return;
      await recordEvents(tx, verification.tenantId, [service.told(`phone_verification_${state}`, verification)]);
    });
    return state;
  }

  /** @throws when the carrier did not take the message in time */
  async function send(verification: PhoneVerification, withinMs: number): Promise<'sent' | 'failed'> {
    const { tenantId, id, round, phone: to, channel, locale } = verification;
    const tenant = await tenants.find(pool, tenantId);
    const carrier = carriers[channel];
    if (!carrier || !tenant) return record(verification, 'failed');
    const toText = channel === 'sms' ? toSmsText : toSpokenText;
    const minutes = Math.max(1, Math.round(secondsLeft(verification) / 60));
    const text = toText(tenant.name, service.codeOf(verification), { locale, minutes });
    const message = { idempotencyKey: `phone-verification:${id}:${round}`, tenantId, to, text };
    await carry(channel, carrier, message, withinMs);
    return record(verification, 'sent');
  }

  /** Reads the row: past its deadline it expires; where a message is due, it is tried once, quickly. */
  async function read(input: PhoneVerificationInput): Promise<PhoneVerificationState> {
    const verification = await touch(input);
    if (isVerificationOverdue(verification)) {
      await service.recordTime(verification);
      return toState(await touch(input));
    }
    if (!isMessageDue(verification) || !health.answeredWell(verification.channel)) return toState(verification);
    try {
      return toState({ ...verification, deliveryState: await send(verification, QUICK_MS) });
    } catch {
      return toState(verification); // patience takes over, in sight of the operators
    }
  }

  return {
    /** Repeatable: only what is pending expires, and a carrier drops a second message with the same key. */
    readPhoneVerification: read,

    /** Repeatable: for the same reason. */
    async sendVerification(input: PhoneVerificationInput): Promise<void> {
      const verification = await find(input);
      if (verification && isMessageDue(verification)) await send(verification, PATIENT_MS);
    },

    /** Repeatable: the second time the state is there already. A later round has not failed yet. */
    async recordVerificationFailure(input: PhoneVerificationInput & Pick<VerificationMessage, 'round'>): Promise<void> {
      const verification = await find(input);
      if (verification) await record({ ...verification, round: input.round }, 'failed');
    },

    /** Repeatable: only what is pending is ended. */
    async recordPhoneVerificationCancellation(input: PhoneVerificationInput): Promise<PhoneVerificationState> {
      await touch(input);
      await service.recordCancellation({ tenantId: input.tenantId, id: input.verificationId });
      return toState(await touch(input));
    },
  };
}
export type PhoneVerificationActivities = ReturnType<typeof createPhoneVerificationActivities>;

const isMessageDue = (verification: PhoneVerification): boolean =>
  verification.status === 'pending' && !isVerificationOverdue(verification) && verification.deliveryState === 'waiting';

const toState = (verification: PhoneVerification): PhoneVerificationState => ({
  id: verification.id,
  status: verification.status,
  expiresAt: new Date(verification.expiresAtMs).toISOString(),
  remainingMs: Math.max(0, verification.expiresAtMs - verification.readAtMs),
  attempts: verification.attempts,
  message: {
    channel: verification.channel,
    state: verification.deliveryState,
    round: verification.round,
  },
});
