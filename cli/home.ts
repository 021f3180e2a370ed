import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The part of stack.json that commands use; `npm start` writes it. */
export interface StackFile {
  apiUrl: string;
  apiKey: string;
  tenantId: string;
  /** The demo user. */
  userId: string;
}

const ROOT = path.join(__dirname, '..');

/** Where the stack and the phones of this checkout keep their data. */
export function countersignHome(environment: NodeJS.ProcessEnv): string {
  return path.resolve(environment['COUNTERSIGN_HOME'] || path.join(ROOT, '.countersign'));
}

/** What the stack says about itself, or undefined when it is not running. */
export async function readStack(home: string): Promise<StackFile | undefined> {
  return readJson<StackFile>(path.join(home, 'stack.json'));
}

/** A JSON file of ours, or undefined when it is not there. */
export async function readJson<Content>(file: string): Promise<Content | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
