import { z } from 'zod';
import { EVENT_TYPES } from '../domain/event';
import { defineRoute } from './route';
import { id, instant, noReply, nothing, pageSize, shownText } from './shapes';

const eventTypes = z
  .array(z.enum(EVENT_TYPES))
  .min(1)
  .max(EVENT_TYPES.length)
  .nullable()
  .describe('only these; null: all of them, also those of later releases');

export const WebhookView = z.strictObject({
  id: z.uuid(),
  url: z.string(),
  description: z.string(),
  eventTypes,
  dialect: z.enum(['native', 'authy']).describe('authy: registered by the Authy API, and told as that tells events'),
  state: z.enum(['enabled', 'disabled']),
  disabledReason: z.string().nullable().describe('gone, failing or by_request'),
  failingSince: instant.nullable(),
  createdAt: instant,
});
export type WebhookView = z.output<typeof WebhookView>;

const secret = z.string().describe('whsec_…, shown this once; verifies what we send');
const params = z.strictObject({ webhookId: id });
/** A number, and of a size that PostgreSQL takes. */
const numberCursor = z.string().regex(/^\d{1,15}$/);
const url = z.string().max(2_048);

/** What is told of an event; also the body of a webhook, where `id` is its `webhook-id`. */
export const EventView = z.strictObject({
  id: z.string(),
  type: z.enum(EVENT_TYPES),
  timestamp: instant,
  data: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe('userId, deviceId, approvalId, onboardingId where they apply, and what the type of event tells'),
});
export type EventView = z.output<typeof EventView>;

export const createWebhook = defineRoute({
  method: 'post',
  path: '/v1/webhooks',
  summary: 'Register an endpoint that is told events',
  caller: 'tenant',
  scope: 'webhooks:write',
  params: nothing,
  query: nothing,
  body: z.strictObject({ url, description: shownText(0, 200).default(''), eventTypes: eventTypes.default(null) }),
  reply: WebhookView.extend({ secret }),
  status: 201,
  idempotent: true,
  refusals: ['callback_url_refused', 'too_many_webhooks'],
});

export const listWebhooks = defineRoute({
  method: 'get',
  path: '/v1/webhooks',
  summary: 'All endpoints, oldest first',
  caller: 'tenant',
  scope: 'webhooks:write',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: z.strictObject({ webhooks: z.array(WebhookView) }),
  status: 200,
  refusals: [],
});

export const getWebhook = defineRoute({
  method: 'get',
  path: '/v1/webhooks/:webhookId',
  summary: 'One endpoint',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: nothing,
  reply: WebhookView,
  status: 200,
  refusals: ['webhook_not_found'],
});

export const updateWebhook = defineRoute({
  method: 'put',
  path: '/v1/webhooks/:webhookId',
  summary: 'Change what is given; `state` disables it or enables it again',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: z.strictObject({
    url: url.optional(),
    description: shownText(0, 200).optional(),
    eventTypes: eventTypes.optional(),
    state: z.enum(['enabled', 'disabled']).optional(),
  }),
  reply: WebhookView,
  status: 200,
  refusals: ['webhook_not_found', 'callback_url_refused'],
});

export const rotateWebhookSecret = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:webhookId/rotate',
  summary: 'A new secret; the one before it signs as well for a while',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: z.strictObject({ overlapSeconds: z.int().min(0).max(604_800).default(86_400) }),
  reply: z.strictObject({ secret }),
  status: 200,
  // Repeated without a key, a rotation whose reply was lost would end the secret that the receiver still has.
  idempotent: true,
  refusals: ['webhook_not_found'],
});

export const removeWebhook = defineRoute({
  method: 'delete',
  path: '/v1/webhooks/:webhookId',
  summary: 'Remove an endpoint; what was due to it is not told any more',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: ['webhook_not_found'],
});

export const pingWebhook = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:webhookId/ping',
  summary: 'Send the event webhook_pinged to this endpoint only',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: ['webhook_not_found', 'webhook_disabled'],
});

export const listDeliveries = defineRoute({
  method: 'get',
  path: '/v1/webhooks/:webhookId/deliveries',
  summary: 'What was told, is due, or was given up (`dead`), with every attempt; newest event first',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: z.strictObject({
    limit: pageSize,
    cursor: numberCursor.optional().describe('`nextCursor` of the page before'),
  }),
  body: nothing,
  reply: z.strictObject({
    deliveries: z.array(
      z.strictObject({
        id: z.string(),
        eventId: z.string(),
        type: z.enum(EVENT_TYPES),
        state: z.enum(['due', 'delivered', 'dead']),
        attempts: z.array(
          z.strictObject({
            number: z.int(),
            at: instant,
            status: z.int().nullable(),
            error: z.string().nullable(),
            tookMs: z.int(),
          }),
        ),
        createdAt: instant,
        dueAt: instant.nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  status: 200,
  refusals: ['webhook_not_found'],
});

export const redeliver = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:webhookId/redeliver',
  summary: 'Tell one delivery again, or all events since a time',
  caller: 'tenant',
  scope: 'webhooks:write',
  params,
  query: nothing,
  body: z.union([
    z.strictObject({ deliveryId: z.string().regex(/^[\w-]{1,100}$/) }),
    z.strictObject({ since: instant }),
  ]),
  reply: z.strictObject({ deliveries: z.int().describe('how many are due now') }),
  status: 200,
  refusals: ['webhook_not_found', 'delivery_not_found', 'webhook_disabled'],
});

export const listEvents = defineRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'Everything that happened, oldest first; `cursor` goes on where the last page ended and never skips',
  caller: 'tenant',
  scope: 'events:read',
  params: nothing,
  query: z.strictObject({
    type: z.enum(EVENT_TYPES).optional(),
    userId: id.optional(),
    deviceId: id.optional(),
    approvalId: id.optional(),
    onboardingId: id.optional(),
    since: instant.optional(),
    until: instant.optional(),
    limit: pageSize,
    cursor: numberCursor.optional().describe('`cursor` of the page before'),
  }),
  body: nothing,
  reply: z.strictObject({
    events: z.array(EventView),
    cursor: z.string().describe('for the next page, also when this one was empty'),
  }),
  status: 200,
  refusals: [],
});
