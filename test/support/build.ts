import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(__dirname, '..', '..');

/** The compiled program. */
export interface Build {
  /** What is `dist/` elsewhere. */
  readonly folder: string;
  remove(): void;
}

/** What `npm run build` makes, in a folder of its own. @throws what the compiler says */
export async function buildProgram(): Promise<Build> {
  // Inside node_modules, because the compiled program looks for its packages upwards.
  const name = `countersign-build-${randomBytes(5).toString('hex')}`;
  const folder = path.join(ROOT, 'node_modules', '.cache', name);
  try {
    await promisify(execFile)('npm', ['run', 'build', '--', folder], { cwd: ROOT });
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout, { cause: error });
  }
  return { folder, remove: () => fs.rmSync(folder, { recursive: true }) };
}
