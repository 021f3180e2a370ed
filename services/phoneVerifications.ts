import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { recordEvents } from '../db/events';
import type {
  PhoneVerification,
  PhoneVerificationRows,
  RecordedFeedback,
  VerificationKey,
} from '../db/phoneVerifications';
import { inTransaction } from '../db/transaction';
import type { Tx } from '../db/transaction';
import { MOST_ATTEMPTS, MOST_ATTEMPTS_AN_HOUR } from '../domain/code';
import type { CodeChannel, PhoneChannel } from '../domain/code';
import { DomainError } from '../domain/errors';
import type { EventType, NewEvent } from '../domain/event';
import { lineOf, requireUncharged } from '../domain/phoneLine';
import { isVerificationOverdue, secondsLeft, VERIFICATION_LIFETIME_MS } from '../domain/phoneVerification';
import type { Feedback, PhoneVerificationData } from '../domain/phoneVerification';
import type { Keyring } from '../platform/keys/keyring';
import { constantTimeEqual } from '../platform/keys/secret';
import { digestPhone } from './authyEvents';
import { createDigits } from './digits';
import type { PhoneVerificationWorkflows } from './phoneVerificationWorkflows';
import type { SendLimits } from './sendLimits';
import { isId } from './text';

export interface PhoneVerificationDeps {
  pool: Pool;
  phoneVerifications: PhoneVerificationRows;
  keyring: Pick<Keyring, 'mac' | 'macs'>;
  /** Those with a provider. */
  channels: ReadonlySet<CodeChannel>;
  sendLimits: Pick<SendLimits, 'count'>;
  workflows: Pick<PhoneVerificationWorkflows, 'start' | 'tell'>;
}

export interface WantedVerification {
  /** E.164 */
  phone: string;
  channel: PhoneChannel;
  /** One of LOCALES. */
  locale: string;
  /** Of a new code; one that is under way keeps its own. */
  length: number;
  /** Instead of digits of ours. */
  customCode?: string | undefined;
}

/** What a transaction decided. A refusal is not thrown there: what it counted, and its events, have to be committed. */
interface Settled<T> {
  events: NewEvent[];
  result: T | DomainError;
}

