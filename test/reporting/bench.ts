import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { endProcesses } from '../operating/mainProcess';
import { holdExports, readExport } from './exporting';
import { ask, explain, questionsOf, readingQuestion } from './measuring';
import { createWorld, startProgram } from './world';
import type { World } from './world';

// `npx tsx test/reporting/bench.ts --out docs/evidence/reporting`: a year of events in a PostgreSQL of its own, what the
// reporting API needs for one month of it, and what an export of a million events takes. Writes <out>.json and
// <out>-plans.txt. `--home` keeps the rows for the next run; without it everything is removed.

const RUNS = 15;
const DAY_MS = 86_400_000;
const MILLION = 1_000_000;

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, home: { type: 'string' }, events: { type: 'string', default: '10000000' } },
  });
  const size = { events: Number(values.events), tenants: 20, usersPerTenant: 5_000 };
  const world = await createWorld(size, values.home, say);
  try {
    const { cluster, keys } = world;
    const large = keys.tenants[0]!;
    const small = keys.tenants[1]!;
    const facts = await read(cluster.url, large.id);
    const month = {
      since: new Date(facts.newest.getTime() - 60 * DAY_MS).toISOString(),
      until: new Date(facts.newest.getTime() - 30 * DAY_MS).toISOString(),
    };

    await cluster.restartCold();
    const cold = await explain(cluster.url, large.id, month);
    const warm = await explain(cluster.url, large.id, month);
    say('plans');

    const program = startProgram(world);
    const url = await program.url();
    const reports: Record<string, unknown> = {};
    for (const [name, question] of Object.entries(questionsOf(month, facts.authyId))) {
      await cluster.restartCold();
      // New connections, and a look at a table that is not asked for.
      await fetch(`${url}/v1/users`, { headers: { authorization: `Bearer ${large.apiKey}` } });
      const cold = await ask(url, large.authyApiKey, question, 1);
      reports[name] = {
        ofLarge: { coldMs: cold.medianMs, ...(await ask(url, large.authyApiKey, question, RUNS)) },
        ofSmall: await ask(url, small.authyApiKey, question, RUNS),
      };
      say(`${name}: ${JSON.stringify(reports[name])}`);
    }
    const reading = await ask(url, large.authyApiKey, readingQuestion(month), 3);
    say(`reading: ${JSON.stringify(reading)}`);
    const exports = await measureExports(world, url, facts.lastNumber);
    program.kill('SIGTERM');
    await program.ended;

    const result = {
      what: `${size.events} events of a year, ${size.tenants} tenants, the large one has 30 %; asked over HTTP for one month`,
      leftOut:
        'users have no phone, and of approvals there are the events alone: telling an event costs a little less than in life',
      at: new Date().toISOString(),
      machine: {
        cpus: os.cpus().length,
        load: os.loadavg().map((load) => Math.round(load * 10) / 10),
        node: process.version,
      },
      rows: { ...facts.sizes, generatedInSeconds: keys.generatedInSeconds, diskMb: cluster.diskMb() },
      month: { ...month, eventsOfLarge: facts.monthly },
      reports,
      valuesOfObjects: { what: 'every event of one name in the month is read', ...reading },
      exports,
    };
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    if (values.out === undefined) return;
    writeFileSync(`${values.out}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
    const text = [...cold.map((plan) => `${plan}\n`), '\n\nAgain, warm:\n', ...warm.map((plan) => `${plan}\n`)];
    writeFileSync(`${values.out}-plans.txt`, `After a start with nothing in memory:\n\n${text.join('\n')}`);
  } finally {
    await endProcesses();
    await world.cluster.stop();
  }
}

/** A million events in each format, the memory for a tenth and three times that, and callers who read nothing. */
async function measureExports({ keys }: World, url: string, lastNumber: number) {
  const { apiKey } = keys.tenants[0]!;
  const last = (count: number) => `after=${Math.max(0, lastNumber - count)}`;
  const done: Record<string, unknown> = {};
  const measure = async (name: string, query: string) => {
    done[name] = await readExport(url, apiKey, `?${query}`);
    say(`${name}: ${JSON.stringify(done[name])}`);
  };
  await measure('a tenth of a million, NDJSON', last(MILLION / 10));
  await measure('a million, NDJSON', last(MILLION));
  await measure('a million, CSV', `format=csv&header=absent&${last(MILLION)}`);
  await measure('three millions, NDJSON', last(3 * MILLION));
  done['callers who read nothing'] = await holdExports(url, apiKey, 50, 10_000);
  say(JSON.stringify(done['callers who read nothing']));
  return done;
}

async function read(databaseUrl: string, tenantId: string) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ newest: Date; last_number: string; authy_id: number; monthly: string }>(
      `select max(at) as newest, max(number) as last_number,
              (select min(authy_id) from users where tenant_id = $1) as authy_id,
              count(*) filter (where at >= now() - interval '30 days') as monthly
         from events where tenant_id = $1`,
      [tenantId],
    );
    const { rows: sizes } = await client.query<{ name: string; mb: number }>(
      `select relname as name, (pg_relation_size(oid) / 1000000)::int as mb from pg_class
        where relname like 'events%' and relkind in ('r', 'i') order by 2 desc`,
    );
    const { newest, last_number, authy_id, monthly } = rows[0]!;
    return {
      newest,
      lastNumber: Number(last_number),
      authyId: authy_id,
      monthly: Number(monthly),
      sizes: Object.fromEntries(sizes.map(({ name, mb }) => [`${name}Mb`, mb])),
    };
  } finally {
    await client.end();
  }
}

void main();
