import { createHash, randomUUID } from 'node:crypto';
import { codeOf, untilAnswered } from './api';
import type { Caller, Question } from './api';
import type { ToldLog, WebhookCall } from './told';

/** An endpoint that was registered; `key` is the back end's own name for it. */
export interface Endpoint {
  key: string;
  id: string;
}

/** What a back end does with endpoints. Undefined or false: there was no good answer in time. */
export interface WebhookBackend {
  /** Several copies are sent at once, under the same idempotency key. */
  create(
    endpoint: { key: string; url: string; eventTypes: readonly string[] | null },
    untilMs: () => number,
    copies?: number,
  ): Promise<(Endpoint & { secret: string }) | undefined>;
  ping(endpoint: Endpoint, untilMs: () => number): Promise<boolean>;
  /** The new secret; `known` runs with it before it is written down that the endpoint's owner has it. */
  rotate(endpoint: Endpoint, untilMs: () => number, known: (secret: string) => void): Promise<boolean>;
  redeliver(endpoint: Endpoint, sinceMs: number, untilMs: () => number): Promise<boolean>;
  remove(endpoint: Endpoint, untilMs: () => number): Promise<void>;
}

const OVERLAP_SECONDS = 3_600;

/** Repeats every request until it has an answer and writes down what it was told. */
export function createWebhookBackend(call: Caller, log: ToldLog): WebhookBackend {
  const tell = log.aboutWebhook;

  /** What was answered; undefined, and written down, when it was refused or there was no answer. */
  async function send<Body>(endpoint: string, what: WebhookCall, question: Question, untilMs: () => number) {
    const reply = await untilAnswered(() => call<Body>(question), untilMs);
    if (!reply) return void tell(endpoint, { what: 'unanswered', call: what });
    const code = codeOf(reply);
    if (code) return void tell(endpoint, { what: 'refused', call: what, code });
    return reply.body;
  }

  const post = (path: string, body?: object, key?: string): Question => ({
    method: 'POST',
    path,
    ...(body && { body: JSON.stringify(body) }),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  });

  return {
    async create({ key, url, eventTypes }, untilMs, copies = 1) {
      const question = post('/v1/webhooks', { url, eventTypes, description: key }, key);
      const sendOne = async () => {
        const made = await send<{ id: string; secret: string }>(key, 'create', question, untilMs);
        if (made) tell(key, { what: 'created', endpointId: made.id, secret: digestOf(made.secret), eventTypes });
        return made && { key, id: made.id, secret: made.secret };
      };
      const made = await Promise.all(Array.from({ length: copies }, sendOne));
      return made.find((one) => one !== undefined);
    },

    async ping({ key, id }, untilMs) {
      const begunMs = Date.now();
      const answered = await send(key, 'ping', post(`/v1/webhooks/${id}/ping`), untilMs);
      if (answered) tell(key, { what: 'pinged', begunMs });
      return answered !== undefined;
    },

    async rotate({ key, id }, untilMs, known) {
      const question = post(`/v1/webhooks/${id}/rotate`, { overlapSeconds: OVERLAP_SECONDS }, randomUUID());
      const answered = await send<{ secret: string }>(key, 'rotate', question, untilMs);
      if (!answered) return false;
      known(answered.secret);
      tell(key, { what: 'rotated' });
      return true;
    },

    async redeliver({ key, id }, sinceMs, untilMs) {
      const begunMs = Date.now();
      const question = post(`/v1/webhooks/${id}/redeliver`, { since: new Date(sinceMs).toISOString() });
      const answered = await send(key, 'redeliver', question, untilMs);
      if (answered) tell(key, { what: 'redelivered', begunMs, sinceMs });
      return answered !== undefined;
    },

    async remove({ key, id }, untilMs) {
      const reply = await untilAnswered(() => call({ method: 'DELETE', path: `/v1/webhooks/${id}` }), untilMs);
      if (!reply) return void tell(key, { what: 'unanswered', call: 'remove' });
      // Not found: an earlier try removed it, and its answer was lost.
      const code = codeOf(reply);
      if (code !== undefined && code !== 'webhook_not_found') tell(key, { what: 'refused', call: 'remove', code });
      else tell(key, { what: 'removed' });
    },
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url');
