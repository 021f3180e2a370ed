import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import { mintApiKey } from '../../platform/keys/apiKey';
import { createLogger } from '../../platform/telemetry/logger';
import { installRuntime } from '../../platform/temporal/runtime';
import { approvalWorkflowId } from '../../workflows/approval.messages';
import { BEHAVIOURS, startBadEndpoint } from '../faults/badEndpoint';
import type { BadEndpoint, Behaviour } from '../faults/badEndpoint';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { textsTo } from '../support/texts';
import { until } from '../support/until';
import { createSearch } from './needles';
import type { Markers } from './needles';
import { readTemporal } from './temporalBytes';

jest.setTimeout(90_000);

const mark = (name: string) => `${name}-${randomBytes(9).toString('hex')}`;

describe('nothing secret and nothing personal', () => {
  let program: TestProgram;
  let endpoint: BadEndpoint;
  let connection: Connection;
  let markers: Record<string, string>;
  let search: (haystack: string | Uint8Array) => string[];
  const namespace = process.env['TEMPORAL_NAMESPACE']!;
  const sdkLogs: string[] = [];

  beforeAll(async () => {
    installRuntime(createLogger({ level: 'debug', destination: { write: (line) => void sdkLogs.push(line) } }));
    let failedPushes = 0;
    program = await startTestProgram({
      pushSenders: [
        {
          kind: 'simulated',
          async send(message) {
            // As libraries do: the error tells everything, the target first.
            if (failedPushes++ < 2) throw new Error(`BadDeviceToken: ${message.target} ${JSON.stringify(message)}`);
          },
        },
      ],
    });
    const complain: Behaviour = (res, req) =>
      void res.writeHead(500).end(`cannot take ${req.url} ${JSON.stringify(req.headers)}`);
    // More often than there are approvals, whose first tries are quick and not logged.
    const { resets } = BEHAVIOURS;
    endpoint = await startBadEndpoint(complain, resets, complain, resets, complain, resets);
    connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
    markers = await liveThroughIt(program, endpoint);
    search = createSearch(markers);
  });
  afterAll(async () => {
    await program?.close();
    await endpoint?.close();
    await connection?.close();
  });

  const mine = () =>
    `CountersignTenant = '${program.tenant.id}' or WorkflowId STARTS_WITH '${program.config.taskQueuePrefix}'`;

  /** What Temporal keeps, once its list, which comes a little later, has so many approvals or controls. */
  const readAll = (query: string, count: number) =>
    until(async () => {
      const kept = await readTemporal(connection, namespace, query);
      return kept.filter(({ name }) => /^the history of .*(approval\/|-control-)/.test(name)).length === count && kept;
    });

  test('is in the log, at its most talkative', () => {
    const lines = [...program.logs, ...sdkLogs];
    expect(lines.filter((line) => search(line).length > 0)).toEqual([]);
    // It did talk: about requests, refusals, failed pushes and callbacks.
    const all = lines.join('\n');
    for (const message of ['answered', 'temporal is up', 'The push was not taken']) expect(all).toContain(message);
    expect(all).toMatch(/No reply: connection_lost|the endpoint answered 500/);
  });

  test('is in the metrics', async () => {
    const { text } = await program.call('GET', '/metrics');
    expect(search(text)).toEqual([]);
    expect(text).toContain('countersign_push_attempts_total{kind="simulated",result="failed"}');
    expect(text).toContain('countersign_callback_attempts_total{result="failed"}');
  });

  test('is in a URL that others see, but what the tenant put there', () => {
    expect(endpoint.paths.length).toBeGreaterThanOrEqual(3);
    const { callbackQuery: _, ...others } = markers;
    expect(createSearch(others)(endpoint.paths.join('\n'))).toEqual([]);
    expect(search(endpoint.paths.join('\n'))).toEqual(['callbackQuery']);
  });

  test('is in what Temporal keeps: histories, failures, memos, search attributes, summaries, schedules', async () => {
    const kept = await readAll(mine(), 4);
    expect(kept.filter(({ bytes }) => search(bytes).length > 0).map(({ name }) => name)).toEqual([]);
    const everything = Buffer.concat(kept.map(({ bytes }) => Buffer.from(bytes)));
    // There is something to hide: encrypted payloads, failures, and what travels in clear by intention.
    for (const text of [
      'binary/encrypted',
      'Encoded failure',
      'CountersignOutcome',
      `${program.config.taskQueuePrefix}-retention`,
    ]) {
      expect(everything.includes(text)).toBe(true);
    }
  });

  test('would be found if it were there', async () => {
    // In a history, and wherever else a workflow can carry a text.
    const client = new Client({ connection, namespace });
    const plant = async (name: string, options: object) => {
      const workflowId = `${program.config.taskQueuePrefix}-control-${name}`;
      const handle = await client.workflow.start('nobody-runs-this', { taskQueue: workflowId, workflowId, ...options });
      const kept = await readAll(`WorkflowId = '${workflowId}'`, 1);
      await handle.terminate();
      return kept.filter(({ bytes }) => search(bytes).length > 0).map((each) => each.name);
    };
    const id = (name: string) => `workflow ${program.config.taskQueuePrefix}-control-${name}`;
    expect(await plant('nothing', {})).toEqual([]);
    expect(await plant('input', { args: [{ shown: markers['title'] }] })).toContain(`the history of ${id('input')}`);
    expect(await plant('bytes', { args: [Buffer.from(`${markers['pushToken']}`).toString('base64')] })).toHaveLength(1);
    expect(await plant('memo', { memo: { phone: markers['phone'] } })).toHaveLength(3);
    expect(await plant('summary', { staticSummary: `for ${markers['email']}` })).not.toEqual([]);

    // In the log and in any of its forms.
    const lines: string[] = [];
    const logger = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
    for (const [name, text] of Object.entries(markers)) {
      logger.debug({ said: text }, 'control');
      expect(search(lines.pop()!)).toContain(name);
      for (const before of ['', 'a', 'ab']) {
        expect(search(Buffer.from(`${before}${text}`).toString('base64url'))).toContain(name);
      }
      expect(search(`https://example.com/?q=${encodeURIComponent(text)}`)).toContain(name);
    }
  });
});

