import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { startTestServers, stopTestServers } from '../support/servers';
import { startChanging } from './changing';
import type { Change, Changing } from './changing';
import { CASES, isFailed, runCases, toTable } from './results';
import type { Result } from './results';
import { startWorld } from './world';

const command = new Command('npm run compat --')
  .description(
    'What real clients of the Authy API do, against the program. Ends with 1 when anything is not as they want it.',
  )
  .option('--only <text>', 'only cases whose client, method or name contains this', '')
  .option('--change <message=other>', 'say something else in the place of a documented message, and see cases fail')
  .option('--out <file>', 'where the table goes as well');

interface Options {
  only: string;
  change?: string;
  out?: string;
}

const HEAD = `# Clients of the Authy API against the program

Unmodified, but for the base URL: \`new Client({ key }, { host: url })\` of \`authy-client\`, \`require('authy')(key, url)\` of
\`authy\`; \`url\` is one of COUNTERSIGN_PUBLIC_URLS.
`;

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Answers 1 when anything failed. */
async function main(): Promise<number> {
  const values = command.parse().opts<Options>();
  const change = values.change === undefined ? undefined : toChange(values.change);
  const cases = CASES.filter((each) => `${each.client} ${each.method}: ${each.name}`.includes(values.only));
  if (cases.length === 0) throw new Error(`There is no case with "${values.only}" in it.`);
  await startTestServers();
  try {
    const results = await runAgainst(cases, change);
    const table = toTable(results);
    say(table);
    if (values.out !== undefined) {
      mkdirSync(path.dirname(values.out), { recursive: true });
      writeFileSync(values.out, `${HEAD}\n${table}\n`);
    }
    return results.some(isFailed) ? 1 : 0;
  } finally {
    await stopTestServers();
  }
}

async function runAgainst(cases: typeof CASES, change: Change | undefined): Promise<Result[]> {
  const world = await startWorld();
  let changing: Changing | undefined;
  try {
    changing = change && (await startChanging(world.url, change));
    const results = await runCases(changing ? world.through(changing.url) : world, cases, { onResult: report });
    if (changing?.count() === 0) throw new Error('No reply had this message: nothing was changed.');
    return results;
  } finally {
    await changing?.close();
    await world.close();
  }
}

function report({ client, method, name, ...result }: Result): void {
  if (!('error' in result)) return;
  const { error } = result;
  say(`FAILED ${client} ${method}: ${name}\n  ${error instanceof Error ? error.message : String(error)}`);
}

function toChange(text: string): Change {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`"${text}" is no change: write <message>=<other>.`);
  return { from: text.slice(0, at), to: text.slice(at + 1) };
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
