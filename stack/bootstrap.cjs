'use strict';
/* global __dirname */
// Every npm script begins here. It runs on a fresh clone, so it is plain JavaScript without dependencies: it looks at
// the Node version, installs what is missing, and then becomes the command that was asked for, in this same process,
// so that a signal or a kill meets the command itself.
const { spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { lock } = require('./lock.cjs');
const { progress } = require('./progress.cjs');

const ROOT = path.join(__dirname, '..');
const NEEDED = [20, 19];
const COMMANDS = { start: 'main.ts', reset: 'reset.ts', check: 'check.ts', build: 'build.ts' };

/** Whether what is installed is what package-lock.json says; packages for other platforms may be missing. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  return Object.entries(wanted ?? {}).every(([name, { version, optional }]) => {
    if (name === '' || (optional && installed?.[name] === undefined)) return installed !== undefined;
    return installed?.[name]?.version === version;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** One process installs; others that come meanwhile wait for it. */
async function install() {
  if (isInstalled()) return;
  const cache = process.env.COUNTERSIGN_CACHE || path.join(process.env.XDG_CACHE_HOME || defaultCache(), 'countersign');
  const name = createHash('sha256').update(ROOT).digest('hex').slice(0, 12);
  const { release } = await lock(path.join(cache, `install-${name}.lock`), (pid) =>
    console.error(`Waiting for another process${pid ? ` (${pid})` : ''} that is installing packages …`),
  );
  try {
    if (!isInstalled()) await npmCi();
  } finally {
    release();
  }
}

function defaultCache() {
  return path.join(os.homedir(), '.cache');
}

function npmCi() {
  const line = progress('Installing packages (npm ci)', 'the first time only');
  // The npm that runs this script, where one does: it may be another than the one on the PATH.
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return new Promise((resolve, reject) => {
    const child = spawn(npm[0], args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.on('data', (chunk) => (complaints += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) {
        line.done();
        resolve();
      } else {
        line.failed('failed');
        reject(new Error(`npm ci failed:\n${complaints.trimEnd()}`));
      }
    });
  });
}

function isNodeNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

async function main([command, ...args]) {
  if (!isNodeNewEnough()) {
    throw new Error(`Countersign needs Node.js ${NEEDED.join('.')} or newer; this is ${process.version}.`);
  }
  await install();
  if (command === 'test') {
    process.argv.splice(1, process.argv.length, require.resolve('jest/bin/jest', { paths: [ROOT] }), ...args);
    require(process.argv[1]);
    return;
  }
  // `run` is for the scripts that are a program of their own, such as `npm run phone`.
  const file =
    command === 'run' ? path.resolve(ROOT, args.shift() ?? '') : path.join(__dirname, COMMANDS[command] ?? '');
  if (command !== 'run' && !COMMANDS[command]) throw new Error(`There is no command "${command}".`);
  process.argv.splice(1, process.argv.length, file, ...args);
  require('tsx/cjs/api').register();
  require(file);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