/** Whether somebody has a phone: a code is sent to it, and typed somewhere else. There need be no user. */
export function createPhoneVerifications(deps: PhoneVerificationDeps) {
  const { pool, phoneVerifications: rows, keyring, channels, sendLimits, workflows } = deps;
  const digits = createDigits('phone-verification', keyring);

  async function settle<T>(tenantId: string, work: (tx: Tx) => Promise<Settled<T>>): Promise<T> {
    const { result } = await inTransaction(pool, async (tx) => {
      const settled = await work(tx);
      if (settled.events.length > 0) await recordEvents(tx, tenantId, settled.events);
      return settled;
    });
    if (result instanceof DomainError) throw result;
    return result;
  }

  /** An event about a verification as it now stands. The number is told as a digest that only we can make. */
  function told(type: EventType, verification: PhoneVerification, more: NewEvent['data'] = {}): NewEvent {
    const { id, tenantId, phone, channel, status, length, locale } = verification;
    const line = lineOf(phone);
    const data: PhoneVerificationData = {
      verificationId: id,
      channel,
      status,
      codeLength: length,
      secondsToExpire: secondsLeft(verification),
      countryCode: line.countryCode,
      phoneDigest: digestPhone(keyring, tenantId, phone),
      lineType: line.type,
      locale,
    };
    return { type, data: { ...data, ...more } };
  }

  /** Ends one that is held and pending. */
  async function expire(tx: Tx, before: PhoneVerification, reason: 'time' | 'cancelled'): Promise<NewEvent> {
    return told('phone_verification_expired', await rows.close(tx, before, 'expired'), { reason });
  }

  /** The pending one about a phone, which is held from now on; one whose time is over is expired first. */
  async function hold(tx: Tx, tenantId: string, phone: string) {
    await rows.lockPhone(tx, tenantId, phone);
    const newest = await rows.lockNewest(tx, tenantId, phone);
    if (newest && isVerificationOverdue(newest)) return { events: [await expire(tx, newest, 'time')] };
    return { pending: newest?.status === 'pending' ? newest : undefined, events: [] };
  }

  /** How many more guesses are judged, at the pending one and of the phone in an hour; the refusal where that is none. */
  async function guessesLeft(tx: Tx, tenantId: string, phone: string, pending: PhoneVerification | undefined) {
    const { wrong: wrongInAnHour, fewerInSeconds } = await rows.countWrongOfPhone(tx, tenantId, phone);
    const left = Math.min(MOST_ATTEMPTS - (pending?.attempts ?? 0), MOST_ATTEMPTS_AN_HOUR - wrongInAnHour);
    if (left > 0) return left;
    // Another one can be started when this one is over, and guessed at when fewer guesses are younger than an hour.
    const isOver = pending && pending.attempts >= MOST_ATTEMPTS ? secondsLeft(pending) : 1;
    const isHourOver = wrongInAnHour < MOST_ATTEMPTS_AN_HOUR ? 1 : fewerInSeconds;
    return new DomainError('too_many_attempts', { retryAfterSeconds: Math.max(1, isOver, isHourOver) });
  }

  const codeOf = (verification: PhoneVerification): string =>
    verification.customCode ?? digits.of({ ...verification, generation: 1 });

  const isRight = (verification: PhoneVerification, typed: string): boolean =>
    verification.customCode === null
      ? digits.isRight({ ...verification, generation: 1 }, typed)
      : constantTimeEqual(verification.customCode, typed);

  /** @throws channel_not_configured, phone_is_landline, phone_invalid */
  function requireReach(phone: string, channel: PhoneChannel): void {
    const line = requireUncharged(phone, 'phone');
    if (!channels.has(channel)) throw new DomainError('channel_not_configured', { field: 'channel' });
    if (channel === 'sms' && !line.takesTexts) throw new DomainError('phone_is_landline', { field: 'phone' });
  }

  /** Brings one to what its time says, or cancels it; nothing happens to one that has ended. */
  const end = (key: VerificationKey, reason: 'time' | 'cancelled'): Promise<PhoneVerification | undefined> =>
    settle(key.tenantId, async (tx) => {
      const found = await rows.lock(tx, key);
      const isOver = found && (reason === 'cancelled' ? found.status === 'pending' : isVerificationOverdue(found));
      if (!isOver) return { events: [], result: found };
      const event = await expire(tx, found, isVerificationOverdue(found) ? 'time' : reason);
      return { events: [event], result: await rows.find(tx, key) };
    });

  /** Where too many codes were sent, that is told too, in a transaction of its own: nothing else is to remain. */
  async function noteRefusal(tenantId: string, phone: string, error: unknown): Promise<never> {
    if (error instanceof DomainError && error.code === 'too_many_requests') {
      const newest = await rows.findNewest(pool, tenantId, phone);
      const type = 'phone_verification_refused';
      await inTransaction(pool, (tx) => recordEvents(tx, tenantId, [newest ? told(type, newest) : { type }]));
    }
    throw error;
  }

  return {
    /** The code, for whoever sends it. */
    codeOf,

    /** An event about how a message fared, for whoever sent it. */
    told,

    /**
     * Sends a code to a phone: the same one as long as a verification is pending, unless the tenant chooses another.
     * @throws channel_not_configured, phone_is_landline, phone_invalid, too_many_requests, too_many_attempts
     */
    async start(tenantId: string, wanted: WantedVerification): Promise<PhoneVerification> {
      const { phone, channel, locale, customCode = null } = wanted;
      requireReach(phone, channel);
      const length = customCode?.length ?? wanted.length;
      const started = await settle<PhoneVerification>(tenantId, async (tx) => {
        const { pending, events } = await hold(tx, tenantId, phone);
        // A code that nobody could enter is not sent.
        const left = await guessesLeft(tx, tenantId, phone, pending);
        if (left instanceof DomainError) return { events, result: left };
        await sendLimits.count(tx, tenantId, { phone }, { hasPause: true });
        const verification = pending
          ? await rows.sendAgain(tx, {
              ...pending,
              channel,
              locale,
              ...(customCode !== null && { customCode, length }),
            })
          : await rows.insert(
              tx,
              { id: randomUUID(), tenantId, phone, channel, locale, length, customCode },
              VERIFICATION_LIFETIME_MS,
            );
        const type = pending ? 'phone_verification_resent' : 'phone_verification_started';
        return { events: [...events, told(type, verification)], result: verification };
      }).catch((error: unknown) => noteRefusal(tenantId, phone, error));
      if (started.round === 1) workflows.start(started);
      else workflows.tell(started, 'resend');
      return started;
    },

    /** For a tenant that chose a code or a message of its own, and may not. @throws custom_message_refused */
    refuseCustom: (tenantId: string): Promise<never> =>
      settle<never>(tenantId, () =>
        Promise.resolve({
          events: [{ type: 'custom_message_refused' }],
          result: new DomainError('custom_message_refused'),
        }),
      ),

    /**
     * Judges what a person typed. Five wrong codes end the guessing at one verification, and ten that at all of a phone
     * that began within an hour.
     * @throws verification_not_found, code_wrong, too_many_attempts
     */
    async check(tenantId: string, phone: string, typed: string): Promise<void> {
      const verified = await settle<PhoneVerification>(tenantId, async (tx) => {
        const { pending, events } = await hold(tx, tenantId, phone);
        if (!pending) {
          const notFound: NewEvent = { type: 'phone_verification_not_found' };
          return { events: [...events, notFound], result: new DomainError('verification_not_found') };
        }
        const left = await guessesLeft(tx, tenantId, phone, pending);
        if (left instanceof DomainError) return { events: [], result: left };
        if (isRight(pending, typed)) {
          const result = await rows.close(tx, pending, 'verified');
          return { events: [told('phone_verification_accepted', result)], result };
        }
        await rows.countWrong(tx, pending);
        const wrong = [told('phone_verification_code_wrong', pending)];
        if (left === 1) wrong.push(told('phone_verification_blocked', pending));
        return { events: wrong, result: new DomainError('code_wrong', { attemptsLeft: left - 1 }) };
      });
      workflows.tell(verified, 'code_checked');
    },

    /** One by its id, or the newest about a phone. @throws verification_not_found */
    async read(tenantId: string, about: { id: string } | { phone: string }): Promise<PhoneVerification> {
      const found =
        'phone' in about
          ? await rows.findNewest(pool, tenantId, about.phone)
          : isId(about.id)
            ? await rows.find(pool, { tenantId, id: about.id })
            : undefined;
      const current = found && isVerificationOverdue(found) ? await end(found, 'time') : found;
      if (!current) throw new DomainError('verification_not_found');
      return current;
    },

    /** Past its deadline it is expired; otherwise nothing happens. Repeatable. */
    recordTime: (key: VerificationKey) => end(key, 'time'),

    /** An operator ends it. Repeatable. */
    recordCancellation: (key: VerificationKey) => end(key, 'cancelled'),

    /** What the person said of the message with a code that the tenant chose. @throws message_not_found */
    async recordFeedback(key: VerificationKey, outcome: Feedback): Promise<RecordedFeedback> {
      const recorded = isId(key.id) ? await rows.recordFeedback(pool, key, outcome) : undefined;
      if (!recorded) throw new DomainError('message_not_found');
      return recorded;
    },
  };
}
export type PhoneVerifications = ReturnType<typeof createPhoneVerifications>;
