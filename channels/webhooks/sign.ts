import { Webhook } from 'standardwebhooks';

export interface WebhookToSign {
  /** The same for every attempt: receivers drop repeats by it. */
  id: string;
  timestampSeconds: number;
  /** Exactly what is sent; the signature covers these bytes. */
  body: string;
  /** `whsec_` and base64, as in Standard Webhooks. */
  secret: string;
}

export interface WebhookHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/** The Standard Webhooks headers of one attempt. Sign anew for each: receivers refuse timestamps older than 5 minutes. */
export function signWebhook({ id, timestampSeconds, body, secret }: WebhookToSign): WebhookHeaders {
  // The dot separates the signed parts: an id with one could pass for another id with another timestamp.
  if (id.includes('.')) throw new TypeError('A webhook id has no dot.');
  const seconds = Math.floor(timestampSeconds);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': new Webhook(secret).sign(id, new Date(seconds * 1000), body),
  };
}
