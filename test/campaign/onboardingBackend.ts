import { randomUUID } from 'node:crypto';
import { ask, codeOf, untilAnswered } from './api';
import type { Caller, Question, Reply } from './api';
import type { OnboardingCall, ToldLog } from './told';

export interface Onboarding {
  id: string;
  status: string;
  approvalId: string | null;
  expiresAt: string;
}

/** With what the person needs next. */
export interface Step extends Onboarding {
  link: string | null;
  totp: { secret: string } | null;
}

export interface Text {
  id: string;
  text: string;
}

interface Request {
  method?: string;
  expiresInSeconds: number;
  remindAfterSeconds: number | null;
}

/** What a back end does with onboardings, and people with their links. Undefined: there was no good answer in time. */
export interface OnboardingBackend {
  start(userId: string, request: Request, untilMs: () => number): Promise<Step | undefined>;
  choose(onboardingId: string, method: string, untilMs: () => number): Promise<Step | undefined>;
  /** The code of the refusal, or nothing when it was taken. A wrong one is no refusal to be judged. */
  enter(onboardingId: string, code: string, right: boolean, untilMs: () => number): Promise<string | undefined>;
  cancel(onboardingId: string, untilMs: () => number): Promise<void>;
  /** Waits for its end by long polls, and gives up at the time given. */
  waitUntilClosed(onboardingId: string, untilMs: () => number): Promise<void>;
  removeUser(userId: string, untilMs: () => number): Promise<void>;
  /** What reached this number of late, newest first. */
  texts(onboardingId: string, number: string, untilMs: () => number): Promise<Text[]>;
  /** An ordinary registration token. */
  createToken(userId: string, untilMs: () => number): Promise<string | undefined>;
  /** A registration token for whoever has the link. */
  openLink(onboardingId: string, link: string, untilMs: () => number): Promise<string | undefined>;
}

interface Token {
  registrationToken: string;
}

const isClosed = ({ status }: Pick<Onboarding, 'status'>) => !status.startsWith('waiting_');

/** Repeats every request until it has an answer and writes down what it was told. */
export function createOnboardingBackend(apiUrl: string, call: Caller, log: ToldLog): OnboardingBackend {
  /** What was answered; undefined, and written down, when it was refused or there was no answer. */
  async function send<Body>(
    what: OnboardingCall,
    subject: string,
    attempt: () => Promise<Reply<Body>>,
    untilMs: () => number,
  ): Promise<Body | undefined> {
    const reply = await untilAnswered(attempt, untilMs);
    if (!reply) return void log.tell({ about: 'onboarding', what: 'unanswered', call: what, subject });
    const code = codeOf(reply);
    if (code) return void log.tell({ about: 'onboarding', what: 'refused', call: what, subject, code });
    return reply.body;
  }

  const post = (path: string, body?: object, key?: string): Question => ({
    method: 'POST',
    path,
    ...(body && { body: JSON.stringify(body) }),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  });

  return {
    async start(userId, request, untilMs) {
      const key = randomUUID();
      const question = post(`/v1/users/${userId}/onboardings`, request, key);
      const step = await send('start', key, () => call<Step>(question), untilMs);
      if (!step) return undefined;
      const { id: onboardingId, status, expiresAt } = step;
      const expiresAtMs = Date.parse(expiresAt);
      log.tell({ about: 'onboarding', what: 'started', key, onboardingId, userId, status, expiresAtMs });
      return step;
    },

    async choose(onboardingId, method, untilMs) {
      const question = post(`/v1/onboardings/${onboardingId}/method`, { method });
      const step = await send('method', onboardingId, () => call<Step>(question), untilMs);
      if (step) log.tell({ about: 'onboarding', what: 'chosen', onboardingId, method, status: step.status });
      return step;
    },

    async enter(onboardingId, code, right, untilMs) {
      const question = post(`/v1/onboardings/${onboardingId}/code`, { code });
      const reply = await untilAnswered(() => call<Onboarding>(question), untilMs);
      if (!reply) {
        log.tell({ about: 'onboarding', what: 'unanswered', call: 'code', subject: onboardingId });
        return 'unanswered';
      }
      const refusal = codeOf(reply);
      if (refusal) return refusal;
      log.tell({ about: 'onboarding', what: 'entered', onboardingId, right, status: reply.body.status });
      return undefined;
    },

    async cancel(onboardingId, untilMs) {
      const question = post(`/v1/onboardings/${onboardingId}/cancel`);
      const answered = await send('cancel', onboardingId, () => call<Onboarding>(question), untilMs);
      if (answered) log.tell({ about: 'onboarding', what: 'cancelled', onboardingId, status: answered.status });
    },

    async waitUntilClosed(onboardingId, untilMs) {
      const path = `/v1/onboardings/${onboardingId}?wait=5`;
      while (Date.now() < untilMs()) {
        const reply = await untilAnswered(() => call<Onboarding>({ method: 'GET', path }), untilMs);
        if (reply?.status !== 200) return;
        log.tell({ about: 'onboarding', what: 'seen', onboardingId, status: reply.body.status });
        if (isClosed(reply.body)) return;
      }
    },

    async removeUser(userId, untilMs) {
      await untilAnswered(() => call({ method: 'DELETE', path: `/v1/users/${userId}` }), untilMs);
    },

    async texts(onboardingId, number, untilMs) {
      const question = { method: 'GET', path: '/v1/simulator/messages' } as const;
      const reply = await untilAnswered(() => call<{ messages: (Text & { to: string | null })[] }>(question), untilMs);
      const texts = reply?.status === 200 ? reply.body.messages.filter(({ to }) => to === number) : [];
      for (const { id: messageId, text } of texts) {
        log.tell({ about: 'onboarding', what: 'texted', onboardingId, messageId, text });
      }
      return texts;
    },

    async createToken(userId, untilMs) {
      const question = post(`/v1/users/${userId}/registration-tokens`, undefined, randomUUID());
      const reply = await untilAnswered(() => call<Token>(question), untilMs);
      return reply?.status === 201 ? reply.body.registrationToken : undefined;
    },

    async openLink(onboardingId, link, untilMs) {
      const question = post('/v1/device/install-links', { secret: link.split('#')[1] });
      const opened = await send('link', onboardingId, () => ask<Token>(apiUrl, question), untilMs);
      return opened?.registrationToken;
    },
  };
}
