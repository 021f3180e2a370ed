// Controls (a terminal obeys them), format marks (they hide or turn text round), line separators, halves of characters.
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text of somebody else, made harmless for a terminal: what could forge the display is spelled out. */
export function printable(text: string): string {
  return text.replace(UNSHOWN, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
