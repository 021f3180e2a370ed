import { randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { MOST_ATTEMPTS } from '../../domain/code';
import type { EventType } from '../../domain/event';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../sdk/device';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';
import { createAuthyActs } from './authyActs';
import type { Told } from './told';
import { createVerificationActs } from './verificationActs';

/** Phones behind these are never reached. */
export const BROKEN_NUMBER = '+436649999999';
export const BROKEN_TOKEN = 'broken';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1/callback';

export interface World {
  program: Pick<TestProgram, 'url' | 'call' | 'pool' | 'tenant'>;
  /** Text messages by number, the newest last. */
  texts: ReadonlyMap<string, string[]>;
  /** The endpoint that is told everything. */
  endpointId: string;
  /** Answers 410. */
  goneUrl: string;
}

/** For each type of event, the act that causes one: by a back end, a person, or a carrier that fails. */
export function createActs({ program, texts, endpointId, goneUrl }: World): Record<EventType, () => Promise<Told>> {
  let numbers = 0;

  async function post(path: string, body?: object) {
    const reply = await program.call('POST', path, body);
    if (reply.status >= 300) throw new Error(`POST ${path}: ${reply.text}`);
    return reply.body;
  }

  const remove = (path: string) => program.call('DELETE', path);

  /** Somebody without a device. */
  async function addCallee(phone = `+43664100${String(1_000 + ++numbers)}`) {
    const { id } = await post('/v1/users', { externalId: randomUUID(), phone });
    return { id: id as string, phone };
  }

  /** An approval for somebody with a device. */
  async function ask(more: object = {}) {
    const user = await addUser(program);
    const { id } = await post('/v1/approvals', { userId: user.id, mode: 'transaction', title: 'Pay?', ...more });
    return { user, approvalId: id as string };
  }

  /** An approval by three people, of whom two have to agree. */
  async function askThree() {
    const people = [await addUser(program), await addUser(program), await addUser(program)] as const;
    const approvers = people.map(({ id }) => id);
    const { id } = await post('/v1/approvals', { approvers, required: 2, title: 'Pay?' });
    return { first: people[0], approvalId: id as string };
  }

  const answer = async ({ phone }: TestUser, approvalId: string, decision: 'approved' | 'denied', reason?: 'not_me') =>
    phone.answer(await phone.show(approvalId), decision, reason);

  async function onboard(userId: string, more: object = {}) {
    const step = await post(`/v1/users/${userId}/onboardings`, more);
    return { ids: { userId, onboardingId: step.id as string }, step };
  }

  /** Somebody becomes a device of theirs by an install link. */
  async function registerByLink() {
    const { id: userId } = await addCallee();
    const { ids, step } = await onboard(userId, { method: 'push' });
    const { baseUrl, registrationToken } = await openInstallLink(step.link as string);
    const phone = createDevice({ baseUrl, key: await createWebCryptoKey() });
    const { deviceId } = await phone.register(registrationToken, { name: 'Phone', platform: 'test' });
    return { ids, deviceId, phone };
  }

  /** The newest code that this number received. */
  const codeFor = (phone: string) =>
    until(() => Promise.resolve(/\b\d{6}\b/.exec(texts.get(phone)?.at(-1) ?? '')?.[0]), {
      what: `a code for ${phone}`,
    });

  async function sendCode(phone?: string) {
    const user = await addCallee(phone);
    await post(`/v1/users/${user.id}/codes`, { channel: 'sms' });
    return user;
  }

  async function guessWrong(times: number) {
    const { id: userId, phone } = await sendCode();
    const wrong = (await codeFor(phone)) === '000000' ? '111111' : '000000';
    for (let guess = 0; guess < times; guess++) {
      await program.call('POST', `/v1/users/${userId}/codes/check`, { code: wrong });
    }
    return { userId, channel: 'sms', purpose: 'login' };
  }

  async function enableBySms() {
    const user = await addCallee();
    const { ids } = await onboard(user.id, { method: 'sms' });
    await post(`/v1/onboardings/${ids.onboardingId}/code`, { code: await codeFor(user.phone) });
    return ids;
  }

  async function addAuthenticator() {
    const { id: userId } = await addCallee();
    const { secret } = await post(`/v1/users/${userId}/totp`);
    return { userId, code: new TOTP({ secret: Secret.fromBase32(secret as string) }).generate() };
  }

  return {
    user_created: async () => ({ userId: (await addCallee()).id }),
    async user_removed() {
      const { id: userId } = await addCallee();
      await remove(`/v1/users/${userId}`);
      return { userId };
    },
    async registration_token_created() {
      const { id: userId } = await addCallee();
      await post(`/v1/users/${userId}/registration-tokens`);
      return { userId };
    },
    async device_registered() {
      const user = await addUser(program);
      return { userId: user.id, deviceId: user.devices[0]!.id };
    },
    async device_removed() {
      const user = await addUser(program);
      await user.phone.unregister();
      return { userId: user.id, deviceId: user.devices[0]!.id };
    },
    async approval_created() {
      const { user, approvalId } = await ask();
      return { userId: user.id, approvalId, mode: 'transaction' };
    },
    async approval_answered() {
      const { first, approvalId } = await askThree();
      await answer(first, approvalId, 'approved');
      return { userId: first.id, deviceId: first.devices[0]!.id, approvalId, decision: 'approved' };
    },
    async approver_withdrawn() {
      const { first, approvalId } = await askThree();
      await remove(`/v1/users/${first.id}`);
      return { userId: first.id, approvalId };
    },
    async approval_approved() {
      const { user, approvalId } = await ask();
      await answer(user, approvalId, 'approved');
      return { approvalId, reason: null };
    },
    async approval_denied() {
      const { user, approvalId } = await ask();
      await answer(user, approvalId, 'denied', 'not_me');
      return { approvalId, reason: 'not_me' };
    },
    approval_expired: async () => ({ approvalId: (await ask({ expiresInSeconds: 10 })).approvalId, reason: null }),
    async approval_cancelled() {
      const { approvalId } = await ask();
      await post(`/v1/approvals/${approvalId}/cancel`);
      return { approvalId, reason: null };
    },
    async approval_resent() {
      const { approvalId } = await ask();
      await post(`/v1/approvals/${approvalId}/resend`);
      return { approvalId };
    },
    async login_reported() {
      const { user, approvalId } = await ask();
      await answer(user, approvalId, 'denied', 'not_me');
      return { userId: user.id, deviceId: user.devices[0]!.id, approvalId };
    },
    onboarding_started: async () => (await onboard((await addCallee()).id)).ids,
    async method_chosen() {
      const { ids } = await onboard((await addCallee()).id);
      await post(`/v1/onboardings/${ids.onboardingId}/method`, { method: 'sms' });
      return { ...ids, method: 'sms' };
    },
    install_link_sent: async () => (await onboard((await addCallee()).id, { method: 'push' })).ids,
    install_link_failed: async () => (await onboard((await addCallee(BROKEN_NUMBER)).id, { method: 'push' })).ids,
    async onboarding_reminded() {
      const { ids } = await onboard((await addCallee()).id, { remindAfterSeconds: 1 });
      return { ...ids, status: 'waiting_for_method' };
    },
    async device_registration_complete() {
      const { ids, deviceId } = await registerByLink();
      return { ...ids, deviceId };
    },
    async two_factor_enabled() {
      const { ids, phone } = await registerByLink();
      const { approvals } = await phone.inbox({ wait: 10 });
      await phone.answer(approvals[0]!, 'approved');
      return { ...ids, method: 'push' };
    },
    onboarding_expired: async () => (await onboard((await addCallee()).id, { expiresInSeconds: 10 })).ids,
    async onboarding_cancelled() {
      const { ids } = await onboard((await addCallee()).id);
      await post(`/v1/onboardings/${ids.onboardingId}/cancel`);
      return { ...ids, reason: 'requested' };
    },
    code_sent: async () => ({ userId: (await sendCode()).id, channel: 'sms', purpose: 'login' }),
    async code_failed() {
      const { id: userId } = await sendCode(`${BROKEN_NUMBER.slice(0, -1)}8`);
      return { userId, channel: 'sms', purpose: 'login', reason: 'not_taken' };
    },
    async code_accepted() {
      const { id: userId, phone } = await sendCode();
      await post(`/v1/users/${userId}/codes/check`, { code: await codeFor(phone) });
      return { userId, channel: 'sms', purpose: 'login' };
    },
    code_wrong: () => guessWrong(1),
    code_blocked: () => guessWrong(MOST_ATTEMPTS),
    totp_created: async () => ({ userId: (await addAuthenticator()).userId }),
    async totp_confirmed() {
      const { userId, code } = await addAuthenticator();
      await post(`/v1/users/${userId}/totp/check`, { code });
      return { userId };
    },
    async method_enabled() {
      const { userId, code } = await addAuthenticator();
      await post(`/v1/users/${userId}/totp/check`, { code });
      return { userId, method: 'totp' };
    },
    async method_removed() {
      const { userId } = await enableBySms();
      await remove(`/v1/users/${userId}/methods/sms`);
      return { userId, method: 'sms' };
    },
    ...createAuthyActs(program),
    ...createVerificationActs(program, texts, BROKEN_NUMBER),
    async push_failed() {
      const user = await addUser(program, { push: false });
      await user.phone.setPushTarget({ kind: 'simulated', token: BROKEN_TOKEN });
      return { approvalId: (await post('/v1/approvals', { userId: user.id, title: 'Log in?' })).id };
    },
    async callback_failed() {
      const { user, approvalId } = await ask({ callbackUrl: NOWHERE });
      await answer(user, approvalId, 'approved');
      return { approvalId };
    },
    async webhook_pinged() {
      await post(`/v1/webhooks/${endpointId}/ping`);
      return { endpointId };
    },
    async webhook_disabled() {
      const { id } = await post('/v1/webhooks', { url: goneUrl, eventTypes: ['user_created'] });
      await post(`/v1/webhooks/${id}/ping`);
      return { endpointId: id, reason: 'gone' };
    },
  };
}
