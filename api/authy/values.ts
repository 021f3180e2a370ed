import { AuthyRefusal, invalidParameter } from './refusals';

/** What a parameter may be, wherever it travelled. Hashes have no prototype, so that no name means anything to us. */
export type Value = string | number | boolean | null | Value[] | Hash;
export interface Hash {
  [name: string]: Value;
}

/** No client comes near; what builds and reads the tree calls itself for each level. */
const MOST_LEVELS = 10;
const MOST_PAIRS = 2_000;

export const emptyHash = (): Hash => Object.create(null) as Hash;

export const isHash = (value: Value | undefined): value is Hash =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A query or a form body as a tree: `user[email]=a`, `logos[0][res]=b`, `events[]=c`. Of `logos[][res]=a&logos[][url]=b`
 * each repeated name begins the next element, as it did in the Rails application that the clients were written for.
 * @throws AuthyRefusal 60004, 60005
 */
export function parsePairs(text: string): Hash {
  const root = emptyHash();
  const pairs = text.split('&').filter((pair) => pair !== '');
  if (pairs.length > MOST_PAIRS) throw new AuthyRefusal(60004, { message: 'Invalid parameter: there are too many' });
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    put(root, segmentsOf(name), at < 0 ? '' : decode(pair.slice(at + 1), name), name);
  }
  return root;
}

/** JSON that was parsed, as a tree of the same kind. @throws AuthyRefusal 60004, 60005 */
export function toValue(json: unknown, name = '', level = 0): Value {
  if (level > MOST_LEVELS) throw invalidParameter(name, 'is nested too deeply');
  if (typeof json === 'string') return requireText(json, name);
  if (typeof json === 'number' || typeof json === 'boolean' || json === null || json === undefined) return json ?? null;
  if (Array.isArray(json)) return json.map((item) => toValue(item, name, level + 1));
  const hash = emptyHash();
  for (const [key, value] of Object.entries(json)) {
    hash[requireName(key)] = toValue(value, name === '' ? key : `${name}[${key}]`, level + 1);
  }
  return hash;
}

/** Both trees as one; where both name the same thing, `over` wins. */
export function merge(under: Hash, over: Hash): Hash {
  const merged = Object.assign(emptyHash(), under);
  for (const [name, value] of Object.entries(over)) {
    const known = merged[name];
    merged[name] = isHash(known) && isHash(value) ? merge(known, value) : value;
  }
  return merged;
}

/** `user[email]` names the member `email` of `user`; brackets that are not closed are a part of the name. */
export function segmentsOf(name: string): string[] {
  const [, first, rest] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name) ?? [];
  if (first === undefined || rest === undefined) return [name];
  return [first, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map(([, inner]) => inner!)];
}

function put(hash: Hash, [first, ...rest]: readonly string[], value: string, name: string): void {
  if (rest.length > MOST_LEVELS) throw invalidParameter(name, 'is nested too deeply');
  const key = requireName(first!);
  const [second, ...further] = rest;
  if (second === undefined) {
    if (typeof hash[key] === 'object') throw invalidParameter(name, 'is given in two ways');
    hash[key] = value;
  } else if (second === '') {
    const list = (hash[key] ??= []);
    if (!Array.isArray(list)) throw invalidParameter(name, 'is given in two ways');
    append(list, further, value, name);
  } else {
    const inner = (hash[key] ??= emptyHash());
    if (!isHash(inner)) throw invalidParameter(name, 'is given in two ways');
    put(inner, rest, value, name);
  }
}

/** Adds to the last element as long as it has not got this member yet. */
function append(list: Value[], rest: readonly string[], value: string, name: string): void {
  if (rest.length === 0) return void list.push(value);
  const last = list.at(-1);
  if (isHash(last) && !has(last, rest)) return put(last, rest, value, name);
  const fresh = emptyHash();
  list.push(fresh);
  put(fresh, rest, value, name);
}

function has(hash: Hash, [first, ...rest]: readonly string[]): boolean {
  const inner = hash[first!];
  if (inner === undefined) return false;
  return rest.length === 0 || rest[0] === '' ? rest.length === 0 : isHash(inner) && has(inner, rest);
}

function decode(text: string, name = text): string {
  try {
    return requireText(decodeURIComponent(text.replace(/\+/g, ' ')), name);
  } catch (error) {
    if (error instanceof AuthyRefusal) throw error;
    throw new AuthyRefusal(60005);
  }
}

/** PostgreSQL has no NUL in its texts, and half a surrogate pair is no character. */
function requireText(text: string, name: string): string {
  if (/\p{Cs}/u.test(text)) throw new AuthyRefusal(60005);
  if (text.includes('\0')) throw invalidParameter(name, 'holds a NUL character');
  return text;
}

function requireName(name: string): string {
  if (name === '__proto__') throw invalidParameter(name, 'is not allowed');
  return requireText(name, '');
}
