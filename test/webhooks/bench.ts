import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BEHAVIOURS, startBadEndpoint } from '../faults/badEndpoint';
import type { Behaviour } from '../faults/badEndpoint';
import { callerOf, startTestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import { startTestServers, stopTestServers } from '../support/servers';

// `npx tsx test/webhooks/bench.ts docs/evidence/webhooks.json`: how long a healthy endpoint waits for its webhook, alone
// and with fifty sick ones beside it, in the same run.

const EVENTS = 100;
const SICK = 50;
const PER_TENANT = 17;
const SICK_KINDS = ['hangs', 'resets', 'fails', 'answers 500 byte by byte', 'redirects'] as const;

async function main(out: string | undefined): Promise<void> {
  await startTestServers();
  const program = await startTestProgram({ env: { COUNTERSIGN_LOG_LEVEL: 'fatal' } });
  const healthy = await startReceiver();
  await program.call('POST', '/v1/webhooks', { url: healthy.url });

  let told = 0;
  /** From the call that makes something happen to the arrival of the webhook, one after the other. */
  async function measure(count = EVENTS): Promise<number[]> {
    const tookMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const startedMs = performance.now();
      await program.call('POST', '/v1/users', { externalId: randomUUID() });
      await healthy.wait(++told);
      tookMs.push(performance.now() - startedMs);
    }
    return tookMs;
  }

  await measure(10); // warm
  const alone = await measure();
  process.stderr.write(`alone: p99 ${percentiles(alone).p99} ms\n`);

  const forever = (behave: Behaviour) => Array.from({ length: 10_000 }, () => behave);
  const sick = await Promise.all(
    Array.from({ length: SICK }, (_, i) =>
      startBadEndpoint(...forever(BEHAVIOURS[SICK_KINDS[i % SICK_KINDS.length]!])),
    ),
  );
  const calls: ReturnType<typeof callerOf>[] = [];
  for (const [i, { url }] of sick.entries()) {
    if (i % PER_TENANT === 0) calls.push(callerOf(program.url, (await program.addTenant(`sick ${i}`)).apiKey));
    await calls.at(-1)!('POST', '/v1/webhooks', { url });
  }
  let running = true;
  const events = (async () => {
    while (running) {
      await Promise.all(calls.map((call) => call('POST', '/v1/users', { externalId: randomUUID() })));
      await delay(5_000);
    }
  })();
  await delay(12_000); // the hanging ones have timed out once
  const beside = await measure();
  running = false;
  await events;
  const attempts = sick.reduce((sum, { ids }) => sum + ids.length, 0);

  const result = {
    what: `ms from the call to the arrival at a healthy endpoint, ${EVENTS} events one after the other`,
    at: new Date().toISOString(),
    machine: { cpus: os.cpus().length, node: process.version },
    sick: { endpoints: SICK, kinds: SICK_KINDS, attempts },
    alone: percentiles(alone),
    besideSick: percentiles(beside),
    p99Ratio: Math.round((percentiles(beside).p99 / percentiles(alone).p99) * 100) / 100,
  };
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`);
  await program.close();
  await Promise.all([healthy, ...sick].map((endpoint) => endpoint.close()));
  await stopTestServers();
}

function percentiles(all: readonly number[]) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1]! * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

void main(process.argv[2]);
