/** Remembers, in this process only, who failed lately, so that nobody waits for them in a quick try. */
export interface Health {
  /** False for `coolDownMs` after a failure. Who was never tried gets the benefit of the doubt. */
  answeredWell(key: string): boolean;
  succeeded(key: string): void;
  failed(key: string): void;
}

export interface HealthOptions {
  coolDownMs?: number;
  /** Beyond this many ailing keys the longest known one is forgotten, and simply tried again. */
  capacity?: number;
  nowMs?: () => number;
}

/** Starts with a good opinion of everybody. */
export function createHealth({
  coolDownMs = 30_000,
  capacity = 10_000,
  nowMs = () => performance.now(),
}: HealthOptions = {}): Health {
  const failedAtMs = new Map<string, number>();
  return {
    answeredWell(key) {
      const atMs = failedAtMs.get(key);
      return atMs === undefined || nowMs() - atMs >= coolDownMs;
    },
    succeeded: (key) => void failedAtMs.delete(key),
    failed(key) {
      failedAtMs.delete(key); // so that the key moves to the young end of the map
      failedAtMs.set(key, nowMs());
      if (failedAtMs.size > capacity) failedAtMs.delete(failedAtMs.keys().next().value as string);
    },
  };
}
