export type When = 'before' | 'after';
type Verdict = 'release' | 'drop';

/** A place where one call is held. The first call that matches stands there; every other one flows. */
export interface Stop<Call> {
  /** The call, once it stands: not forwarded yet (before), or carried out with its answer held back (after). */
  readonly arrived: Promise<Call>;
  /** Lets the call go on; nothing is stopped any more. */
  release(): void;
  /** Cuts the connection of the call; nothing is stopped any more. */
  drop(): void;
}

/** What a proxy sees of a stop that holds a call. */
export interface Held {
  readonly when: When;
  /** Says that the call stands, and waits for what shall become of it. */
  stand(): Promise<Verdict>;
}

interface Armed<Call> {
  matches: (call: Call) => boolean;
  hold: (call: Call) => Held;
}

/** The stops of one proxy and the number of calls that passed, by name. */
export class Stops<Call extends { readonly name: string }> {
  private readonly armed = new Set<Armed<Call>>();
  private readonly seen = new Map<string, number>();

  stopAt(matches: (call: Call) => boolean, when: When): Stop<Call> {
    const arrival = deferred<Call>();
    const verdict = deferred<Verdict>();
    const stand = (call: Call) => {
      arrival.resolve(call);
      return verdict.promise;
    };
    const stop: Armed<Call> = { matches, hold: (call) => ({ when, stand: () => stand(call) }) };
    this.armed.add(stop);
    const end = (how: Verdict) => {
      this.armed.delete(stop);
      verdict.resolve(how);
    };
    return { arrived: arrival.promise, release: () => end('release'), drop: () => end('drop') };
  }

  /** Counts the call and says whether it is held; a stop that holds one call holds no other. */
  meet(call: Call): Held | undefined {
    this.seen.set(call.name, (this.seen.get(call.name) ?? 0) + 1);
    const stop = [...this.armed].find(({ matches }) => matches(call));
    if (!stop) return undefined;
    this.armed.delete(stop);
    return stop.hold(call);
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.seen);
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
