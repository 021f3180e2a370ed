import { spawn } from 'node:child_process';
import { ROOT } from '../docs/markdown';

export interface Shell {
  /** What these lines say, standard error included; they know what earlier ones have set. Fails where the last one does. */
  run(lines: string): Promise<string>;
  close(): Promise<void>;
}

/** A bash in the root of the repository, for the commands of a page, block after block. */
export function startShell(env: Record<string, string>): Shell {
  const child = spawn('bash', ['--noprofile', '--norc'], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  let heard = () => {};
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    heard();
  });
  return {
    async run(lines) {
      output = '';
      // Commands read nothing from us: our input is the script.
      child.stdin.write(`{\n${lines}\n} 2>&1 < /dev/null\necho "ended $?"\n`);
      const END = /^ended (\d+)\n$/m;
      while (!END.test(output)) {
        await Promise.race([
          new Promise<void>((resolve) => (heard = resolve)),
          ended.then(() => Promise.reject(new Error(`the shell has ended:\n${output}`))),
        ]);
      }
      const said = output.replace(END, '');
      if (END.exec(output)?.[1] !== '0') throw new Error(`failed:\n${lines}\n${said}`);
      return said.trimEnd();
    },
    close() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
