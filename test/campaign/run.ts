import { Command, Option } from 'commander';
import { startCampaign } from './campaign';
import type { Campaign, KillRecord } from './campaign';
import { seeded } from './load';
import { planKills, POINTS } from './points';
import { readResults, table, writeResults } from './results';
import type { Results } from './results';
import { SAFEGUARDS } from './safeguards';
import type { SafeguardName } from './safeguards';
import { COUNTS } from './verdict';

const command = new Command('npm run campaign --')
  .description(
    'Kills parts of the running product with kill -9 at named points, under load; nothing may be lost or doubled.',
  )
  .option('--kills <n>', 'how many parts to kill', '100')
  .option('--seed <n>', 'the same seed plans the same kills', '1')
  .option('--points <a,b>', 'only points whose name contains one of these')
  .option('--file <file>', 'where the results go', 'campaign-results.json')
  .option('--resume <file>', 'go on with an interrupted campaign')
  .addOption(
    new Option('--without <safeguard>', 'take one out, and see the campaign fail').choices(Object.keys(SAFEGUARDS)),
  );

interface Options {
  kills: string;
  seed: string;
  points?: string;
  file: string;
  resume?: string;
  without?: SafeguardName;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Runs a campaign, or what is left of one. Ends with 1 when something was lost or doubled, or too little was killed. */
async function main(): Promise<number> {
  const values = command.parse().opts<Options>();
  const file = values.resume ?? values.file;
  const { without } = values;
  const results = (values.resume && readResults(file)) || {
    seed: Number(values.seed),
    kills: Number(values.kills),
    points: pointsOf(values.points, without),
    ...(without && { without }),
    begun: new Date().toISOString(),
    records: [],
  };
  const points = POINTS.filter(({ name }) => results.points.includes(name));
  const plan = planKills(points, results.kills, seeded(results.seed));
  const safeguardTaken = results.without;

  say(`${plan.length} kills at ${points.length} points, seed ${results.seed}; ${results.records.length} are done`);
  const campaign = await startCampaign({
    random: seeded(results.seed + results.records.length),
    ...(safeguardTaken && { without: safeguardTaken }),
  });
  try {
    await runPlan(campaign, plan, results, file);
  } finally {
    await campaign.close();
  }
  if (safeguardTaken && campaign.safeguardMet() === 0)
    throw new Error(`${safeguardTaken} was never met: nothing was taken out`);
  say(`\n${table(results.records)}\n\n${file}`);
  const bad = results.records.filter((record) => record.lost + record.doubled > 0 || !record.reached);
  if (bad.length > 0 && !safeguardTaken) say(`Data and logs: ${campaign.home}`);
  return bad.length > 0 ? 1 : 0;
}

async function runPlan(campaign: Campaign, plan: ReturnType<typeof planKills>, results: Results, file: string) {
  for (const kill of plan.slice(results.records.length)) {
    const record = await campaign.run(kill);
    results.records.push(record);
    writeResults(file, results);
    say(describe(results.records.length, record));
  }
}

function describe(number: number, record: KillRecord): string {
  const { point, part, reached, flowsInFlight, lost, doubled, awayMs, tookMs, faults } = record;
  const head = `${String(number).padStart(4)}  ${part.padEnd(8)} ${point.padEnd(40)}`;
  if (!reached) return `${head} not reached`;
  const counts = COUNTS.map((name) => `${name} ${record[name]}`).join('  ');
  const figures = `flows ${flowsInFlight}  lost ${lost}  doubled ${doubled}  ${counts}`;
  const times = `away ${(awayMs / 1_000).toFixed(1)} s of ${(tookMs / 1_000).toFixed(1)} s`;
  return [
    `${head} ${figures}  ${times}`,
    ...faults.map(({ kind, rule, subject, detail }) => `      ${kind}: ${rule}: ${[subject, detail].join(' ')}`),
  ].join('\n');
}

function pointsOf(wanted: string | undefined, without: SafeguardName | undefined): string[] {
  if (wanted === undefined) return (without ? SAFEGUARDS[without].points : POINTS).map(({ name }) => name);
  const parts = wanted.split(',');
  return POINTS.map(({ name }) => name).filter((name) => parts.some((part) => name.includes(part)));
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
