import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { failureConverterPath } from '../platform/temporal/codec';

const ROOT = path.join(__dirname, '..');
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'countersign');
/** Everything that ends up in the bundle: the workflows, what they import, and the libraries. */
const SOURCES = ['workflows', 'domain', 'contracts', 'activities', 'platform/temporal', 'package-lock.json'];

/** The workflow code, bundled as the worker wants it. */
export async function bundleWorkflows(): Promise<string> {
  // Loaded late: webpack takes a second, and a kept bundle needs none of it.
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(ROOT, 'workflows', 'index.ts'),
    failureConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
  return code;
}

/** A file with the bundle of the workflows as they are now; made once for each state of the sources. */
export async function keptWorkflowBundle(): Promise<string> {
  const file = path.join(CACHE, `workflow-bundle-${sourcesDigest()}.js`);
  if (!fs.existsSync(file)) {
    const code = await bundleWorkflows();
    fs.rmSync(CACHE, { recursive: true, force: true });
    fs.mkdirSync(CACHE, { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    fs.writeFileSync(unfinished, code);
    fs.renameSync(unfinished, file);
  }
  return file;
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
