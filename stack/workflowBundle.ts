import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type * as Workers from '../workers/workers';

const ROOT = path.join(__dirname, '..');
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'countersign');
const KEPT_MS = 7 * 86_400_000;
/** Everything that ends up in the bundle: the workflows, what they import, and the libraries. */
const SOURCES = ['workflows', 'domain', 'contracts', 'activities', 'platform/temporal', 'package-lock.json'];

/** The workflow code, bundled as the worker would do it itself. */
export async function bundleWorkflows(): Promise<string> {
  // Loaded late: webpack takes a second, and a kept bundle needs none of it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { loadWorkflowBundle } = require('../workers/workers') as typeof Workers;
  const bundle = await loadWorkflowBundle(undefined);
  return 'code' in bundle ? bundle.code : fs.readFileSync(bundle.codePath, 'utf8');
}

/** A file with the bundle of the workflows as they are now; made once for each state of the sources. */
export async function keptWorkflowBundle(): Promise<string> {
  const file = path.join(CACHE, `workflow-bundle-${sourcesDigest()}.js`);
  if (!fs.existsSync(file)) {
    const code = await bundleWorkflows();
    fs.mkdirSync(CACHE, { recursive: true });
    removeOld();
    const unfinished = `${file}.${process.pid}`;
    fs.writeFileSync(unfinished, code);
    fs.renameSync(unfinished, file);
  }
  return file;
}

/** Another process may be about to read a bundle of an hour ago, but not one of last week. */
function removeOld(): void {
  for (const name of fs.readdirSync(CACHE)) {
    const file = path.join(CACHE, name);
    if (Date.now() - fs.statSync(file).mtimeMs > KEPT_MS) fs.rmSync(file, { force: true });
  }
}

function sourcesDigest(): string {
  const hash = createHash('sha256').update(process.version);
  for (const source of SOURCES) addTo(hash, path.join(ROOT, source));
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: ReturnType<typeof createHash>, at: string): void {
  const found = fs.statSync(at, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    for (const name of fs.readdirSync(at).sort()) addTo(hash, path.join(at, name));
  } else if (found) {
    hash
      .update(`${path.relative(ROOT, at)}\0`)
      .update(fs.readFileSync(at))
      .update('\0');
  }
}
