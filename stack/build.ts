import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bundleWorkflows } from './workflowBundle';

const ROOT = path.join(__dirname, '..');

/**
 * Makes the program that production runs: compiled JavaScript, the migrations, and the workflow code bundled by the
 * very SDK that will run it. `npm run build -- <folder>` builds elsewhere than `dist/`.
 */
async function build(folder: string): Promise<void> {
  fs.rmSync(folder, { recursive: true, force: true });
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', path.join(__dirname, 'tsconfig.build.json'), '--outDir', folder];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) throw new Error('the program does not compile');
  fs.cpSync(path.join(ROOT, 'db', 'migrations'), path.join(folder, 'db', 'migrations'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'workflow-bundle.js'), await bundleWorkflows());
  console.log(
    `Built ${path.relative(process.cwd(), folder)}: run it by  node ${path.join(path.relative(process.cwd(), folder), 'main.js')}`,
  );
}

build(path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'))).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
