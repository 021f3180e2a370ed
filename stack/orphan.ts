const LOOK_EVERY_MS = 1_000;

/**
 * Tells when the npm that runs us was killed: `kill -9` of `npm start` reaches npm alone, and nobody would be left to
 * end the stack. Started otherwise (by a shell that may well go away), it never tells.
 */
export function whenOrphaned(tell: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    tell();
  }, LOOK_EVERY_MS);
  timer.unref();
}
