import { isUtf8 } from 'node:buffer';
import type { Request } from 'express';
import { parseJson, rawBodyOf } from '../body';
import { AuthyRefusal, invalidParameter } from './refusals';
import { emptyHash, isHash, merge, parsePairs, segmentsOf, toValue } from './values';
import type { Hash, Value } from './values';

const MOST_CHARACTERS = 4_096;

/**
 * The parameters of a call, wherever they travelled: query, form or JSON. Names are spelled as in forms: `user[email]` is
 * also `{"user":{"email":…}}`. Unset are what is missing, null, an empty text, an empty hash and an empty list; what has
 * another shape than the one asked for is refused with 60004.
 */
export interface Parameters {
  /** All of them, merged; the query wins. */
  readonly tree: Hash;
  /** Whatever it is; undefined where it is unset. */
  any(name: string): Value | undefined;
  /** Numbers and booleans count as their text. */
  text(name: string, mostCharacters?: number): string | undefined;
  requiredText(name: string, mostCharacters?: number): string;
  integer(name: string, range?: { least?: number; most?: number }): number | undefined;
  requiredInteger(name: string, range?: { least?: number; most?: number }): number;
  /** `true`, `True`, `TRUE`, `1` and their opposites. */
  flag(name: string): boolean | undefined;
  flag(name: string, otherwise: boolean): boolean;
  hash(name: string): Hash | undefined;
  /** A hash whose names are numbers is a list too (`logos[0][res]`), and so is a single value. */
  list(name: string): Value[];
  /** A list of texts alone. */
  texts(name: string): string[];
}

/** Reads query and body of a request. @throws AuthyRefusal 60002, 60004, 60005; DomainError as parseJson does */
export function readParameters(req: Request): Parameters {
  return parametersOf(merge(readBody(req), readQuery(req)));
}

/** The query alone. @throws AuthyRefusal 60004, 60005 */
export function readQuery(req: Request): Hash {
  const at = req.originalUrl.indexOf('?');
  // Node reads the bytes of a path as Latin-1, and some clients do not escape what is not ASCII.
  const bytes = Buffer.from(at < 0 ? '' : req.originalUrl.slice(at + 1), 'latin1');
  if (!isUtf8(bytes)) throw new AuthyRefusal(60005);
  return parsePairs(bytes.toString('utf8'));
}

function readBody(req: Request): Hash {
  const bytes = rawBodyOf(req);
  if (!bytes) return emptyHash();
  if (!isUtf8(bytes)) throw new AuthyRefusal(60005);
  const type = (req.get('content-type') ?? '').toLowerCase();
  const text = bytes.toString('utf8');
  // Some clients name no type, and some the type of forms before JSON.
  const isJson = type.includes('json') || /^\s*\{/.test(text);
  if (!isJson && type !== '' && !type.includes('application/x-www-form-urlencoded') && !type.includes('text/plain')) {
    throw new AuthyRefusal(60002, { message: 'Invalid request: send a form or JSON' });
  }
  if (!isJson) return parsePairs(text.trim());
  const value = toValue(parseJson(bytes));
  if (value === null) return emptyHash();
  if (!isHash(value)) throw new AuthyRefusal(60002, { message: 'Invalid request: the body is not a JSON object' });
  return value;
}

/** Reads a tree by the names of its parameters. */
export function parametersOf(tree: Hash): Parameters {
  function any(name: string): Value | undefined {
    let value: Value | undefined = tree;
    for (const segment of segmentsOf(name)) value = isHash(value) ? value[segment] : undefined;
    return isUnset(value) ? undefined : value;
  }

  function text(name: string, mostCharacters = MOST_CHARACTERS): string | undefined {
    const value = any(name);
    if (value === undefined) return undefined;
    if (typeof value === 'object') throw invalidParameter(name, 'is not a text');
    if (String(value).length > mostCharacters)
      throw invalidParameter(name, `has more than ${mostCharacters} characters`);
    return String(value);
  }

  function integer(name: string, { least = 0, most = 2 ** 31 - 1 }: { least?: number; most?: number } = {}) {
    const given = text(name)?.trim();
    if (given === undefined) return undefined;
    if (!/^[-+]?\d{1,15}$/.test(given)) throw invalidParameter(name, `'${given.slice(0, 40)}' is not a valid Integer`);
    const value = Number(given);
    if (value < least || value > most) throw invalidParameter(name, `is not a number from ${least} to ${most}`);
    return value;
  }

  function flag(name: string): boolean | undefined;
  function flag(name: string, otherwise: boolean): boolean;
  function flag(name: string, otherwise?: boolean): boolean | undefined {
    const given = text(name)?.trim().toLowerCase();
    if (given === undefined) return otherwise;
    if (given === 'true' || given === '1') return true;
    if (given === 'false' || given === '0') return false;
    throw invalidParameter(name, 'is neither true nor false');
  }

  function list(name: string): Value[] {
    const value = any(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    // Integer names of an object come in their order.
    return isHash(value) && Object.keys(value).every((key) => /^\d+$/.test(key)) ? Object.values(value) : [value];
  }

  return {
    tree,
    any,
    text,
    integer,
    flag,
    list,

    requiredInteger(name, range) {
      const value = integer(name, range);
      if (value === undefined) throw missing(name);
      return value;
    },

    requiredText(name, mostCharacters) {
      const value = text(name, mostCharacters);
      if (value === undefined || value.trim() === '') throw missing(name);
      return value;
    },

    hash(name) {
      const value = any(name);
      if (value !== undefined && !isHash(value)) throw invalidParameter(name, 'is not a hash');
      return value;
    },

    texts(name) {
      const items = list(name);
      if (items.some((item) => typeof item === 'object')) throw invalidParameter(name, 'is not a list of texts');
      return items.map(String);
    },
  };
}

const missing = (name: string): AuthyRefusal => invalidParameter(name, 'Parameter is required');

function isUnset(value: Value | undefined): value is null | undefined {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
