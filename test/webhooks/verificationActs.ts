import { expect } from '@jest/globals';
import type { EventType } from '../../domain/event';
import { authyCallerOf } from '../support/authy';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';
import type { Told } from './told';

type VerificationEvent = Extract<EventType, `phone_verification_${string}` | 'custom_message_refused'>;

/** The same for verifications of phones, which the Authy API has. */
export function createVerificationActs(
  program: Pick<TestProgram, 'url' | 'pool' | 'tenant'>,
  texts: ReadonlyMap<string, string[]>,
  brokenNumber: string,
): Record<VerificationEvent, () => Promise<Told>> {
  const authy = authyCallerOf(program, program.tenant.authyApiKey);
  let numbers = 0;

  const told = (verificationId: string, more: Told = {}): Told => ({
    verificationId,
    channel: 'sms',
    status: 'pending',
    codeLength: 4,
    countryCode: '43',
    lineType: 'cellphone',
    locale: 'de',
    phoneDigest: expect.stringMatching(/^[\da-f]{64}$/) as never,
    secondsToExpire: expect.any(Number) as never,
    ...more,
  });

  async function start(phone = `+43664200${String(1_000 + ++numbers)}`) {
    const about = { country_code: '43', phone_number: phone.slice(3) };
    const begin = () => authy('POST', '/protected/json/phones/verification/start', { form: { via: 'sms', ...about } });
    const { text } = await begin();
    const { uuid } = JSON.parse(text) as { uuid: string };
    const check = (code: string) =>
      authy('GET', '/protected/json/phones/verification/check', { query: { ...about, verification_code: code } });
    const readCode = () =>
      until(() => Promise.resolve(/\b\d{4}\b/.exec(texts.get(phone)?.at(-1) ?? '')?.[0]), {
        what: `a code for ${phone}`,
      });
    return { uuid, begin, check, readCode };
  }

  const guessWrong = async ({ check, readCode }: Awaited<ReturnType<typeof start>>, times: number) => {
    const wrong = (await readCode()) === '0000' ? '1111' : '0000';
    for (let n = 0; n < times; n++) await check(wrong);
  };

  return {
    phone_verification_started: async () => told((await start()).uuid),
    async phone_verification_resent() {
      const { uuid, begin, readCode } = await start();
      await readCode();
      await program.pool.query('delete from recent_acts'); // half a minute has passed
      await begin();
      return told(uuid);
    },
    async phone_verification_refused() {
      const { uuid, begin } = await start();
      await begin();
      return told(uuid);
    },
    phone_verification_sent: async () => told((await start()).uuid),
    phone_verification_failed: async () => told((await start(`${brokenNumber.slice(0, -1)}7`)).uuid),
    async phone_verification_accepted() {
      const { uuid, check, readCode } = await start();
      await check(await readCode());
      return told(uuid, { status: 'verified' });
    },
    async phone_verification_code_wrong() {
      const started = await start();
      await guessWrong(started, 1);
      return told(started.uuid);
    },
    async phone_verification_blocked() {
      const started = await start();
      await guessWrong(started, 5);
      return told(started.uuid);
    },
    async phone_verification_expired() {
      const { uuid } = await start();
      await program.pool.query('update phone_verifications set expires_at = clock_timestamp() where id = $1', [uuid]);
      await authy('GET', '/protected/json/phones/verification/status', { query: { uuid } });
      return told(uuid, { status: 'expired', reason: 'time' });
    },
    async phone_verification_not_found() {
      const { check, readCode } = await start();
      await check(await readCode());
      await check('0000');
      return {};
    },
    async custom_message_refused() {
      const form = { country_code: '43', phone_number: '6642000999', via: 'sms', custom_message: 'Hello' };
      await authy('POST', '/protected/json/phones/verification/start', { form });
      return {};
    },
  };
}
