import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createWebhookDrainActivities } from '../../activities/webhookDrain';
import { BEHAVIOURS, startBadEndpoint } from '../faults/badEndpoint';
import type { BadEndpoint } from '../faults/badEndpoint';
import { clientOf, createInstallation, endProcesses, startMain } from '../operating/mainProcess';
import type { Installation } from '../operating/mainProcess';

jest.setTimeout(60_000);

/** Ten seconds of silence, a second until the next try, and what starting takes. A batch may take thirty. */
const AGAIN_WITHIN_MS = 20_000;

let installation: Installation;
let endpoint: BadEndpoint;
beforeAll(async () => {
  [installation, endpoint] = await Promise.all([createInstallation(), startBadEndpoint(BEHAVIOURS.hangs)]);
});
afterAll(async () => {
  await endProcesses();
  await Promise.all([endpoint?.close(), installation?.remove()]);
});

test('what a killed worker was telling is told by the next one, long before its batch would be over', async () => {
  const killed = startMain(installation.env);
  const { call } = await clientOf(killed, installation);
  await killed.logged('working');
  await call('POST', '/v1/webhooks', { url: endpoint.url });
  await call('POST', '/v1/users', { externalId: 'told' });
  await endpoint.wait(1);
  killed.kill('SIGKILL');
  const killedMs = performance.now();
  await killed.ended;
  startMain(installation.env);
  await endpoint.wait(2);
  expect(performance.now() - killedMs).toBeLessThan(AGAIN_WITHIN_MS);
  expect(new Set(endpoint.ids).size).toBe(1);
});

test('a batch that takes long says that it is still at work', async () => {
  const env = new MockActivityEnvironment();
  const alive = new Promise<undefined>((resolve) => env.once('heartbeat', () => resolve(undefined)));
  const { drainBatch } = createWebhookDrainActivities({ deliveries: { drain: () => alive } });
  expect(await env.run(drainBatch, { tenantId: 'tenant', target: 'endpoint' })).toEqual({ nextInMs: null });
});