/** One life of a tenant, with everything that can go wrong, each thing marked. */
async function liveThroughIt(program: TestProgram, endpoint: BadEndpoint): Promise<Markers> {
  const { call, tenant, url } = program;
  const digits = String(randomBytes(4).readUInt32BE() % 10_000_000).padStart(7, '0');
  const markers: Record<string, string> = {
    apiKey: tenant.apiKey,
    signingKey: tenant.signingKey,
    signingKeyBytes: tenant.signingKey.replace(/^whsec_/, ''),
    masterKey: program.config.masterKeys[0]!.key.toString('base64'),
    otherApiKey: mintApiKey(),
    phone: `+4179${digits}`,
    phoneDigits: `79${digits}`,
    email: `${mark('email')}@example.com`,
    externalId: mark('external'),
    title: `${mark('Title')} “quoted”`,
    detailLabel: mark('Label'),
    detailValue: mark('Value'),
    hiddenKey: mark('hiddenKey'),
    hiddenValue: mark('hiddenValue'),
    callbackQuery: mark('callback'),
    pushToken: mark('pushToken'),
    deviceName: mark('Device'),
    idempotencyKey: mark('idempotency'),
    unknownField: mark('unknown'),
  };
  const { phone, email, externalId } = markers;
  const user = (await call('POST', '/v1/users', { externalId, phone, email })).body;
  markers['registrationToken'] = (
    await call('POST', `/v1/users/${user.id}/registration-tokens`)
  ).body.registrationToken;

  await call('POST', `/v1/users/${user.id}/codes`, { channel: 'email', length: 10 });
  const code = await until(async () => (await textsTo(program, email!))[0], { what: 'the e-mail' });
  markers['codeDigits'] = /\d{10}/.exec(code.text)![0];

  // Everything that the phone signs, as it goes over the wire.
  const spy: typeof fetch = async (input, init) => {
    const proof = new Headers(init?.headers).get('dpop');
    if (proof) markers['dpopProof'] = proof;
    const { answer, proof: registration } = JSON.parse((init?.body ?? '{}') as string) as Record<string, string>;
    if (answer) markers['answer'] = answer;
    if (registration) markers['registrationProof'] = registration;
    return fetch(input, init);
  };
  const phoneApp = createDevice({ baseUrl: url, key: await createWebCryptoKey({ extractable: true }), fetch: spy });
  await phoneApp.register(markers['registrationToken']!, { name: markers['deviceName']!, platform: 'test' });
  await phoneApp.setPushTarget({ kind: 'simulated', token: markers['pushToken']! });
  markers['deviceTotpSecret'] = (await phoneApp.totp()).secret;

  const ask = async (more: object = {}) => {
    const body = {
      userId: user.id,
      title: markers['title'],
      details: [{ label: markers['detailLabel'], value: markers['detailValue'] }],
      hiddenDetails: { [markers['hiddenKey']!]: markers['hiddenValue'] },
      callbackUrl: `${endpoint.url}?secret=${markers['callbackQuery']}`,
      ...more,
    };
    const made = await call('POST', '/v1/approvals', body, { 'idempotency-key': mark('key') });
    if (made.status !== 201) throw new Error(made.text);
    return made.body.id as string;
  };
  const expiring = await ask({ expiresInSeconds: 10 });
  const denied = await ask();
  const cancelled = await ask();
  const approved = await ask();
  // Its push fails twice before the first of them is answered.
  const { text } = await until(async () => {
    const page = await call('GET', '/metrics');
    return /push_attempts_total\{kind="simulated",result="sent"\}/.test(page.text) && page;
  });
  expect(text).toMatch(/push_attempts_total\{kind="simulated",result="failed"\}/);

  await misbehave(program, markers, denied);
  await phoneApp.answer(await phoneApp.show(denied), 'denied', 'not_me');
  await phoneApp.answer(await phoneApp.show(approved), 'approved');
  await call('POST', `/v1/approvals/${cancelled}/cancel`);
  await call('GET', `/v1/approvals/${approved}/evidence`);
  await call('GET', `/v1/approvals/${expiring}?wait=30`);
  for (const approvalId of [expiring, denied, cancelled, approved]) {
    await until(async () => (await call('GET', `/v1/approvals/${approvalId}`)).body.callback.state === 'delivered', {
      withinMs: 30_000,
      what: `the callback of ${approvalWorkflowId({ tenantId: tenant.id, approvalId })}`,
    });
  }
  return markers;
}

