import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { Stops } from '../support/proxies/stops';
import type { Stop, When } from '../support/proxies/stops';
import { pause } from './api';
import type { ToldLog, ToldOfWebhook } from './told';

/** A webhook on its way; `name` is the endpoint's. */
export interface Delivery {
  name: string;
}
export type Arrival = Extract<ToldOfWebhook, { what: 'arrived' }>;

export interface WebhookReceiver {
  pathOf(endpoint: string): string;
  /** From now on the endpoint knows this secret too. What came before it knew any is looked at now. */
  trust(endpoint: string, secret: string): void;
  /** Everything that arrived at an endpoint and is signed. */
  arrivals(endpoint: string): readonly Arrival[];
  /** Holds the first one that matches: before it has arrived, or after it has and is not answered yet. */
  stopAt(matches: (delivery: Delivery) => boolean, when: When): Stop<Delivery>;
  /** How many were not signed with a secret of theirs; each of them is a fault of the product. */
  forged(): number;
  /** Takes one, or answers that it does not. Fails when the connection shall break. */
  receive(message: Message): Promise<{ status: number; headers?: OutgoingHttpHeaders }>;
}

interface Message {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The endpoint of this name is not always well. */
export const SICK = 'sick';

const PATH = '/webhooks/';
const SLOW_MS = 400;
/** What a sick endpoint does with an event at first, by one byte of a digest; the second time it takes it. */
const SICKNESS: readonly { below: number; status: number; headers?: OutgoingHttpHeaders }[] = [
  { below: 16, status: 500 },
  { below: 26, status: 429, headers: { 'retry-after': '1' } },
];
const SLOW_BELOW = 36;

/**
 * A tenant's webhook endpoints: verifies the signatures (Standard Webhooks) and writes down every event. With the same
 * salt the sick one is sick at the same events.
 */
export function createWebhookReceiver(log: ToldLog, salt: string): WebhookReceiver {
  const secrets = new Map<string, Webhook[]>();
  const early = new Map<string, Message[]>();
  const arrivals = new Map<string, Arrival[]>();
  const refusedOnce = new Set<string>();
  const stops = new Stops<Delivery>();
  let forged = 0;

  /** False when nobody who knows a secret can have sent it. */
  function take(endpoint: string, { headers, body }: Message): boolean {
    const known = secrets.get(endpoint)!;
    const signedWith = known.flatMap((secret, index) => (isSigned(secret, body, headers) ? index : []));
    const event = readEvent(body);
    if (signedWith.length === 0 || event?.id !== headers['webhook-id']) {
      forged += 1;
      return false;
    }
    const { id: eventId, type, timestamp, data } = event!;
    const digest = createHash('sha256').update(body).digest('base64url');
    const eventAtMs = Date.parse(timestamp);
    const fact = { what: 'arrived', eventId, type, eventAtMs, data, digest, secrets: signedWith } as const;
    const its = arrivals.get(endpoint) ?? [];
    arrivals.set(endpoint, [...its, log.aboutWebhook(endpoint, fact)]);
    return true;
  }

  /** A refusal, once for each event; or a delay; or nothing. */
  async function sickness(headers: IncomingHttpHeaders) {
    const number = String(headers['webhook-id']).split('_').at(-1)!;
    const byte = createHash('sha256').update(`${salt} ${number}`).digest()[0]!;
    const refusal = SICKNESS.find(({ below }) => byte < below);
    if (refusal && !refusedOnce.has(number)) {
      refusedOnce.add(number);
      return refusal;
    }
    if (!refusal && byte < SLOW_BELOW) await pause(SLOW_MS);
    return undefined;
  }

  return {
    pathOf: (endpoint) => PATH + endpoint,
    arrivals: (endpoint) => arrivals.get(endpoint) ?? [],
    stopAt: (matches, when) => stops.stopAt(matches, when),
    forged: () => forged,

    trust(endpoint, secret) {
      secrets.set(endpoint, [...(secrets.get(endpoint) ?? []), new Webhook(secret)]);
      for (const message of early.get(endpoint) ?? []) take(endpoint, message);
      early.delete(endpoint);
    },

    async receive(message) {
      const endpoint = message.path.slice(PATH.length);
      const held = stops.meet({ name: endpoint });
      if (held?.when === 'before' && (await held.stand()) === 'drop') throw new Error('cut');
      const refusal = endpoint === SICK ? await sickness(message.headers) : undefined;
      if (refusal) return refusal;
      // The reply with the secret may have been lost; it comes with the next one.
      if (!secrets.has(endpoint)) early.set(endpoint, [...(early.get(endpoint) ?? []), message]);
      else if (!take(endpoint, message)) return { status: 400 };
      if (held?.when === 'after' && (await held.stand()) === 'drop') throw new Error('cut');
      return { status: 204 };
    },
  };
}

function isSigned(secret: Webhook, body: string, headers: IncomingHttpHeaders): boolean {
  try {
    secret.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

interface EventBody {
  id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

function readEvent(body: string): EventBody | undefined {
  try {
    return JSON.parse(body) as EventBody;
  } catch {
    return undefined;
  }
}
