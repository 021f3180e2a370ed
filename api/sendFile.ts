import { once } from 'node:events';
import type { Response } from 'express';

/** Who takes nothing for this long is not waited for; the export goes on with another call. */
const STALLED_MS = 60_000;

/**
 * Writes a file as its parts come, and reads no further while the caller does not: what is under way is one part, however
 * long the file. A file that ends early (the server stops, the caller stands still) breaks its connection, so that
 * nobody takes it for the whole.
 * @param head sends the headers; called when the first part is there, so that what fails before can still be refused
 */
export async function sendFile(
  res: Response,
  {
    head,
    parts,
    gone,
    stalledMs = STALLED_MS,
  }: {
    head: () => void;
    parts: AsyncIterable<string>;
    gone: AbortSignal;
    stalledMs?: number;
  },
): Promise<void> {
  for await (const part of parts) {
    if (gone.aborted) break;
    if (!res.headersSent) head();
    if (res.req.method === 'HEAD') break;
    if (res.write(part)) continue;
    const signal = AbortSignal.any([gone, AbortSignal.timeout(stalledMs)]);
    const goesOn = await once(res, 'drain', { signal }).then(
      () => true,
      () => false,
    );
    if (!goesOn) return void res.destroy();
  }
  if (gone.aborted) return void res.destroy();
  if (!res.headersSent) head();
  res.end();
}
