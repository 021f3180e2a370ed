const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const IHDR_AT = 12;
const MOST_PIXELS_A_SIDE = 2_048;

/** What one logo may weigh, in bytes. */
export const MOST_LOGO_BYTES = 128 * 1024;

/** Why these bytes are no logo; undefined where they are one. */
export function whyNoLogo(bytes: Uint8Array): string | undefined {
  if (bytes.length > MOST_LOGO_BYTES) return `is larger than ${MOST_LOGO_BYTES / 1024} KiB`;
  const isPng =
    bytes.length >= 33 &&
    PNG_SIGNATURE.every((byte, at) => bytes[at] === byte) &&
    String.fromCharCode(...bytes.subarray(IHDR_AT, IHDR_AT + 4)) === 'IHDR';
  if (!isPng) return 'is not a PNG image';
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const sides = [view.getUint32(IHDR_AT + 4), view.getUint32(IHDR_AT + 8)];
  if (sides.some((side) => side === 0 || side > MOST_PIXELS_A_SIDE)) {
    return `is wider or higher than ${MOST_PIXELS_A_SIDE} pixels`;
  }
  return undefined;
}

/** `#rrggbb` in small letters; undefined for what is no colour. */
export const toColor = (text: string): string | undefined =>
  /^#[\da-f]{6}$/i.test(text.trim()) ? text.trim().toLowerCase() : undefined;
