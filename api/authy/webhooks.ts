import { DomainError } from '../../domain/errors';
import type { WebhookEndpoint } from '../../db/webhookEndpoints';
import { accountSidOf } from '../../services/authyEvents';
import { hexId } from '../../services/authyIds';
import { keepNothing } from '../../services/idempotency';
import { isId } from '../../services/text';
import type { Webhooks } from '../../services/webhooks';
import { authyWebhookId } from '../../services/webhookSender';
import type { AuthyCall, AuthyMounting } from './mount';
import type { Parameters } from './parameters';
import { AuthyRefusal } from './refusals';

const WEBHOOKS = '/dashboard/:format/application/webhooks';
const MOST_NAME_CHARACTERS = 200;
const MOST_URL_CHARACTERS = 2_048;

/** Endpoints that are told events in the Authy dialect: the same that /v1 has, under names of the Authy API. */
export function webhookRoutes(
  { signed }: Pick<AuthyMounting, 'signed'>,
  { webhooks }: { webhooks: Pick<Webhooks, 'create' | 'find' | 'listAuthy' | 'remove'> },
): void {
  signed('post', WEBHOOKS, async ({ tenant, parameters }) => {
    const request = {
      url: parameters.requiredText('url', MOST_URL_CHARACTERS),
      description: parameters.requiredText('name', MOST_NAME_CHARACTERS),
      eventTypes: null,
      authyEvents: readEvents(parameters),
    };
    const { endpoint, secret } = await webhooks.create(tenant.id, request, keepNothing).catch(notCreated);
    return { webhook: toView(endpoint, secret), message: 'Webhook created' };
  });

  signed('get', WEBHOOKS, async ({ tenant }) => {
    const found = await webhooks.listAuthy(tenant.id);
    return { webhooks: found.map(({ endpoint, secret }) => toView(endpoint, secret)), message: 'Webhooks listed' };
  });

  /** Those of /v1 are not there for this API. */
  async function remove({ tenant }: AuthyCall, written: string | undefined): Promise<object> {
    const id = written?.replace(/^WH_/, '');
    const known = isId(id) ? await webhooks.find(tenant.id, id) : undefined;
    if (!known?.authyEvents) throw new DomainError('webhook_not_found');
    await webhooks.remove(tenant.id, known.id);
    return { message: 'Webhook deleted' };
  }

  signed('delete', `${WEBHOOKS}/:webhookId`, (call) => remove(call, call.params['webhookId']));
  signed('delete', WEBHOOKS, (call) => remove(call, call.parameters.requiredText('webhook_id', MOST_NAME_CHARACTERS)));
}

function readEvents(parameters: Parameters): string[] {
  const events = parameters.texts('events');
  if (events.length === 0) throw new AuthyRefusal(60098, { message: 'Webhook was not created: events are missing' });
  return [...new Set(events)];
}

/** What a client can do better has one number, whatever it was. */
function notCreated(error: unknown): never {
  if (!(error instanceof DomainError) || !['invalid_request', 'callback_url_refused'].includes(error.code)) throw error;
  const { field, reason } = error.detail;
  throw new AuthyRefusal(60098, {
    message: `Webhook was not created: ${field === 'events' ? 'an event is not known' : (reason ?? error.message)}`,
    ...(field !== undefined && { fields: { [field]: 'is invalid' } }),
  });
}

const toView = ({ id, tenantId, description, url, authyEvents, createdAtMs }: WebhookEndpoint, secret: string) => ({
  id: authyWebhookId(id),
  name: description,
  account_sid: accountSidOf(tenantId),
  service_id: hexId('app', tenantId),
  url,
  signing_key: secret,
  events: authyEvents,
  creation_date: new Date(createdAtMs).toISOString(),
});
