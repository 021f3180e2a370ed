import { rmSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { History } from '@temporalio/common/lib/proto-utils';
import { startTestServers, stopTestServers } from '../support/servers';
import { countOf } from './count';
import { ONBOARDINGS } from './onboardings';
import { approved, openWorld, SCENARIOS } from './scenarios';
import { fileOf, listStored, WRONG } from './stored';
import { LAST_VERIFICATIONS, VERIFICATIONS } from './verifications';

// `npm run histories:record`: lets the program live through every scenario on real servers and stores what Temporal
// wrote; with names (`-- onboarding-sms`) only those. Record again when a change of the workflow is meant to break old
// histories, and say so in the change log.

function store(name: string, text: string): void {
  // Who ran it, and on which machine, is nobody's business.
  writeFileSync(fileOf(name), `${text.replace(/"\d+@[^"]*"/g, '"worker@test"')}\n`);
}

/** One local activity under another name: as if the workflow had been changed without care for what is running. */
function spoil(text: string): string {
  const history = JSON.parse(text) as { events: { markerRecordedEventAttributes?: Marker }[] };
  for (const { markerRecordedEventAttributes: marker } of history.events) {
    for (const payload of marker?.details['data']?.payloads ?? []) {
      const clear = Buffer.from(payload.data, 'base64').toString();
      payload.data = Buffer.from(clear.replace('"recordAnswer"', '"recordExpiry"')).toString('base64');
    }
  }
  return JSON.stringify(history, undefined, 2);
}
interface Marker {
  details: Record<string, { payloads: { data: string }[] }>;
}

async function record(names: readonly string[]): Promise<void> {
  const isWanted = (name: string) => names.length === 0 || names.includes(name);
  const histories: Record<string, History> = {};
  const world = await openWorld();
  try {
    for (const [name, live] of Object.entries({
      ...ONBOARDINGS,
      ...VERIFICATIONS,
      ...SCENARIOS,
      ...LAST_VERIFICATIONS,
    })) {
      if (isWanted(name)) histories[name] = await live(world);
    }
  } finally {
    await world.close();
  }
  if (isWanted('not-eager')) {
    const apart = await openWorld({ elsewhere: true });
    try {
      histories['not-eager'] = await approved(apart);
    } finally {
      await apart.close();
    }
  }
  if (names.length === 0) for (const name of listStored()) rmSync(fileOf(name));
  for (const [name, history] of Object.entries(histories)) {
    store(name, historyToJSON(history));
    process.stdout.write(`${name}: ${JSON.stringify(countOf(history))}\n`);
  }
  if (histories['approved']) store(`${WRONG}activity`, spoil(historyToJSON(histories['approved'])));
}

startTestServers()
  .then(() => record(process.argv.slice(2)))
  .finally(stopTestServers)
  .catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  });
