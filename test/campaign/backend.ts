import { randomUUID } from 'node:crypto';
import { asTenant, codeOf, untilAnswered } from './api';
import type { Reply } from './api';
import { createOnboardingBackend } from './onboardingBackend';
import type { OnboardingBackend } from './onboardingBackend';
import { Phone } from './phone';
import type { Status, ToldLog } from './told';
import { createWebhookBackend } from './webhookBackend';
import type { WebhookBackend } from './webhookBackend';

export interface Approval {
  id: string;
  status: Status;
  expiresAt: string;
}

export type ApprovalRequest = ({ userId: string } | { approvers: readonly string[]; required: number }) & {
  mode: 'login' | 'transaction';
  expiresInSeconds: number;
  callbackUrl?: string;
};

export interface Backend {
  readonly webhooks: WebhookBackend;
  readonly onboardings: OnboardingBackend;
  createUser(phone?: string): Promise<string>;
  /** A phone that is not registered. */
  newPhone(): Phone;
  /** A phone of this user, registered and with a push target. */
  addPhone(userId: string): Promise<Phone>;
  /** Asks for an approval; several copies are sent at once, under the same idempotency key. */
  create(request: ApprovalRequest, untilMs: () => number, copies?: number): Promise<Approval | undefined>;
  cancel(approvalId: string, untilMs: () => number): Promise<void>;
  /** Waits for the final status by long polls, and gives up at the time given. */
  waitUntilFinal(approvalId: string, untilMs: () => number): Promise<void>;
}

/** A tenant's back end, that repeats every request until it has an answer and writes down what it was told. */
export function createBackend(apiUrl: string, apiKey: string, log: ToldLog): Backend {
  const call = asTenant(apiUrl, apiKey);

  async function must<Body>(what: string, attempt: () => Promise<Reply<Body>>): Promise<Body> {
    const untilMs = Date.now() + 60_000;
    const reply = await untilAnswered(attempt, () => untilMs);
    if (!reply || reply.status >= 300) throw new Error(`${what}: ${reply ? codeOf(reply) : 'no answer'}`);
    return reply.body;
  }

  return {
    webhooks: createWebhookBackend(call, log),
    onboardings: createOnboardingBackend(apiUrl, call, log),

    async createUser(phone) {
      const externalId = `campaign-${randomUUID()}`;
      const question = { method: 'POST' as const, path: '/v1/users', body: JSON.stringify({ externalId, phone }) };
      return (await must('create a user', () => call<{ id: string }>(question))).id;
    },

    newPhone: () => new Phone(apiUrl),

    async addPhone(userId) {
      const key = { 'idempotency-key': randomUUID() };
      const path = `/v1/users/${userId}/registration-tokens`;
      const { registrationToken } = await must('create a registration token', () =>
        call<{ registrationToken: string }>({ method: 'POST', path, headers: key }),
      );
      const phone = new Phone(apiUrl);
      await must('register a device', () => phone.register(registrationToken));
      await must('set the push target', () => phone.setPushTarget());
      return phone;
    },

    async create(request, untilMs, copies = 1) {
      const key = randomUUID();
      const body = JSON.stringify({ ...request, title: 'Campaign', details: [{ label: 'Key', value: key }] });
      const headers = { 'idempotency-key': key };
      const send = async (): Promise<Approval | undefined> => {
        const attempt = () => call<Approval>({ method: 'POST', path: '/v1/approvals', headers, body });
        const reply = await untilAnswered(attempt, untilMs);
        if (!reply) return void log.tell({ what: 'unanswered', call: 'create', subject: key });
        const code = codeOf(reply);
        if (code) return void log.tell({ what: 'refused', call: 'create', subject: key, code });
        const { id: approvalId, status, expiresAt } = reply.body;
        const callback = request.callbackUrl !== undefined;
        log.tell({ what: 'created', key, approvalId, status, expiresAtMs: Date.parse(expiresAt), callback });
        return reply.body;
      };
      const replies = await Promise.all(Array.from({ length: copies }, send));
      return replies.find((reply) => reply !== undefined);
    },

    async cancel(approvalId, untilMs) {
      const path = `/v1/approvals/${approvalId}/cancel`;
      const reply = await untilAnswered(() => call<Approval>({ method: 'POST', path }), untilMs);
      if (!reply) return log.tell({ what: 'unanswered', call: 'cancel', subject: approvalId });
      const code = codeOf(reply);
      if (code) log.tell({ what: 'refused', call: 'cancel', subject: approvalId, code });
      else log.tell({ what: 'cancelled', approvalId, status: reply.body.status });
    },

    async waitUntilFinal(approvalId, untilMs) {
      const path = `/v1/approvals/${approvalId}?wait=5`;
      while (Date.now() < untilMs()) {
        const reply = await untilAnswered(() => call<Approval>({ method: 'GET', path }), untilMs);
        if (reply?.status !== 200) return;
        log.tell({ what: 'seen', approvalId, status: reply.body.status });
        if (reply.body.status !== 'pending') return;
      }
    },
  };
}
