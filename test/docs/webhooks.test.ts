import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import ts from 'typescript';
import { signWebhook } from '../../channels/webhooks/sign';
import { EventView } from '../../contracts/webhooks';
import { EVENT_TYPES } from '../../domain/event';
import { RETRY_PAUSES_MS } from '../../domain/webhook';
import * as sdk from '../../sdk/server';
import { catalogue } from './catalogue';
import { pages, snippetWith } from './markdown';

const PAGE = 'docs/webhooks.md';
const { text } = pages().find(({ file }) => file === PAGE)!;

const examples = snippetWith(PAGE, 'json', 'user_created')
  .trim()
  .split('\n')
  .map((line) => EventView.parse(JSON.parse(line)));

test('the catalogue names every type of event, in the order of the product', () => {
  expect(catalogue().map(({ type }) => type)).toEqual([...EVENT_TYPES]);
});

test('there is an example of each, with the data that the catalogue tells', () => {
  expect(examples.map(({ type }) => type)).toEqual(catalogue().map(({ type }) => type));
  const wrong = catalogue().filter(({ data, sometimes }, index) => {
    const told = Object.keys(examples[index]!.data);
    return data.some((name) => !told.includes(name)) || told.some((name) => ![...data, ...sometimes].includes(name));
  });
  expect(wrong).toEqual([]);
});

test('the pauses are those of the product', () => {
  const readable = RETRY_PAUSES_MS.map((ms) =>
    ms < 60_000 ? `${ms / 1_000} s` : ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`,
  );
  expect(text).toContain(`after ${readable.slice(0, -1).join(', ')} and ${readable.at(-1)}, then given up`);
});

describe('the TypeScript receiver', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

  /** The snippet as it stands, running. */
  function run(happened: (event: EventView) => void): Server {
    const source = snippetWith(PAGE, 'ts', 'webhookReceiver');
    const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
    const exported = {} as { webhookReceiver: (secret: string, happened: (event: EventView) => void) => Server };
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only `node:http` is left
    const load = (name: string): unknown => (name === './sdk/server' ? sdk : require(name));
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- documentation is run as it is written
    const evaluate = new Function('exports', 'require', outputText) as (exports: object, require: typeof load) => void;
    evaluate(exported, load);
    return exported.webhookReceiver(secret, happened).listen(0, '127.0.0.1');
  }

  test('takes what our signer has signed, and nothing else', async () => {
    const seen: EventView[] = [];
    const server = run((event) => void seen.push(event));
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const [event] = examples as [EventView];
    const body = JSON.stringify(event);
    const headers = { ...signWebhook({ id: event.id, timestampSeconds: Date.now() / 1_000, body, secret }) };
    const post = async (sent: string) => (await fetch(url, { method: 'POST', headers, body: sent })).status;
    try {
      expect(await post(body)).toBe(204);
      expect(await post(body.replace('user_created', 'user_removed'))).toBe(401);
      expect(seen).toEqual([event]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