/** Requests that are refused, each with something in it that must not be told. */
async function misbehave({ call, url }: TestProgram, markers: Markers, approvalId: string): Promise<void> {
  const wrong = { authorization: `Bearer ${markers['otherApiKey']}` };
  const key = { 'idempotency-key': markers['idempotencyKey']! };
  const answerOf = (answer: string) => ({ answer: `${answer.slice(0, -4)}AAAA` });
  const statuses = [
    (await call('GET', `/v1/users?phone=${encodeURIComponent(markers['phone']!)}`, undefined, wrong)).status,
    (await call('POST', '/v1/users', { externalId: mark('other'), phone: markers['phone'] })).status,
    (await call('POST', '/v1/users', { externalId: mark('other'), [markers['unknownField']!]: 1 })).status,
    (await call('POST', '/v1/users', `{"email": "${markers['email']}"`)).status,
    (await call('GET', `/v1/approvals/${markers['title']}`)).status,
    (await call('GET', `/${markers['registrationToken']}`)).status,
    (await call('POST', `/v1/device/approvals/${approvalId}/answer`, answerOf(markers['registrationProof']!))).status,
    (await call('GET', '/v1/device/approvals', undefined, { dpop: markers['dpopProof']! })).status,
    (await call('POST', '/v1/users', { externalId: markers['externalId'] }, key)).status,
    (await call('POST', '/v1/users', { externalId: mark('other') }, key)).status,
  ];
  expect(statuses).toEqual([401, 409, 400, 400, 400, 404, 401, 401, 201, 422]);
  await fetch(`${url}/v1/users?key=${markers['apiKey']}`, { headers: { cookie: `session=${markers['apiKey']}` } });
}
