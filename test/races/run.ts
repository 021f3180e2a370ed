import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import type { Approval } from '../../db/approvals';
import { isDatabaseAway } from '../../db/violations';
import { DomainError } from '../../domain/errors';
import { createBench, signFor } from '../support/services';
import type { Bench } from '../support/services';
import { findViolations } from './check';
import { startOwnPostgres } from './postgres';
import { raceSeveral } from './several';

const command = new Command('npm run races --')
  .description(
    'Contradictory answers at the same moment, from 5 devices; then the rows are asked whether every approval was ' +
      'decided once. Ends with 1 when anything is not as it should be.',
  )
  .option('--several', 'approvals of several people instead, with removals (see several.ts)', false)
  .option('--approvals <n>', 'how many (1500; 10000 of several people)')
  .option('--answers <n>', 'answers to each approval', '20')
  .option('--out <file>', 'where the result goes as well');

interface Options {
  several: boolean;
  approvals?: string;
  answers: string;
  out?: string;
}

const USERS = 30;
const DEVICES = 5;
/** Approvals under way together; every answer has a connection of its own, or it would only wait in a queue of ours. */
const TOGETHER = 2;

type BenchUser = Awaited<ReturnType<Bench['addUser']>>;

interface Told {
  /** What was heard, and how often: a status, or the code of a refusal. */
  heard: Record<string, number>;
  /** Replies that name an outcome which the approval does not have; and what is neither outcome nor refusal. */
  violations: { toldOtherwise: number; accidents: number };
  latenciesMs: number[];
  seconds: number;
}

async function main(): Promise<void> {
  const values = command.parse().opts<Options>();
  const approvals = Number(values.approvals ?? (values.several ? 10_000 : 1_500));
  const answers = Number(values.answers);
  const postgres = await startOwnPostgres();
  let statements = 0;
  const bench = await createBench(postgres.url, {
    poolSize: answers * TOGETHER + 5,
    onStatement: () => (statements += 1),
  });
  try {
    if (values.several) {
      const result = { at: new Date().toISOString(), ...(await raceSeveral(bench, approvals, say)) };
      const right = Object.values(result.violations).every((count) => count === 0);
      report(right, result, values.out);
      return;
    }
    const users = await Promise.all(Array.from({ length: USERS }, () => bench.addUser(DEVICES)));
    const told = await raceAll(bench, users, approvals, answers);
    const violations = { ...(await findViolations(bench.pool)), ...told.violations };
    const statuses = await countStatuses(bench.pool);
    const announced = bench.outcomes.length;
    const result = {
      what: `${approvals} approvals x ${answers} simultaneous contradictory answers`,
      at: new Date().toISOString(),
      machine: { cpus: os.cpus().length, node: process.version, postgres: await versionOf(bench.pool) },
      devicesPerUser: DEVICES,
      approvals: statuses,
      outcomesAnnounced: announced,
      heard: told.heard,
      violations,
      seconds: round(told.seconds),
      answersPerSecond: Math.round((approvals * answers) / told.seconds),
      latencyMs: percentiles(told.latenciesMs),
      statementsPer: await measureStatements(bench, users[0]!, () => statements),
    };
    const right =
      Object.values(violations).every((count) => count === 0) &&
      announced === approvals &&
      (statuses['approved'] ?? 0) + (statuses['denied'] ?? 0) === approvals;
    report(right, result, values.out);
  } finally {
    await bench.close();
    await postgres.stop();
  }
}

function report(right: boolean, result: object, out: string | undefined): void {
  say(JSON.stringify(result, undefined, 2));
  say(right ? 'Each approval was decided once.' : 'NOT AS IT SHOULD BE.');
  if (out !== undefined) {
    mkdirSync(path.dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify({ right, ...result }, undefined, 2)}\n`);
  }
  if (!right) process.exitCode = 1;
}

async function raceAll(bench: Bench, users: readonly BenchUser[], approvals: number, answers: number): Promise<Told> {
  const told: Told = { heard: {}, violations: { toldOtherwise: 0, accidents: 0 }, latenciesMs: [], seconds: 0 };
  let next = 0;
  let busyMs = 0;
  const lane = async () => {
    for (let i = next++; i < approvals; i = next++) {
      const { id, phones } = users[i % users.length]!;
      const approval = await bench.ask(id);
      const signed = await Promise.all(
        Array.from({ length: answers }, (_, n) =>
          signFor(approval, phones[n % DEVICES]!, (n + i) % 2 === 0 ? 'approved' : 'denied'),
        ),
      );
      busyMs += await race(bench, approval, signed, told);
      if ((i + 1) % 250 === 0) say(`${i + 1} approvals`);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, lane));
  // Of answering alone, without asking and signing.
  return { ...told, seconds: busyMs / 1_000 / TOGETHER };
}

/** All answers in the same moment; notes what each of them heard. Answers how long it took, in ms. */
async function race(bench: Bench, approval: Approval, signed: readonly string[], told: Told): Promise<number> {
  const startedMs = performance.now();
  const heard = await Promise.all(
    signed.map(async (jws) => {
      const word = await bench.services.decisions.recordAnswer(approval.id, jws).then(
        ({ status }) => status as string,
        (error: unknown) => {
          // The API answers 503 where the database was too slow; the phone asks again.
          if (isDatabaseAway(error)) return 'temporarily_unavailable';
          return error instanceof DomainError ? error.code : `accident: ${String(error)}`;
        },
      );
      told.latenciesMs.push(performance.now() - startedMs);
      return word;
    }),
  );
  const tookMs = performance.now() - startedMs;
  for (const word of heard) told.heard[word] = (told.heard[word] ?? 0) + 1;
  const { status } = await bench.services.approvals.find(approval.tenantId, approval.id);
  const outcomes = heard.filter((word) => word === 'approved' || word === 'denied');
  told.violations.toldOtherwise += outcomes.filter((word) => word !== status).length;
  told.violations.accidents += heard.filter((word) => word.startsWith('accident')).length;
  return tookMs;
}

/** How many statements a transaction is, its begin and commit included. */
async function measureStatements({ ask, services }: Bench, { id, phones }: BenchUser, statements: () => number) {
  const of = async (work: () => Promise<unknown>) => {
    const before = statements();
    await work();
    return statements() - before;
  };
  const approval = await ask(id);
  const [yes, no] = [await signFor(approval, phones[0]!, 'approved'), await signFor(approval, phones[1]!, 'denied')];
  return {
    creation: await of(() => ask(id)),
    decidingAnswer: await of(() => services.decisions.recordAnswer(approval.id, yes)),
    refusedAnswer: await of(() => services.decisions.recordAnswer(approval.id, no).catch(() => {})),
  };
}

async function countStatuses(pool: Bench['pool']): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ status: string; count: number }>(
    'select status, count(*)::int as count from approvals group by status order by status',
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

async function versionOf(pool: Bench['pool']): Promise<string> {
  const { rows } = await pool.query<{ server_version: string }>('show server_version');
  return rows[0]!.server_version;
}

function percentiles(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

const round = (value: number) => Math.round(value * 10) / 10;
const say = (line: string) => void process.stdout.write(`${line}\n`);

void main();
