import { isOfWebhook } from './told';
import type { ToldOfWebhook as Told } from './told';
import { afterOutages, groupBy } from './verdict';
import type { Check, Circumstances, Fault, Verdict } from './verdict';
import { nothingIsDue, readWebhookRows } from './webhookRows';
import type { DeliveryRow, EndpointRow, EventRow, WebhookRows } from './webhookRows';

/**
 * What is due has been told by then, once services are back: a batch of a killed worker is given up after 10 s, the
 * first retry comes after 5 s, a rest takes 5 s, and reconcile looks every 10 s.
 */
export const WEBHOOKS_WITHIN_MS = 60_000;

export const webhookCheck: Check = {
  async judge(database, tenantId, told, at) {
    const rows = await readWebhookRows(database, tenantId);
    return judgeWebhooks(told.filter(isOfWebhook), rows, at);
  },
  settled: nothingIsDue,
};

type Arrival = Extract<Told, { what: 'arrived' }>;
type Created = Extract<Told, { what: 'created' }>;

/** What is wrong with webhooks; `webhookRepeats` came again under the same id without being asked for. */
export function judgeWebhooks(told: readonly Told[], rows: WebhookRows, { outages, nowMs }: Circumstances): Verdict {
  const tales = groupBy(told, ({ endpoint }) => endpoint);
  const endpoints = groupBy(rows.endpoints, ({ endpoint }) => endpoint);
  const deliveries = new Map(rows.deliveries.map((row) => [`${row.endpointId} ${row.number}`, row]));
  const late = (atMs: number) => nowMs > afterOutages(atMs, outages, WEBHOOKS_WITHIN_MS) + WEBHOOKS_WITHIN_MS;
  const faults = [...faultsOfBodies(told), ...faultsOfDeliveries(rows, late)];
  for (const [endpoint, its] of tales) {
    const [row, another] = endpoints.get(endpoint) ?? [];
    const arrivals = its.filter((tale) => tale.what === 'arrived');
    faults.push(...faultsOfCalls(endpoint, its, row));
    if (another)
      faults.push({ kind: 'doubled', rule: 'one idempotency key, more than one endpoint', subject: endpoint });
    const created = its.find((tale) => tale.what === 'created');
    if (!row || !created) continue;
    const toldSoFar = arrivals.filter(({ atMs }) => atMs < nowMs);
    faults.push(...faultsOfStrangers({ row, created, arrivals: toldSoFar, events: rows.events }));
    const deliveryOf = (number: number) => deliveries.get(`${row.id} ${number}`);
    /** It is not there, and it will not come by itself any more. */
    const isLost = (number: number, atMs: number) => row.removed || deliveryOf(number)?.state !== 'due' || late(atMs);
    faults.push(...faultsOfEvents({ row, created, arrivals, events: rows.events, isLost }));
    faults.push(...faultsOfPromises({ row, created, tales: its, arrivals, events: rows.events, isLost }));
    if (!its.some(({ what }) => what === 'redelivered')) faults.push(...faultsOfOrder(endpoint, arrivals, deliveryOf));
  }
  return { counts: countArrivals(tales), faults };
}

/** An id stands for one body, at whatever endpoint. */
function faultsOfBodies(told: readonly Told[]): Fault[] {
  const arrivals = told.filter((tale) => tale.what === 'arrived');
  return [...groupBy(arrivals, ({ eventId }) => eventId)]
    .filter(([, same]) => new Set(same.map(({ digest }) => digest)).size > 1)
    .map(([subject]) => ({ kind: 'doubled', rule: 'one event, different bodies', subject }));
}

function faultsOfDeliveries({ deliveries, endpoints }: WebhookRows, late: (atMs: number) => boolean): Fault[] {
  const known = new Map(endpoints.map((row) => [row.id, row]));
  const faults: Fault[] = [];
  for (const { id, endpointId, number, state, dueAtMs } of deliveries) {
    const row = known.get(endpointId ?? '');
    if (row?.removed) continue;
    const subject = row ? `${number} at ${row.endpoint}` : id;
    if (state === 'dead') faults.push({ kind: 'lost', rule: 'a delivery is dead', subject });
    if (state === 'due' && late(dueAtMs!)) faults.push({ kind: 'lost', rule: 'a delivery stays due', subject });
  }
  return faults;
}

function faultsOfCalls(endpoint: string, tales: readonly Told[], row: EndpointRow | undefined): Fault[] {
  const created = tales.filter((tale) => tale.what === 'created');
  const faults: Fault[] = [];
  const fault = (kind: Fault['kind'], rule: string, detail?: string) =>
    faults.push({ kind, rule, subject: endpoint, ...(detail !== undefined && { detail }) });
  for (const tale of tales)
    if (tale.what === 'refused') fault('lost', 'a call was refused', `${tale.call} ${tale.code}`);
  if (new Set(created.map(({ secret }) => secret)).size > 1)
    fault('doubled', 'one idempotency key, more than one secret');
  if (created.length > 0 && !row) fault('lost', 'an acknowledged endpoint is not in the database');
  if (tales.some(({ what }) => what === 'removed') && row?.removed === false)
    fault('lost', 'a removed endpoint is there');
  if (row?.state === 'disabled') fault('lost', 'an endpoint that is well was disabled');
  return faults;
}

