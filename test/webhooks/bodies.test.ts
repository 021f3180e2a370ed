import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EVENT_TYPES } from '../../domain/event';
import type { EventType } from '../../domain/event';
import type { EventView } from '../../sdk/server';
import { verifyWebhook } from '../../sdk/server';
import { keptWorkflowBundle } from '../../stack/workflowBundle';
import { catalogue } from '../docs/catalogue';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { until } from '../support/until';
import { BROKEN_NUMBER, BROKEN_TOKEN, createActs } from './acts';
import type { Told } from './told';

let folder: string;
let program: TestProgram;
let receiver: Receiver;
let gone: Receiver;
let secret: string;
const acts = new Map<EventType, Promise<Told>>();

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-bodies-'));
  receiver = await startReceiver();
  gone = await startReceiver([410]);
  const texts = new Map<string, string[]>();
  const fail = () => Promise.reject(new Error('not taken'));
  program = await startTestProgram({
    pushSenders: [{ kind: 'simulated', send: ({ target }) => (target === BROKEN_TOKEN ? fail() : Promise.resolve()) }],
    smsSender: {
      send({ to, text }) {
        if (to.startsWith(BROKEN_NUMBER.slice(0, -1))) return fail();
        texts.set(to, [...(texts.get(to) ?? []), text]);
        return Promise.resolve();
      },
    },
    env: { COUNTERSIGN_WORKFLOW_BUNDLE: await impatientBundle() },
  });
  const endpoint = (await program.call('POST', '/v1/webhooks', { url: receiver.url })).body;
  secret = endpoint.secret;
  const table = createActs({ program, texts, endpointId: endpoint.id, goneUrl: gone.url });
  // Nobody waits here for what they cause: some of it takes the ten seconds of the shortest deadline.
  let before: Promise<unknown> = Promise.resolve();
  for (const type of EVENT_TYPES) {
    const act = before.then(() => table[type]());
    before = act.catch(() => {}); // its test says so
    acts.set(type, act);
  }
}, 60_000);
afterAll(async () => {
  await program?.close();
  await receiver?.close();
  await gone?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** The workflows, but those that are patient for minutes are so for seconds. */
async function impatientBundle(): Promise<string> {
  const patience = /(scheduleToCloseTimeout: ['"])\d+ minutes(['"])/g;
  const code = fs.readFileSync(await keptWorkflowBundle(), 'utf8');
  expect(code.match(patience)?.length).toBeGreaterThanOrEqual(3);
  const file = path.join(folder, 'bundle.js');
  fs.writeFileSync(
    file,
    code.replace(patience, (_, before, after) => `${before}3 seconds${after}`),
  );
  return file;
}

/** Members that the catalogue does not know, or that are missing. */
function unlike({ type, data }: Pick<EventView, 'type' | 'data'>): string[] {
  const entry = catalogue().find((one) => one.type === type)!;
  const told = Object.keys(data);
  return [
    ...entry.data.filter((name) => !told.includes(name)),
    ...told.filter((name) => ![...entry.data, ...entry.sometimes].includes(name)),
  ].map((name) => `${type}: ${name}`);
}

const told = (): EventView[] => receiver.received.map((one) => verifyWebhook({ ...one, secret }));

test.each(EVENT_TYPES)(
  '%s is told after the act that causes it, with the data of the catalogue',
  async (type) => {
    const expected = await acts.get(type)!;
    const [[subject, id] = ['', undefined]] = Object.entries(expected); // some tell nothing more
    const find = () => Promise.resolve(told().find((event) => event.type === type && event.data[subject] === id)?.data);
    const data = await until(find, { withinMs: 30_000, what: `${type} of ${subject} ${id}` });
    expect(data).toEqual(expected);
    expect(unlike({ type, data })).toEqual([]);
  },
  60_000,
);

test('whatever else was told meanwhile is as the catalogue says', () => {
  expect(told().length).toBeGreaterThan(EVENT_TYPES.length);
  expect(told().flatMap(unlike)).toEqual([]);
});
