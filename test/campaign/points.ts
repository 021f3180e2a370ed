import type { When } from '../support/proxies/stops';
import { APPROVAL_CALLS, APPROVAL_STATEMENTS } from './approvalPoints';
import { ORDINARY } from './load';
import type { Mix } from './load';
import { ONBOARDING_CALLS, ONBOARDING_STATEMENTS } from './onboardingPoints';
import type { PartName, Place } from './places';
import { WEBHOOK_ARRIVALS, WEBHOOK_CALLS, WEBHOOK_STATEMENTS } from './webhookPoints';

/** A named moment at which a part is killed. */
export type Point = Place & {
  when: When;
  mix: Mix;
  /** The parts that a kill at this moment concerns: the program, and the other end of the connection that is held. */
  parts: readonly PartName[];
};

const WHENS: readonly When[] = ['before', 'after'];

const points = (places: readonly Place[], other: PartName): Point[] =>
  places.flatMap((place) =>
    WHENS.map((when) => ({
      mix: ORDINARY,
      ...place,
      name: `${when} ${place.name}`,
      when,
      parts: ['program', other],
    })),
  );

/** Every moment at which the campaign kills. */
export const POINTS: readonly Point[] = [
  ...points([...APPROVAL_CALLS, ...WEBHOOK_CALLS, ...ONBOARDING_CALLS], 'temporal'),
  ...points([...APPROVAL_STATEMENTS, ...WEBHOOK_STATEMENTS, ...ONBOARDING_STATEMENTS, ...WEBHOOK_ARRIVALS], 'postgres'),
];

export interface Kill {
  point: Point;
  part: PartName;
}

/**
 * The kills of a campaign: every point with each of its parts in an order of chance, and that again until there are
 * enough. The same seed gives the same kills.
 */
export function planKills(points: readonly Point[], count: number, random: () => number): Kill[] {
  const all = points.flatMap((point) => point.parts.map((part) => ({ point, part })));
  if (all.length === 0) throw new Error('no such points');
  const kills: Kill[] = [];
  while (kills.length < count) kills.push(...shuffled(all, random));
  return kills.slice(0, count);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
