import type { Backend } from './backend';
import type { Phone } from './phone';
import type { Receiver } from './receiver';
import type { ToldLog } from './told';

/** One person with two phones, who is asked by one back end. */
export interface Person {
  userId: string;
  phones: readonly [Phone, Phone];
}

/** Somebody who can be reached by text message, and whom nobody has asked for anything. */
export interface Newcomer {
  userId: string;
  number: string;
}

export interface Newcomers {
  /** Each of them once; undefined when there is none any more. */
  take(): Newcomer | undefined;
  /** How many there have been. They are added while no flow is in flight. */
  added(): number;
}

export interface World {
  backend: Backend;
  receiver: Receiver;
  log: ToldLog;
  /** Everybody, also those of whom a flow needs more than one. */
  people: readonly Person[];
  newcomers: Newcomers;
  random: () => number;
  /** When a client may stop hoping for an approval that ends at `expiresAtMs`: services may have been away. */
  giveUpMs(expiresAtMs: number): number;
}

/** Something that a client does from its beginning to its end, or until that is hopeless. */
export type Flow = (world: World, person: Person) => Promise<void>;

/** People look at it before they answer; it also lets a kill find flows at every stage. */
export const THINKING_MS = 1_500;
