import { URI } from 'otpauth';
import type { TOTP } from 'otpauth';
import { toDigits } from '../../domain/code';
import { createKeyring } from '../../platform/keys/keyring';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import type { Device } from '../../sdk/device';
import type { TestProgram } from './program';

/** The onboarding of one user as a back end sees it, step by step; nothing here needs workflows. */
export function onboardingsOf(program: TestProgram, userId: string) {
  const { call } = program;
  return {
    start: (body: object = {}, headers: Record<string, string> = {}) =>
      call('POST', `/v1/users/${userId}/onboardings`, body, headers),
    choose: (id: string, method: string) => call('POST', `/v1/onboardings/${id}/method`, { method }),
    enter: (id: string, code: string) => call('POST', `/v1/onboardings/${id}/code`, { code }),
    cancel: (id: string) => call('POST', `/v1/onboardings/${id}/cancel`),
    view: (id: string, query = '') => call('GET', `/v1/onboardings/${id}${query}`),
    list: () => call('GET', `/v1/users/${userId}/onboardings`),
    methods: async (): Promise<string[]> =>
      ((await call('GET', `/v1/users/${userId}/methods`)).body.methods as { method: string }[]).map(
        ({ method }) => method,
      ),
  };
}

/** The types of an onboarding's events, in their order. */
export async function eventsOf({ call }: Pick<TestProgram, 'call'>, onboardingId: string): Promise<string[]> {
  const { body } = await call('GET', `/v1/events?onboardingId=${onboardingId}&limit=100`);
  return (body.events as { type: string }[]).map(({ type }) => type);
}

/** Events of which each onboarding has exactly one in the end. */
export const CLOSING = ['two_factor_enabled', 'onboarding_expired', 'onboarding_cancelled'];

/** Its deadline comes this soon, by the database's clock. */
export async function expireOnboardingIn({ pool }: Pick<TestProgram, 'pool'>, id: string, when: string): Promise<void> {
  await pool.query(`update onboardings set expires_at = clock_timestamp() + $2::interval where id = $1`, [id, when]);
  await pool.query(`update approvals set expires_at = clock_timestamp() + $2::interval where onboarding_id = $1`, [
    id,
    when,
  ]);
}

/** What an install link carries behind its #. */
export const secretOf = (link: string): string => link.split('#')[1]!;

/** A new phone that takes an install link. */
export async function registerByLink(link: string): Promise<Device> {
  const { baseUrl, registrationToken } = await openInstallLink(link);
  const device = createDevice({ baseUrl, key: await createWebCryptoKey() });
  await device.register(registrationToken, { name: 'Phone', platform: 'test' });
  return device;
}

/** The digits of a user's newest code for an onboarding, which nobody sends here. */
export async function digitsFor({ pool, config }: TestProgram, userId: string): Promise<string> {
  const { rows } = await pool.query<{ id: string; generation: number; length: number }>(
    `select id, generation, length from codes where user_id = $1 and purpose = 'onboarding'`,
    [userId],
  );
  const { id, generation, length } = rows[0]!;
  return toDigits(createKeyring(config.masterKeys).mac('code', id, String(generation)), length);
}

/** Digits of the same length that are not these. */
export const otherThan = (digits: string): string => digits.replace(/.$/, (last) => String((Number(last) + 1) % 10));

/** What an authenticator app shows for a URI. */
export const totpOf = (uri: string): string => (URI.parse(uri) as TOTP).generate();
