import { AUTHY_EVENT_NAMES, readAttribute, sourcesOf, toAuthyEventName } from './authyEvents';
import type { AuthyAttribute, AuthyEventName } from './authyEvents';
import { AUTHY_OBJECTS } from './authyObjects';
import type { AuthyObjects } from './authyObjects';
import type { EventType } from './event';

const OPERATORS = ['eq', 'lt', 'lte', 'gt', 'gte', 'lk'] as const;
type Operator = (typeof OPERATORS)[number];

/** One filter as it was asked for: an attribute, an operator, a value. */
export type WrittenCondition = readonly [attribute: string, operator: string, value: string];

export interface ObjectCondition extends AuthyAttribute {
  operator: Operator;
  value: string;
}

/** Which events are meant: these names, at these times, with these values. All conditions hold together. */
export interface Selection {
  names: readonly AuthyEventName[];
  /** From this instant on; undefined: from the beginning. */
  fromMs?: number | undefined;
  /** Before this instant. */
  untilMs?: number | undefined;
  objects: readonly ObjectCondition[];
  /** The names that were asked for as they were spelled. */
  spelled: readonly string[];
}

/** Reads conditions. @throws RangeError that says in a few words what is not known here */
export function toSelection(conditions: readonly WrittenCondition[]): Selection {
  let names: readonly AuthyEventName[] = AUTHY_EVENT_NAMES;
  let fromMs: number | undefined;
  let untilMs: number | undefined;
  const objects: ObjectCondition[] = [];
  const spelled: string[] = [];
  for (const [attribute, written, value] of conditions) {
    const operator = OPERATORS.find((known) => known === written);
    if (!operator) throw new RangeError(`${written.slice(0, 50)} is not an operator`);
    if (attribute === 'event') {
      names = names.filter((name) => compare(operator, name, nameAsked(operator, value)));
      if (operator === 'eq') spelled.push(value);
    } else if (attribute === 'time') {
      const [from, until] = toRange(operator, value);
      fromMs = from === undefined ? fromMs : Math.max(from, fromMs ?? from);
      untilMs = until === undefined ? untilMs : Math.min(until, untilMs ?? until);
    } else {
      const known = readAttribute(attribute);
      if (!known) throw new RangeError(`${attribute.slice(0, 100)} is not an attribute`);
      objects.push({ ...known, operator, value });
    }
  }
  return { names, fromMs, untilMs, objects, spelled };
}

/** Which of our events are recorded for these names; with channels, only those about one of them. */
export const kindsOf = (names: readonly AuthyEventName[]): { type: EventType; channels: readonly string[] | null }[] =>
  names.flatMap((name) => sourcesOf(name).map(({ type, channels = null }) => ({ type, channels })));

/**
 * Whether the objects of an event have the values that were asked for. What an event does not have matches nothing; one
 * value of a list is enough.
 */
export function hasValues(objects: AuthyObjects, conditions: readonly ObjectCondition[]): boolean {
  return conditions.every(({ object, attribute, operator, value }) =>
    valuesOf(objects, { object, attribute }).some((found) => compare(operator, found, value)),
  );
}

/** What an event has in the place of an attribute, prefixed or plain: nothing, one value, or those of a list. */
export function valuesOf(objects: AuthyObjects, { object, attribute }: AuthyAttribute): (string | number | boolean)[] {
  const kinds: Readonly<Record<string, string>> = AUTHY_OBJECTS[object];
  const told = objects[object];
  const value = told?.[`${kinds[attribute]}_${attribute}`] ?? told?.[attribute];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean');
}

/** The name that `eq` means may be spelled in another way; ranges and patterns are about what stands there. */
const nameAsked = (operator: Operator, value: string): string =>
  operator === 'eq' ? (toAuthyEventName(value) ?? value) : value;

function compare(operator: Operator, found: string | number | boolean, asked: string): boolean {
  if (operator === 'lk') return isLike(String(found), asked);
  // What looks like a number by its size, also where it is told as text: `s_country_code`. All else as text.
  const numbers = NUMBER.test(String(found)) && NUMBER.test(asked);
  const [a, b] = numbers ? [Number(found), Number(asked)] : [String(found), asked];
  switch (operator) {
    case 'eq':
      return a === b;
    case 'lt':
      return a < b;
    case 'lte':
      return a <= b;
    case 'gt':
      return a > b;
    case 'gte':
      return a >= b;
  }
}

const NUMBER = /^-?\d{1,15}(\.\d{1,6})?$/;

/**
 * LIKE of SQL with `%` at both ends: `%` is any text, `_` any character. Each part is looked for after the one before;
 * a regular expression made of what a caller sent could be made to run for ever.
 */
function isLike(text: string, pattern: string): boolean {
  let from = 0;
  for (const part of pattern.split('%')) {
    from = endOf(text, part, from);
    if (from < 0) return false;
  }
  return true;
}

/** Where the first place from there on ends that looks like the part, -1 when there is none. */
function endOf(text: string, part: string, from: number): number {
  for (let start = from; start + part.length <= text.length; start += 1) {
    let same = 0;
    while (same < part.length && (part[same] === '_' || part[same] === text[start + same])) same += 1;
    if (same === part.length) return start + part.length;
  }
  return -1;
}

/** An instant or a day, as a range that holds its millisecond: times are told in these. */
function toRange(operator: Operator, value: string): [fromMs: number | undefined, untilMs: number | undefined] {
  const ms = TIME.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw new RangeError(`${value.slice(0, 50)} is not a time`);
  switch (operator) {
    case 'eq':
      return [ms, ms + 1];
    case 'lt':
      return [undefined, ms];
    case 'lte':
      return [undefined, ms + 1];
    case 'gt':
      return [ms + 1, undefined];
    case 'gte':
      return [ms, undefined];
    case 'lk':
      throw new RangeError('lk is not an operator of times');
  }
}

// Without a zone it would be read as the server's.
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;
