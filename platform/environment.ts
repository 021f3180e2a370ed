import { existsSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What parsers return for a value that they have complained about; nobody sees it, because the whole is refused. */
export const BROKEN = '';

/** Reads one variable after the other and collects what is wrong. A problem names the variable, never its value. */
export class EnvironmentReader {
  readonly problems: string[] = [];

  constructor(private readonly env: Environment) {}

  complain(name: string, sentence: string): void {
    this.problems.push(`${name} ${sentence}`);
  }

  /** The trimmed value; what is empty counts as not given. */
  read(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  /** All that is given, trimmed. */
  all(): Record<string, string> {
    return Object.fromEntries(
      Object.keys(this.env).flatMap((name) => {
        const value = this.read(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  integer(name: string, usual: number, least: number, most: number): number {
    const text = this.read(name);
    if (text === undefined) return usual;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    this.complain(name, `is not a whole number from ${least} to ${most}`);
    return usual;
  }

  toggle(name: string): boolean {
    const text = this.read(name);
    if (text !== undefined && text !== '0' && text !== '1') this.complain(name, 'is neither 0 nor 1');
    return text === '1';
  }

  oneOf<T extends string>(name: string, known: readonly T[], usual: T): T {
    const text = this.read(name) ?? usual;
    const value = known.find((candidate) => candidate === text);
    if (value === undefined) this.complain(name, `is not one of ${known.join(', ')}`);
    return value ?? usual;
  }

  matching(name: string, pattern: RegExp, allowed: string): string | undefined {
    const text = this.read(name);
    if (text !== undefined && !pattern.test(text)) this.complain(name, `may only have ${allowed}`);
    return text;
  }

  existingFile(name: string): string | undefined {
    const path = this.read(name);
    if (path !== undefined && !existsSync(path)) this.complain(name, 'names a file that does not exist');
    return path;
  }
}

/** The entries of a comma-separated list, without empty ones. */
export function splitList(text: string): string[] {
  return text.split(',').flatMap((entry) => entry.trim() || []);
}

/** The URL, where the text is one of these protocols (with their colons). */
export function toUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && protocols.includes(url.protocol) ? url : undefined;
}

/** True for names and literal addresses that never leave this machine. */
export function isLoopbackHost(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || /^127(\.\d{1,3}){3}$/.test(host);
}
