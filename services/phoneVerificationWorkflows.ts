import type { PhoneVerification, VerificationKey } from '../db/phoneVerifications';
import { CHANNEL_WORDS } from '../domain/code';
import { readable } from '../domain/instant';
import { PHONE_VERIFICATION_WORKFLOW, phoneVerificationWorkflowId } from '../workflows/phoneVerification.messages';
import type { PhoneVerificationInput } from '../workflows/phoneVerification.messages';
import { createAccompaniment } from './accompaniment';
import type { Engine } from './accompaniment';

/** Starts the workflows of verifications and tells them what happened. Nobody waits for it: as for approvals. */
export interface PhoneVerificationWorkflows {
  start(verification: Pick<PhoneVerification, 'tenantId' | 'id' | 'channel' | 'expiresAtMs'>): void;
  tell(verification: VerificationKey, signal: 'code_checked' | 'resend'): void;
  /**
   * Starts the workflow where there is none, and makes it look at its row; false when it has completed.
   * @throws what Temporal says
   */
  revive(verification: VerificationKey): Promise<boolean>;
}

/** Talks to Temporal in the background. */
export function createPhoneVerificationWorkflows(engine: Engine): PhoneVerificationWorkflows {
  const kind = { type: PHONE_VERIFICATION_WORKFLOW, idOf: phoneVerificationWorkflowId };
  const accompaniment = createAccompaniment(engine, kind);
  const inputOf = ({ tenantId, id }: VerificationKey): PhoneVerificationInput => ({ tenantId, verificationId: id });
  return {
    start({ channel, expiresAtMs, ...key }) {
      const until = readable(new Date(expiresAtMs).toISOString());
      const summary = `Verifies a phone by ${CHANNEL_WORDS[channel]} until ${until}`;
      accompaniment.start(inputOf(key), summary);
    },
    tell: (key, signal) => accompaniment.tell(inputOf(key), signal),
    revive: (key) => accompaniment.revive(inputOf(key), 'Verifies a phone (revived by reconcile)'),
  };
}
