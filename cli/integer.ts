import { Failure } from './failure';

/** The number of an option under its own name; nothing where it was not given. @throws Failure out of the range */
export function readInteger<K extends string>(
  option: string,
  key: K,
  text: string | undefined,
  { least, most, unit = '' }: { least: number; most: number; unit?: string },
): Partial<Record<K, number>> {
  if (text === undefined) return {};
  const value = /^\d{1,8}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new Failure(`${option} is ${least} to ${most}${unit}.`);
  return { [key]: value } as Record<K, number>;
}
