import type { Call } from '../support/proxies/h2cProxy';
import type { Statement } from '../support/proxies/postgresMessages';
import type { Mix } from './load';
import type { Delivery } from './webhookReceiver';

export type PartName = 'program' | 'temporal' | 'postgres';

/** What has to go wrong so that a point is reached at all. */
export type Trouble = 'starts refused' | 'pokes refused' | 'callbacks refused once';

/** Where something can be stopped, and the load that comes there. */
interface Base {
  name: string;
  mix?: Mix;
  trouble?: Trouble;
}
export interface CallPlace extends Base {
  call: (call: Call) => boolean;
}
export interface StatementPlace extends Base {
  statement: (statement: Statement) => boolean;
}
export interface ArrivalPlace extends Base {
  arrival: (delivery: Delivery) => boolean;
}
export type Place = CallPlace | StatementPlace | ArrivalPlace;

/** A call that concerns the workflows whose id begins like this: their ids, and the tokens of their tasks, are in clear. */
export const callOf = (name: string, workflow: string) => (call: Call) =>
  call.name === name && call.body.includes(workflow);

/** The end of a transaction in which a statement ran that has this in its text, and this among its values. */
export const commitAfter = (text: string, value?: string) => (statement: Statement) =>
  statement.name === 'commit' &&
  statement.transaction.some(
    (step) =>
      step.name.includes(text) &&
      (value === undefined || step.values.some((one) => one !== null && one.includes(value))),
  );

export const commitOfEvent = (type: string) => commitAfter('insert into events', `"${type}"`);
