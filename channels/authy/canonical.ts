/** What parameters may hold: what JSON can hold. */
export type Parameters = Readonly<Record<string, unknown>>;

/**
 * The text of parameters that an Authy signature covers: names flattened (`a[b]`, `a[]`), name and value form-encoded,
 * sorted within each hash; lists keep their order, and so do the members of a hash inside a list. What is empty
 * contributes nothing, null an empty value. It is what `Hash#to_query` of Rails gives, but for hashes that hold nothing
 * but empty ones (there Rails leaves a stray `&`); it is also a query string that says the same.
 */
export const canonical = (parameters: Parameters): string => toPart(parameters, '') ?? '';

/** The part of one value, or undefined where it contributes nothing. */
function toPart(value: unknown, name: string): string | undefined {
  if (Array.isArray(value)) return join(value.map((element) => toPart(element, `${name}[]`)));
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, member]) => toPart(member, name ? `${name}[${key}]` : key));
    // The escaped texts are ASCII, so that the order of JavaScript is the order of bytes.
    return join(name.includes('[]') ? parts : parts.toSorted());
  }
  return `${encode(name)}=${encode(toText(value))}`;
}

function join(parts: readonly (string | undefined)[]): string | undefined {
  const there = parts.filter((part) => part !== undefined);
  return there.length === 0 ? undefined : there.join('&');
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`A parameter cannot hold a ${typeof value}.`);
}

/** Like `CGI.escape` of Ruby: all but letters, digits and `-_.~` is escaped, with a plus for a space. */
const encode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
