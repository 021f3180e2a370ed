/** Something secret or personal, by the name under which a find is reported. */
export type Markers = Readonly<Record<string, string>>;

interface Needle {
  name: string;
  bytes: Buffer;
}

/** The ways in which a text may be written without being hidden: plain, escaped, in hexadecimal, in base64 at any offset. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only the characters that are made of this text alone.
    const whole = Math.floor(shifted.length / 3) * 3;
    const encoded = shifted
      .subarray(0, whole)
      .toString('base64')
      .slice(before === 0 ? 0 : 4);
    return [encoded, encoded.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('hex'),
    ...inBase64.filter((form) => form.length >= 8),
  ];
}

/** Looks for markers in anything: answers the names of those that stand in it, in whatever form. */
export function createSearch(markers: Markers): (haystack: string | Uint8Array) => string[] {
  const needles: Needle[] = Object.entries(markers).flatMap(([name, text]) => {
    if (text.length < 8) throw new Error(`${name} is too short to be looked for`);
    return [...new Set(formsOf(text))].map((form) => ({ name, bytes: Buffer.from(form) }));
  });
  return (haystack) => {
    const bytes = Buffer.from(haystack as Uint8Array);
    return [...new Set(needles.filter((needle) => bytes.includes(needle.bytes)).map(({ name }) => name))];
  };
}
