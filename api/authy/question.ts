import type { z } from 'zod';
import { shownText } from '../../contracts/shapes';
import { LOGO_SIZES } from '../../domain/oneTouch';
import type { Logo } from '../../domain/oneTouch';
import type { OneTouchQuestion } from '../../services/oneTouch';
import type { Parameters } from './parameters';
import { invalidParameter } from './refusals';
import { emptyHash, isHash } from './values';
import type { Value } from './values';

/** As its own documentation and clients have it; ours of a value. */
const MOST = {
  message: 200,
  label: 200,
  value: 500,
  details: 50,
  hiddenBytes: 16_384,
  logos: 10,
  logoUrl: 500,
} as const;

/** What a client asks a person. @throws AuthyRefusal 60004 */
export function readQuestion(parameters: Parameters): Omit<OneTouchQuestion, 'userId'> {
  const title = shown('message', parameters.requiredText('message', MOST.message), shownText(1, MOST.message));
  const details = readHash(parameters, 'details');
  const hidden = readHash(parameters, 'hidden_details');
  const hiddenDetails = Array.isArray(hidden) ? { hidden_details: hidden } : hidden;
  if (hiddenDetails && Buffer.byteLength(JSON.stringify(hiddenDetails)) > MOST.hiddenBytes) {
    throw invalidParameter('hidden_details', `has more than ${MOST.hiddenBytes} bytes`);
  }
  return {
    title,
    details: details ?? null,
    shownDetails: toShown(details),
    ...(hiddenDetails && { hiddenDetails: hiddenDetails }),
    logos: readLogos(parameters),
    secondsToExpire: parameters.integer('seconds_to_expire'),
  };
}

/** A hash, a list, or one text, which is then the only member of a hash. */
function readHash(parameters: Parameters, name: string): Value[] | Record<string, Value> | undefined {
  const value = parameters.any(name);
  if (value === undefined) return undefined;
  const tidied = tidy(value, false);
  if (tidied === undefined) return undefined;
  if (Array.isArray(tidied) || isHash(tidied)) return tidied;
  return { [name]: tidied };
}

/**
 * The same without what verifiers of callbacks disagree about: hashes and lists that hold nothing, fractions, integers
 * beyond 2^53, and booleans in lists. These become texts. Undefined for what holds nothing.
 */
function tidy(value: Value, isInList: boolean): Value | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => tidy(item, true)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (isHash(value)) {
    const hash = emptyHash();
    for (const [name, member] of Object.entries(value)) {
      const tidied = tidy(member, false);
      if (tidied !== undefined) hash[name] = tidied;
    }
    return Object.keys(hash).length === 0 ? undefined : hash;
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return String(value);
  return typeof value === 'boolean' && isInList ? String(value) : value;
}

/** What people are shown: one line for each member; a list has numbers for names. */
function toShown(details: Value[] | Record<string, Value> | undefined): OneTouchQuestion['shownDetails'] {
  const members = Array.isArray(details) ? details.flatMap(toMembers) : Object.entries(details ?? {});
  if (members.length > MOST.details) throw invalidParameter('details', `has more than ${MOST.details} members`);
  return members.map(([name, value]) => {
    const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
    return {
      label: shown('details', name, shownText(1, MOST.label)),
      value: shown(`details[${name}]`, text, shownText(0, MOST.value)),
    };
  });
}

const toMembers = (item: Value, index: number): [string, Value][] =>
  isHash(item) ? Object.entries(item) : [[String(index + 1), item]];

/** Text that people can be shown as it is. Clients on Windows end lines in their way. */
function shown(name: string, text: string, shape: z.ZodType<string>): string {
  const read = shape.safeParse(text.replaceAll('\r\n', '\n'));
  if (!read.success) throw invalidParameter(name, read.error.issues[0]?.message ?? 'is not a text to be shown');
  return read.data;
}

/**
 * Pairs of `res` and `url`. Clients that sort their parameters send first every size and then every address, or lists of
 * both; there is one that calls both `res`, the address after its size.
 */
function readLogos(parameters: Parameters): Logo[] | null {
  const given = parameters.list('logos');
  if (given.length === 0) return null;
  const sizes = given.flatMap((item) => (isHash(item) ? (item['res'] ?? []) : item));
  const urls = given.flatMap((item) => (isHash(item) ? (item['url'] ?? []) : []));
  const pairs =
    urls.length === 0
      ? Array.from({ length: Math.ceil(sizes.length / 2) }, (_, i) => ({ res: sizes[2 * i], url: sizes[2 * i + 1] }))
      : Array.from({ length: Math.max(sizes.length, urls.length) }, (_, i) => ({ res: sizes[i], url: urls[i] }));
  if (pairs.length > MOST.logos) throw invalidParameter('logos', `has more than ${MOST.logos} elements`);
  const logos = pairs.map(toLogo);
  if (!logos.some(({ res }) => res === 'default')) throw invalidParameter('logos', 'has no logo with the res default');
  return logos;
}

function toLogo({ res, url }: { res: Value | undefined; url: Value | undefined }): Logo {
  const size = LOGO_SIZES.find((known) => known === res);
  if (size === undefined) throw invalidParameter('logos', `res is one of ${LOGO_SIZES.join(', ')}`);
  const isAddress = typeof url === 'string' && url.length <= MOST.logoUrl && URL.canParse(url);
  if (!isAddress || !/^https?:$/.test(new URL(url).protocol)) {
    throw invalidParameter('logos', `url is an address of http or https with ${MOST.logoUrl} characters at most`);
  }
  return { res: size, url };
}
