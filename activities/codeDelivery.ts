import type { Pool } from 'pg';
import { CarrierError } from '../channels/discreet';
import type { Code, CodeRows } from '../db/codes';
import { recordEvents } from '../db/events';
import type { TenantRows } from '../db/tenants';
import { inTransaction } from '../db/transaction';
import type { User, UserRows } from '../db/users';
import { isCodeExpired } from '../domain/code';
import { toEmail, toSmsText, toSpokenText } from '../domain/codeTexts';
import { emailIdOf } from '../services/codes';
import type { Codes } from '../services/codes';
import { isId } from '../services/text';
import type { CodeDeliveryInput, CodeDeliveryOutcome } from '../workflows/codeDelivery.messages';
import { createCarry, PATIENT_MS } from './carry';
import type { SendingDeps } from './carry';
import { QUICK_MS } from './within';

export interface CodeDeliveryActivityDeps extends SendingDeps {
  pool: Pool;
  codes: Pick<CodeRows, 'touch' | 'recordDelivery'>;
  users: Pick<UserRows, 'find'>;
  tenants: Pick<TenantRows, 'find'>;
  digitsOf: Codes['digitsOf'];
}

/** What the workflow `codeDelivery` does to the world. */
export function createCodeDeliveryActivities(deps: CodeDeliveryActivityDeps) {
  const { pool, codes, users, tenants, digitsOf, carriers, health } = deps;
  const carry = createCarry(deps);

  /** How the message fared is written once, with its event. */
  async function record(code: Code, outcome: 'sent' | 'failed', reason?: string): Promise<CodeDeliveryOutcome> {
    const { tenantId, id: codeId, generation, userId, channel, purpose } = code;
    await inTransaction(pool, async (tx) => {
      if (!(await codes.recordDelivery(tx, { tenantId, codeId, generation }, outcome))) return;
      const data = { channel, purpose, ...(reason !== undefined && { reason }) };
      await recordEvents(tx, tenantId, [{ type: `code_${outcome}`, userId, data }]);
    });
    return outcome;
  }

  /** The code where its message is still to be sent, and otherwise how that ended. Says that the workflow is alive. */
  async function read(input: CodeDeliveryInput): Promise<Code | CodeDeliveryOutcome> {
    const isOurs = isId(input.tenantId) && isId(input.codeId) && Number.isInteger(input.generation);
    const code = isOurs ? await codes.touch(pool, input) : undefined;
    if (!code) return 'not_needed'; // there is a later one, or the user was removed
    if (code.deliveryState !== 'waiting') return code.deliveryState;
    if (code.state !== 'open') return 'not_needed';
    return isCodeExpired(code) ? record(code, 'failed', 'expired') : code;
  }

  /** Gives the message to its carrier; false where there is none, or nobody to send it to. */
  async function hand(code: Code, user: User, sender: string, withinMs: number): Promise<boolean> {
    const { tenantId, id, generation, channel, locale, actionMessage } = code;
    const written = [sender, digitsOf(code), { locale, about: actionMessage ?? undefined }] as const;
    const about = { idempotencyKey: `code:${id}:${generation}`, tenantId };
    if (channel === 'email') {
      if (!carriers.email || user.email === null) return false;
      const email = { ...about, messageId: emailIdOf(code), to: user.email, ...toEmail(...written) };
      await carry(channel, carriers.email, email, withinMs);
    } else {
      const carrier = carriers[channel];
      if (!carrier || user.phone === null) return false;
      const text = (channel === 'sms' ? toSmsText : toSpokenText)(...written);
      await carry(channel, carrier, { ...about, to: user.phone, text }, withinMs);
    }
    return true;
  }

  /** @throws when the carrier did not take the message in time, and may yet */
  async function send(code: Code, withinMs: number): Promise<CodeDeliveryOutcome> {
    const { tenantId, userId } = code;
    const [user, tenant] = await Promise.all([users.find(pool, tenantId, userId), tenants.find(pool, tenantId)]);
    if (!user || !tenant) return 'not_needed';
    try {
      const isTaken = await hand(code, user, tenant.name, withinMs);
      return await (isTaken ? record(code, 'sent') : record(code, 'failed', 'not_configured'));
    } catch (error) {
      if (error instanceof CarrierError && error.isFinal) return record(code, 'failed', 'refused');
      throw error;
    }
  }

  return {
    /** Repeatable: a carrier drops a second message with the same key. One quick try; `waiting` when it needs patience. */
    async tryToSendCode(input: CodeDeliveryInput): Promise<CodeDeliveryOutcome | 'waiting'> {
      const code = await read(input);
      if (typeof code === 'string') return code;
      if (!health.answeredWell(code.channel)) return 'waiting';
      try {
        return await send(code, QUICK_MS);
      } catch {
        return 'waiting';
      }
    },

    /** Repeatable: for the same reason. */
    async sendCode(input: CodeDeliveryInput): Promise<CodeDeliveryOutcome> {
      const code = await read(input);
      return typeof code === 'string' ? code : send(code, PATIENT_MS);
    },

    /** Repeatable: the second time it is written already. */
    async recordCodeFailure(input: CodeDeliveryInput): Promise<CodeDeliveryOutcome> {
      const code = await read(input);
      return typeof code === 'string' ? code : record(code, 'failed', 'not_taken');
    },
  };
}
export type CodeDeliveryActivities = ReturnType<typeof createCodeDeliveryActivities>;
