import type { Call } from '../support/proxies/h2cProxy';
import type { Stop } from '../support/proxies/stops';
import { createBackend } from './backend';
import { CALLBACK_GRACE_MS, FINAL_WITHIN_MS } from './approvalChecker';
import { pause } from './api';
import { judgeAll, settle } from './checker';
import { startInstallation } from './installation';
import { createLoad, createNewcomers, createPeople } from './load';
import { callOf } from './places';
import type { Trouble } from './places';
import type { Kill, Point } from './points';
import { startReceiver } from './receiver';
import { takeOut } from './safeguards';
import type { SafeguardName } from './safeguards';
import { ToldLog } from './told';
import { COUNTS } from './verdict';
import type { Counts, Fault, Outage } from './verdict';
import { registerEndpoint } from './webhookFlows';
import { SICK } from './webhookReceiver';

/** What one kill showed. */
export interface KillRecord extends Counts {
  point: string;
  part: string;
  /** False when the load never came to the point; then nothing was killed. */
  reached: boolean;
  flowsInFlight: number;
  /** Things, not faults: one can be wrong in more than one way. */
  lost: number;
  doubled: number;
  faults: Fault[];
  /** From the kill until everything served again. */
  awayMs: number;
  tookMs: number;
}

export interface Campaign {
  /** Kills one part at one point under load, starts it again, waits for the end of all flows, and checks. */
  run(kill: Kill): Promise<KillRecord>;
  /** How often the safeguard was met that is taken out. */
  safeguardMet(): number;
  /** Where data and logs are; kept when there were faults that were not asked for. */
  readonly home: string;
  close(): Promise<void>;
}

export interface CampaignOptions {
  random: () => number;
  without?: SafeguardName;
}

export const LEAST_IN_FLIGHT = 8;
const PEOPLE = 14;
/** Enough for the load of one kill. */
const NEWCOMERS = 60;
const REACHED_WITHIN_MS = 60_000;
/** About so long the load runs first, so that its flows are at every stage and not all at the beginning. */
const WARM_UP_MS = 2_000;
/** The load goes on for a while after the part is back. */
const AFTERWARDS_MS = 1_500;

const REFUSED: Partial<Record<Trouble, (call: Call) => boolean>> = {
  'starts refused': ({ name }) => name === 'StartWorkflowExecution',
  'pokes refused': callOf('SignalWithStartWorkflowExecution', 'webhooks/'),
};

/** An installation under load whose parts can be killed, one after the other. */
export async function startCampaign({ random, without }: CampaignOptions): Promise<Campaign> {
  const installation = await startInstallation();
  const { apiUrl, apiKey, tenantId, signingKey, database, home } = installation;
  const safeguardMet = without ? takeOut(without, installation.postgres) : () => 0;
  const log = new ToldLog();
  const outages: Outage[] = [];
  const receiver = await startReceiver(signingKey, log, String(random()));
  const backend = createBackend(apiUrl, apiKey, log);

  /** Flows that end in an outage, or soon after it, are not hopeless before it is over for long enough. */
  const giveUpMs = (expiresAtMs: number) =>
    Math.max(expiresAtMs, outages.at(-1)?.untilMs ?? 0) + FINAL_WITHIN_MS + CALLBACK_GRACE_MS;
  // Both are told everything, from the first event on.
  for (const key of ['healthy', SICK]) await registerEndpoint({ backend, receiver, giveUpMs }, key, null);
  const people = await createPeople(backend, PEOPLE);
  const newcomers = createNewcomers(backend);
  const load = createLoad({ backend, receiver, log, people, newcomers, random, giveUpMs });

  const known = new Set<string>();
  let before: Counts | undefined;

  function makeTrouble(trouble: Trouble | undefined): void {
    installation.temporal.fail(trouble && REFUSED[trouble]);
    receiver.failFirst(trouble === 'callbacks refused once');
  }

  async function killAndRestart({ point, part }: Kill): Promise<{ flowsInFlight: number; awayMs: number } | undefined> {
    const stop = stopAt(point);
    const reached = await Promise.race([stop.arrived.then(() => true), pause(REACHED_WITHIN_MS)]);
    if (!reached) return void stop.release();
    const flowsInFlight = load.inFlight();
    const outage = { fromMs: Date.now(), untilMs: Infinity };
    outages.push(outage);
    try {
      await installation.kill(part);
      stop.drop();
      makeTrouble(undefined);
      await installation.restart(part);
    } finally {
      outage.untilMs = Date.now();
    }
    return { flowsInFlight, awayMs: outage.untilMs - outage.fromMs };
  }

  function stopAt(point: Point): Pick<Stop<unknown>, 'arrived' | 'release' | 'drop'> {
    if ('call' in point) return installation.temporal.stopAt(point.call, point.when);
    if ('arrival' in point) return receiver.webhooks.stopAt(point.arrival, point.when);
    return installation.postgres.stopAt(point.statement, point.when);
  }

  /** What is wrong now and was not before. */
  async function check(): Promise<{ faults: Fault[]; counts: Counts }> {
    const verdict = await judgeAll(database, tenantId, log.facts, outages);
    const all: Fault[] = [
      ...verdict.faults,
      ...installation
        .accidents()
        .map((subject) => ({ kind: 'lost' as const, rule: 'a part ended by itself', subject })),
      ...Array.from({ length: receiver.forged() }, (_, index) => ({
        kind: 'lost' as const,
        rule: 'a callback or webhook without a valid signature',
        subject: String(index),
      })),
    ];
    const faults = all.filter(({ rule, subject }) => !known.has(`${rule} ${subject}`));
    for (const { rule, subject } of faults) known.add(`${rule} ${subject}`);
    const counts = { ...verdict.counts };
    for (const name of COUNTS) counts[name] -= before?.[name] ?? 0;
    before = verdict.counts;
    return { faults, counts };
  }

  return {
    home,
    safeguardMet,

    async run(kill) {
      const begunMs = Date.now();
      await newcomers.fill(NEWCOMERS);
      makeTrouble(kill.point.trouble);
      load.run(kill.point.mix);
      await load.reaches(LEAST_IN_FLIGHT);
      await pause(WARM_UP_MS * (0.25 + random()));
      const killed = await killAndRestart(kill);
      makeTrouble(undefined);
      await pause(AFTERWARDS_MS);
      await load.drain();
      await settle(database, tenantId);
      const { faults, counts } = await check();
      return {
        point: kill.point.name,
        part: kill.part,
        reached: killed !== undefined,
        flowsInFlight: killed?.flowsInFlight ?? 0,
        ...counts,
        lost: subjectsOf(faults, 'lost'),
        doubled: subjectsOf(faults, 'doubled'),
        faults,
        awayMs: killed?.awayMs ?? 0,
        tookMs: Date.now() - begunMs,
      };
    },

    async close() {
      await load.drain();
      await installation.close({ keepFiles: known.size > 0 && !without });
      await receiver.close();
    },
  };
}

function subjectsOf(faults: readonly Fault[], kind: Fault['kind']): number {
  return new Set(faults.filter((fault) => fault.kind === kind).map(({ subject }) => subject)).size;
}
