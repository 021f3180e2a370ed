import type { Call } from '../support/proxies/h2cProxy';
import type { Statement } from '../support/proxies/postgresMessages';
import type { When } from '../support/proxies/stops';
import { ORDINARY } from './load';
import type { Mix } from './load';

export type PartName = 'program' | 'temporal' | 'postgres';

/** What has to go wrong so that a point is reached at all. */
export type Trouble = 'starts refused' | 'callbacks refused once';

interface Place {
  name: string;
  mix?: Mix;
  trouble?: Trouble;
}
interface CallPlace extends Place {
  call: (call: Call) => boolean;
}
interface StatementPlace extends Place {
  statement: (statement: Statement) => boolean;
}

/** A named moment at which a part is killed. */
export type Point = (CallPlace | StatementPlace) & {
  when: When;
  mix: Mix;
  /** The parts that a kill at this moment concerns: both ends of the connection that is held. */
  parts: readonly PartName[];
};

// The token of a task names the workflow that it belongs to.
const ofApproval = ({ body }: Call) => body.includes('approval/');

const CALLS: readonly CallPlace[] = [
  { name: 'StartWorkflowExecution', call: ({ name }) => name === 'StartWorkflowExecution' },
  { name: 'SignalWorkflowExecution', call: ({ name }) => name === 'SignalWorkflowExecution' },
  {
    name: 'RespondWorkflowTaskCompleted',
    call: (call) => call.name === 'RespondWorkflowTaskCompleted' && ofApproval(call),
  },
  {
    name: 'SignalWithStartWorkflowExecution',
    call: ({ name }) => name === 'SignalWithStartWorkflowExecution',
    trouble: 'starts refused',
  },
  {
    name: 'RespondActivityTaskCompleted',
    call: (call) => call.name === 'RespondActivityTaskCompleted' && ofApproval(call),
    trouble: 'callbacks refused once',
  },
];

const commitAfter = (text: string) => (statement: Statement) =>
  statement.name === 'commit' && statement.transaction.some(({ name }) => name.includes(text));

const commitOfEvent = (type: string) => (statement: Statement) =>
  statement.name === 'commit' &&
  statement.transaction.some(
    ({ name, values }) => name.includes('insert into events') && values.some((value) => value?.includes(`"${type}"`)),
  );

const STATEMENTS: readonly StatementPlace[] = [
  { name: 'commit of a creation', statement: commitAfter('insert into approvals') },
  {
    name: 'lock for a change',
    statement: ({ name }) => /^select .* from approvals a where .* for update$/.test(name),
  },
  { name: 'commit of an answer', statement: commitAfter('insert into answers') },
  { name: 'commit of an expiry', statement: commitOfEvent('approval_expired'), mix: { silent: 4, direct: 1 } },
  {
    name: 'commit of a cancellation',
    statement: commitOfEvent('approval_cancelled'),
    mix: { cancelled: 3, withdrawn: 2, direct: 1 },
  },
  { name: 'touch by a workflow', statement: ({ name }) => name.startsWith('with touched as') },
  { name: 'end of a callback', statement: ({ name }) => name.startsWith('update approvals set callback_state') },
  {
    name: 'take by reconcile',
    statement: ({ name }) => name.startsWith('update approvals set workflow_due_at') && name.includes('skip locked'),
    trouble: 'starts refused',
  },
];

const WHENS: readonly When[] = ['before', 'after'];

const points = (places: readonly (CallPlace | StatementPlace)[], other: PartName): Point[] =>
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
export const POINTS: readonly Point[] = [...points(CALLS, 'temporal'), ...points(STATEMENTS, 'postgres')];

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
