import { randomUUID } from 'node:crypto';
import { pause } from './api';
import type { Endpoint } from './webhookBackend';
import { WEBHOOKS_WITHIN_MS } from './webhookChecker';
import type { Arrival } from './webhookReceiver';
import { THINKING_MS } from './world';
import type { Flow, World } from './world';

/** Happens before the load and not in it, so an endpoint hears of it only when it asks. */
const PAST_EVENT = 'user_created';
const LOOK_AGAIN_MS = 100;

/** What a back end does with endpoints. An endpoint whose promises are hopeless stays, for the checker to see. */
export const WEBHOOK_FLOWS = {
  /** One more endpoint: pinged, its secret replaced, pinged again, told what was before it, and removed. */
  async endpoint(world) {
    const { backend, random } = world;
    const endpoint = await registerEndpoint(world, randomUUID(), [PAST_EVENT], random() < 0.5 ? 2 : 1);
    if (!endpoint || !(await pinged(world, endpoint))) return;
    await pause(random() * THINKING_MS);
    const known = (secret: string) => world.receiver.webhooks.trust(endpoint.key, secret);
    if (!(await backend.webhooks.rotate(endpoint, patience(world), known))) return;
    if (!(await pinged(world, endpoint)) || !(await toldAgain(world, endpoint))) return;
    await backend.webhooks.remove(endpoint, patience(world));
  },
} as const satisfies Record<string, Flow>;

/** A new endpoint at the receiver, which knows its secret. */
export async function registerEndpoint(
  world: Pick<World, 'backend' | 'receiver' | 'giveUpMs'>,
  key: string,
  eventTypes: readonly string[] | null,
  copies = 1,
): Promise<Endpoint | undefined> {
  const { backend, receiver } = world;
  const url = receiver.webhookUrl(key);
  const made = await backend.webhooks.create({ key, url, eventTypes }, patience(world), copies);
  if (made) receiver.webhooks.trust(key, made.secret);
  return made;
}

/** Pings it and waits for the ping. */
async function pinged(world: World, endpoint: Endpoint): Promise<boolean> {
  const begunMs = Date.now();
  if (!(await world.backend.webhooks.ping(endpoint, patience(world)))) return false;
  const isPing = ({ type, eventAtMs }: Arrival) => type === 'webhook_pinged' && eventAtMs >= begunMs;
  return came(world, endpoint, (arrivals) => arrivals.some(isPing));
}

/** Asks for everything of its types since ever and waits until all of it has come. */
async function toldAgain(world: World, endpoint: Endpoint): Promise<boolean> {
  const begunMs = Date.now();
  if (!(await world.backend.webhooks.redeliver(endpoint, 0, patience(world)))) return false;
  const isOld = ({ type, atMs }: Arrival) => type === PAST_EVENT && atMs >= begunMs;
  const expected = world.people.length + world.newcomers.added();
  return came(
    world,
    endpoint,
    (arrivals) => new Set(arrivals.filter(isOld).map(({ eventId }) => eventId)).size >= expected,
  );
}

async function came(
  world: World,
  { key }: Endpoint,
  enough: (arrivals: readonly Arrival[]) => boolean,
): Promise<boolean> {
  const untilMs = patience(world);
  while (!enough(world.receiver.webhooks.arrivals(key))) {
    if (Date.now() > untilMs()) return false;
    await pause(LOOK_AGAIN_MS);
  }
  return true;
}

/** From now, or from the end of an outage that comes meanwhile. */
function patience({ giveUpMs }: Pick<World, 'giveUpMs'>): () => number {
  const begunMs = Date.now();
  return () => Math.max(begunMs + WEBHOOKS_WITHIN_MS, giveUpMs(begunMs) + WEBHOOKS_WITHIN_MS / 4);
}