/** What arrived and does not follow from what happened. */
function faultsOfStrangers({ row, created, arrivals, events }: Omit<OfEndpoint, 'isLost'>): Fault[] {
  const known = new Map(events.map((event) => [event.number, event]));
  const fault = (rule: string, subject: string): Fault => ({
    kind: 'lost',
    rule,
    subject: `${subject} at ${row.endpoint}`,
  });
  return arrivals.flatMap(({ eventId, type }) => {
    const event = known.get(numberOf(eventId));
    if (event?.type !== type) return fault('an event was told that is not in the database', eventId);
    return wants(created, row, event) ? [] : fault('an event was told that is of no concern here', eventId);
  });
}

interface OfEndpoint {
  row: EndpointRow;
  created: Created;
  arrivals: readonly Arrival[];
  events: readonly EventRow[];
  isLost: (number: number, atMs: number) => boolean;
}

const wants = ({ eventTypes }: Created, { id }: EndpointRow, { type, endpointId }: EventRow) =>
  type === 'webhook_pinged' ? endpointId === id : (eventTypes?.includes(type) ?? true);

/** Everything that happened since an endpoint was there, as long as it is. */
function faultsOfEvents({ row, created, arrivals, events, isLost }: OfEndpoint): Fault[] {
  if (row.removed) return []; // what was due to it is not told any more
  const arrived = new Set(arrivals.map(({ eventId }) => numberOf(eventId)));
  return events
    .filter((event) => event.atMs > created.atMs && wants(created, row, event) && !arrived.has(event.number))
    .filter(({ number, atMs }) => isLost(number, atMs))
    .map(({ number, type }) => ({
      kind: 'lost',
      rule: 'an event never arrived',
      subject: `${number} at ${row.endpoint}`,
      detail: type,
    }));
}

/** What the answer to a call promised, also to an endpoint that was removed once it had been kept. */
function faultsOfPromises({ row, created, tales, arrivals, events, isLost }: OfEndpoint & { tales: readonly Told[] }) {
  const faults: Fault[] = [];
  const fault = (rule: string, number?: number) =>
    faults.push({ kind: 'lost', rule, subject: `${number ?? 'a ping'} at ${row.endpoint}` });
  const rotatedAtMs = tales.flatMap((tale) => (tale.what === 'rotated' ? tale.atMs : []));
  for (const tale of tales) {
    if (tale.what === 'pinged') {
      const within = (atMs: number) => atMs >= tale.begunMs && atMs <= tale.atMs;
      const ping = events.findLast((event) => event.endpointId === row.id && within(event.atMs));
      const came = arrivals.some(({ type, eventAtMs }) => type === 'webhook_pinged' && within(eventAtMs));
      if (!ping) fault('an acknowledged ping is not in the database');
      else if (!came && isLost(ping.number, tale.atMs)) fault('an acknowledged ping never arrived', ping.number);
    }
    if (tale.what === 'redelivered') {
      const again = new Set(
        arrivals.filter(({ atMs }) => atMs >= tale.begunMs).map(({ eventId }) => numberOf(eventId)),
      );
      for (const event of events) {
        if (event.atMs < tale.sinceMs || event.atMs >= tale.begunMs || again.has(event.number)) continue;
        if (event.type === 'webhook_pinged' || !wants(created, row, event) || !isLost(event.number, tale.atMs))
          continue;
        fault('an event was not told once more', event.number);
      }
    }
    if (tale.what === 'arrived') {
      const needed = 1 + rotatedAtMs.filter((atMs) => atMs < tale.eventAtMs).length;
      if (tale.secrets.length < needed) fault('not signed with every secret that counts', numberOf(tale.eventId));
    }
  }
  return faults;
}

/** "Events are sent in their order. One that failed comes later, after others." */
function faultsOfOrder(
  endpoint: string,
  arrivals: readonly Arrival[],
  deliveryOf: (number: number) => DeliveryRow | undefined,
): Fault[] {
  const first = [...new Set(arrivals.map(({ eventId }) => numberOf(eventId)))];
  const atOnce = first.filter((number) => deliveryOf(number)?.failures === 0);
  return atOnce
    .filter((number, index) => index > 0 && number < atOnce[index - 1]!)
    .map((number) => ({
      kind: 'lost',
      rule: 'events arrived out of their order',
      subject: `${number} at ${endpoint}`,
    }));
}

function countArrivals(tales: ReadonlyMap<string, readonly Told[]>): { webhooks: number; webhookRepeats: number } {
  let [webhooks, webhookRepeats] = [0, 0];
  for (const its of tales.values()) {
    const ids = its.flatMap((tale) => (tale.what === 'arrived' ? tale.eventId : []));
    webhooks += new Set(ids).size;
    if (!its.some(({ what }) => what === 'redelivered')) webhookRepeats += ids.length - new Set(ids).size;
  }
  return { webhooks, webhookRepeats };
}

/** `evt_<tenant>_<number>` */
const numberOf = (eventId: string) => Number(eventId.slice(eventId.lastIndexOf('_') + 1));
