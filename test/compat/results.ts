import { AUTHY_CLIENT } from './authyClient';
import type { Case, ClientName } from './cases';
import { NODE_AUTHY } from './nodeAuthy';
import { WEBHOOKS_API } from './webhooksApi';
import type { World } from './world';

/** Everything that any client does. */
export const CASES: readonly Case[] = [...AUTHY_CLIENT, ...NODE_AUTHY, ...WEBHOOKS_API];

/** As they are written in the table. */
export const TITLES: Record<ClientName, string> = {
  'authy-client': 'npm authy-client 1.1.4',
  authy: 'npm authy 1.4.0',
  'webhooks API sample': "the webhooks API's sample, by its algorithm",
};

export interface Result extends Case {
  /** Undefined where it went well. */
  error?: unknown;
}

/** Runs cases, a few at once; `onResult` is told each as it ends. */
export async function runCases(
  world: World,
  cases: readonly Case[],
  { together = 4, onResult = () => {} }: { together?: number; onResult?: (result: Result) => void } = {},
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < cases.length; i = next++) {
      const each = cases[i]!;
      results[i] = await each.run(world).then(
        () => each,
        (error: unknown) => ({ ...each, error }),
      );
      onResult(results[i]!);
    }
  };
  await Promise.all(Array.from({ length: together }, lane));
  return results;
}

export const isFailed = (result: Result): boolean => 'error' in result;

/** Clients, methods and cases as a table in Markdown, and what it comes to. */
export function toTable(results: readonly Result[]): string {
  const rows = results
    .toSorted((a, b) => compare([a.client, a.method], [b.client, b.method]))
    .map((result) => [
      TITLES[result.client],
      result.method,
      result.name.replaceAll('|', '\\|'),
      isFailed(result) ? 'FAILED' : 'ok',
    ]);
  const lines = [['client', 'method', 'case', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]!.length), 3));
  const toLine = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [toLine(lines[0]!), rule, ...lines.slice(1).map(toLine), '', total(results)].join('\n');
}

const compare = (a: [ClientName, string], b: [ClientName, string]): number =>
  Object.keys(TITLES).indexOf(a[0]) - Object.keys(TITLES).indexOf(b[0]) || a[1].localeCompare(b[1]);

function total(results: readonly Result[]): string {
  const failed = results.filter(isFailed).length;
  const clients = new Set(results.map(({ client }) => client)).size;
  const methods = new Set(results.map(({ client, method }) => `${client} ${method}`)).size;
  const counts = [count(clients, 'client'), count(methods, 'method'), count(results.length, 'case')].join(', ');
  return `${counts}: ${results.length - failed} ok, ${failed} failed.`;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
