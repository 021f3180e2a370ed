import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { CallbackBody } from '../contracts/approvals';
import type { EventView } from '../contracts/webhooks';

/** A callback or webhook that is not to be believed. Answer it with 400 or 401 and look at nothing in it. */
export class CallbackRefused extends Error {
  constructor(readonly code: 'headers_missing' | 'timestamp_refused' | 'signature_invalid' | 'body_invalid') {
    super(`what was received is refused: ${code}`);
    this.name = 'CallbackRefused';
  }
}

interface Received {
  /** As Node or express give them. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes or the text as received, before any JSON parser: that is what is signed. */
  body: string | Uint8Array;
  /** How far the sender's clock may be from ours. Default 300. */
  toleranceSeconds?: number;
  nowMs?: number;
}

export interface ReceivedCallback extends Received {
  /** The tenant's signing key, `whsec_…`. */
  signingKey: string;
}

export interface ReceivedWebhook extends Received {
  /** That of the endpoint, `whsec_…`, shown when it was created or rotated. */
  secret: string;
}

/**
 * The content of a callback that is signed by Countersign (Standard Webhooks), else CallbackRefused. The same `id` may
 * arrive more than once: callbacks are sent until they are answered with 2xx.
 */
export function verifyCallback({ signingKey, ...received }: ReceivedCallback): CallbackBody {
  return verifySigned<CallbackBody>(received, signingKey);
}

/**
 * The event that a webhook tells, when it is signed by Countersign, else CallbackRefused. The same `id` may arrive more
 * than once, and events may arrive out of their order: the number at the end of the `id` says it.
 */
export function verifyWebhook({ secret, ...received }: ReceivedWebhook): EventView {
  return verifySigned<EventView>(received, secret);
}

function verifySigned<Content extends { id: string }>(received: Received, secret: string): Content {
  const { toleranceSeconds = 300, nowMs = Date.now() } = received;
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(received.headers, name),
  );
  if (!id || !timestamp || !signatures) throw new CallbackRefused('headers_missing');
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(nowMs / 1_000 - seconds) <= toleranceSeconds)) throw new CallbackRefused('timestamp_refused');

  const body = textOf(received.body);
  // The library's own `verify` has a fixed tolerance, so only its signature is used.
  const expected = Buffer.from(new Webhook(secret).sign(id, new Date(seconds * 1_000), body));
  // Several while a key is being changed.
  const matches = signatures.split(' ').map((signature) => sameBytes(Buffer.from(signature), expected));
  if (!matches.includes(true)) throw new CallbackRefused('signature_invalid');

  const content = parse(body) as Content | null;
  if (content?.id !== id) throw new CallbackRefused('body_invalid');
  return content;
}

function headerOf(headers: Received['headers'], name: string): string | undefined {
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : value?.[0];
}

function textOf(body: string | Uint8Array): string {
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new CallbackRefused('body_invalid');
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new CallbackRefused('body_invalid');
  }
}
