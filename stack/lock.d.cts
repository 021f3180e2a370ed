export interface Lock {
  held: true;
  release: () => void;
}
export interface Holder {
  pid: number;
  identity: string;
}
/** The moment a process was started, which tells it from a later one with the same number; undefined when it is dead. */
export function identityOf(pid: number): string | undefined;
/** Who holds the lock; undefined when nobody alive does. */
export function holderOf(file: string): Holder | undefined;
/** Takes the lock, or tells who has it (undefined when it is being written at this moment). */
export function tryLock(file: string): Lock | { held: false; pid: number | undefined };
/** Waits until the lock can be taken; `onWait` is told once who has it. */
export function lock(file: string, onWait?: (pid: number | undefined) => void): Promise<Lock>;
