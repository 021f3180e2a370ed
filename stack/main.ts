import { ConfigError, EXIT_CONFIG } from '../platform/config';
import { StackError } from './errors';
import { greeting } from './greeting';
import { findHome } from './home';
import { whenOrphaned } from './orphan';
import { startStack } from './stack';

/** Runs the stack until it is interrupted or a part of it ends; tells the exit code. */
async function main(): Promise<number> {
  const startedMs = Date.now();
  const interrupted = whenInterrupted();
  const home = findHome(process.env);
  const stack = startStack({ home, env: process.env, show: (line) => console.log(line) });
  try {
    const outcome = await Promise.race([stack.ready, stack.broken, interrupted]);
    if (outcome === undefined) return 0;
    console.log(greeting(outcome, home, process.env, Date.now() - startedMs));
    await Promise.race([stack.broken, interrupted]);
    return 0;
  } catch (error) {
    return report(error);
  } finally {
    await stack.stop();
  }
}

/** Settles when somebody wants us to end: Ctrl-C, a supervisor, a closed terminal, or npm that was killed. */
function whenInterrupted(): Promise<undefined> {
  return new Promise((resolve) => {
    const end = (why: string) => {
      console.log(`\n${why}: stopping …`);
      resolve(undefined);
    };
    let first = true;
    const once = (why: string) => {
      // Ctrl-C arrives twice under npm: from the terminal and from npm itself.
      if (first) end(why);
      first = false;
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => once(signal));
    whenOrphaned(() => once('npm has ended'));
  });
}

function report(error: unknown): number {
  if (error instanceof ConfigError) {
    console.error(error.message);
    return EXIT_CONFIG;
  }
  if (error instanceof StackError) {
    console.error(error.message);
    return error.exitCode;
  }
  console.error(error);
  return 1;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(report(error)),
);
