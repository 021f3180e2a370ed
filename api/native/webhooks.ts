import type { Router } from 'express';
import * as contract from '../../contracts/webhooks';
import type { Events } from '../../services/events';
import { eventIdOf, toEventView, toWebhookView } from '../../services/views';
import type { Webhooks } from '../../services/webhooks';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

/** How back ends learn what happened: endpoints that are told, and the list of events. */
export function webhookRoutes(
  router: Router,
  { webhooks, events, ...deps }: MountDeps & { webhooks: Webhooks; events: Events },
): void {
  const { json } = mounting(router, deps);

  json(contract.createWebhook, async ({ tenant, body, keep }) => {
    const toReply = ({ endpoint, secret }: Awaited<ReturnType<Webhooks['create']>>) => ({
      ...toWebhookView(endpoint),
      secret,
    });
    return toReply(await webhooks.create(tenant.id, body, (tx, made) => keep(tx, toReply(made))));
  });

  json(contract.listWebhooks, async ({ tenant }) => ({
    webhooks: (await webhooks.list(tenant.id)).map(toWebhookView),
  }));

  json(contract.getWebhook, async ({ tenant, params: { webhookId } }) =>
    toWebhookView(await webhooks.find(tenant.id, webhookId)),
  );

  json(contract.updateWebhook, async ({ tenant, params: { webhookId }, body }) => {
    const { url, description, eventTypes, state } = body;
    return toWebhookView(
      await webhooks.update(tenant.id, webhookId, {
        ...(url !== undefined && { url }),
        ...(description !== undefined && { description }),
        ...(eventTypes !== undefined && { eventTypes }),
        ...(state !== undefined && { state }),
      }),
    );
  });

  json(contract.rotateWebhookSecret, async ({ tenant, params: { webhookId }, body, keep }) => ({
    secret: await webhooks.rotate(tenant.id, webhookId, body.overlapSeconds * 1_000, (tx, secret) =>
      keep(tx, { secret }),
    ),
  }));

  json(contract.removeWebhook, async ({ tenant, params: { webhookId } }) => webhooks.remove(tenant.id, webhookId));

  json(contract.pingWebhook, async ({ tenant, params: { webhookId } }) => webhooks.ping(tenant.id, webhookId));

  json(contract.listDeliveries, async ({ tenant, params: { webhookId }, query: { limit, cursor } }) => {
    const before = cursor === undefined ? undefined : Number(cursor);
    const found = await webhooks.listDeliveries(tenant.id, webhookId, { before, limit: limit + 1 });
    const page = found.slice(0, limit);
    return {
      deliveries: page.map(({ eventNumber, createdAt, dueAt, attempts, ...delivery }) => ({
        ...delivery,
        eventId: eventIdOf({ tenantId: tenant.id, number: eventNumber }),
        attempts: attempts.map((attempt) => ({ ...attempt, at: attempt.at.toISOString() })),
        createdAt: createdAt.toISOString(),
        dueAt: dueAt?.toISOString() ?? null,
      })),
      nextCursor: found.length > limit ? String(page.at(-1)!.eventNumber) : null,
    };
  });

  json(contract.redeliver, async ({ tenant, params: { webhookId }, body }) => ({
    deliveries: await webhooks.redeliver(
      tenant.id,
      webhookId,
      'since' in body ? { since: new Date(body.since) } : body,
    ),
  }));

  json(contract.listEvents, async ({ tenant, query: { cursor = '0', since, until, ...filter } }) => {
    const { entries, last } = await events.list(tenant.id, {
      ...filter,
      ...(since !== undefined && { since: new Date(since) }),
      ...(until !== undefined && { until: new Date(until) }),
      after: Number(cursor),
    });
    return { events: entries.map(toEventView), cursor: String(last) };
  });
}
