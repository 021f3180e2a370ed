import type { Backend } from './backend';
import { FLOWS } from './flows';
import type { FlowName } from './flows';
import type { Newcomer, Newcomers, Person, World } from './world';

/** How often each flow is chosen, next to the others. */
export type Mix = Partial<Record<FlowName, number>>;

export const ORDINARY: Mix = {
  inbox: 3,
  direct: 4,
  polled: 2,
  repeated: 2,
  contradicted: 4,
  cancelled: 2,
  withdrawn: 3,
  silent: 1,
  severalAtOnce: 2,
  severalInTurn: 1,
  endpoint: 1,
  onboardByLink: 1,
  onboardWithDevice: 1,
  onboardBySms: 1,
};

export interface Load {
  /** Begins flows of this mix, each of them at least once, one after the other for each person, until `drain`. */
  run(mix: Mix): void;
  /** How many flows have begun and not ended. */
  inFlight(): number;
  /** Settles as soon as this many flows are in flight. */
  reaches(flows: number): Promise<void>;
  /** Begins no more flows and waits for the end of those in flight. */
  drain(): Promise<void>;
}

/** People who are asked for approval all the time, each by one flow after the other. */
export function createLoad(world: World): Load {
  let mix: Mix | undefined;
  /** Begin before chance chooses: it could leave one out. */
  let first: FlowName[] = [];
  let flows = 0;
  let running: Promise<void>[] = [];
  let waiting: { flows: number; reached: () => void }[] = [];

  async function ask(person: Person): Promise<void> {
    while (mix) {
      flows += 1;
      waiting = waiting.filter((one) => one.flows > flows || void one.reached());
      try {
        await FLOWS[first.pop() ?? choose(mix, world.random)](world, person);
      } finally {
        flows -= 1;
      }
    }
  }

  return {
    run(next) {
      const idle = mix === undefined;
      mix = next;
      first = Object.keys(next) as FlowName[];
      if (idle) running = world.people.map(ask);
    },
    inFlight: () => flows,
    reaches: (least) =>
      new Promise((resolve) => {
        if (flows >= least) resolve();
        else waiting.push({ flows: least, reached: resolve });
      }),
    async drain() {
      mix = undefined;
      await Promise.all(running);
    },
  };
}

/** New people, each with two registered phones. */
export function createPeople(backend: Backend, count: number): Promise<Person[]> {
  const create = async (): Promise<Person> => {
    const userId = await backend.createUser();
    return { userId, phones: [await backend.addPhone(userId), await backend.addPhone(userId)] };
  };
  return Promise.all(Array.from({ length: count }, create));
}

/** People who are new to everything. `fill` sees to it that there are so many of them. */
export function createNewcomers(backend: Backend): Newcomers & { fill(count: number): Promise<void> } {
  const waiting: Newcomer[] = [];
  let added = 0;
  return {
    take: () => waiting.pop(),
    added: () => added,
    async fill(count) {
      const fresh = Array.from({ length: count - waiting.length }, (_, index) => numberOf(added + index));
      added += fresh.length;
      const add = async (number: string) => ({ userId: await backend.createUser(number), number });
      waiting.push(...(await Promise.all(fresh.map(add))));
    },
  };
}

/** A number of their own for each of them. */
const numberOf = (newcomer: number) => `+43664${1_000_000 + newcomer}`;

function choose(mix: Mix, random: () => number): FlowName {
  const entries = Object.entries(mix) as [FlowName, number][];
  let at = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    at -= weight;
    if (at < 0) return name;
  }
  return entries[0]![0];
}

/** Numbers between 0 and 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
