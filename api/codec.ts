import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { Router } from 'express';
import { DomainError } from '../domain/errors';
import { parseBody } from './body';

interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
}

/**
 * The codec endpoint of the Temporal UI, decoding only, for pages of one origin (development on loopback). Payloads come
 * and go in the JSON form of the protocol buffers: bytes as base64.
 */
export function codecRoutes(codec: PayloadCodec, uiOrigin: string): Router {
  const router = Router();
  router.use('/codec', (req, res, next) => {
    if (req.get('origin') !== uiOrigin) return next(new DomainError('origin_not_allowed'));
    res.setHeader('access-control-allow-origin', uiOrigin);
    res.setHeader('access-control-allow-credentials', 'true');
    res.setHeader('access-control-allow-headers', 'content-type,x-namespace,authorization');
    res.setHeader('access-control-allow-methods', 'POST');
    res.setHeader('vary', 'origin');
    if (req.method === 'OPTIONS') return void res.status(204).end();
    next();
  });
  router.post('/codec/decode', async (req, res) => {
    const { payloads = [] } = parseBody(req) as { payloads?: JsonPayload[] };
    if (!Array.isArray(payloads)) throw new DomainError('invalid_request', { field: 'payloads' });
    const decoded = await Promise.all(payloads.map((payload) => decode(codec, payload)));
    res.json({ payloads: decoded });
  });
  return router;
}

/** One that cannot be opened is shown as such instead of hiding the others. */
async function decode(codec: PayloadCodec, { metadata = {}, data = '' }: JsonPayload): Promise<JsonPayload> {
  const sealed: Payload = {
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    data: Buffer.from(data, 'base64'),
  };
  const [open] = await codec
    .decode([sealed])
    .catch(() => [defaultPayloadConverter.toPayload('this installation has no key for this payload')]);
  return {
    metadata: Object.fromEntries(
      Object.entries(open?.metadata ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(open?.data ?? []).toString('base64'),
  };
}
