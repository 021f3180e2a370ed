const EVERY_MS = 20;

/** Looks again and again until there is something to see; for what sends no event. */
export async function until<T>(
  look: () => Promise<T | undefined | false | null>,
  { withinMs = 15_000, what = 'it' } = {},
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
