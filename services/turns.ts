/**
 * Lets so many pieces of work run at once, and the others wait for their turn, first come first served: what reads for
 * long must not take all connections of a process.
 */
export function createTurns(most: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // Whoever waits takes over the place.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
export type Turns = ReturnType<typeof createTurns>;
