import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ToldEvent {
  event: string;
  objects: Record<string, Record<string, unknown>>;
}

/** What is known of an endpoint that was registered. */
export interface Endpoint {
  url: string;
  signingKey: string;
}

/**
 * The official sample's way to receive a delivery: the parameter `body`, of JSON or of a form, is a JWT with an HMAC of
 * SHA-256 by the key of the endpoint, and is about the URL of the endpoint. Undefined for what is anything else.
 */
export function verifyDelivery(
  { body, contentType }: { body: string; contentType: string },
  { url, signingKey }: Endpoint,
): ToldEvent[] | undefined {
  const jwt = contentType.includes('json')
    ? (JSON.parse(body) as { body: string }).body
    : (new URLSearchParams(body).get('body') ?? '');
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const expected = createHmac('sha256', signingKey).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  if ((read(header) as { alg: unknown }).alg !== 'HS256') return undefined;
  const claims = read(payload) as { url: string; exp?: number; params: { events: ToldEvent[] } };
  if (claims.url !== url || (claims.exp ?? Infinity) < Date.now() / 1_000) return undefined;
  return claims.params.events;
}

const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
