import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { startDemoShop } from '../../stack/demoShop';
import type { DemoShop } from '../../stack/demoShop';
import { freePorts } from '../../stack/ports';
import { readableLine } from '../../stack/program';
import { programEnvironment } from '../../stack/programEnvironment';
import { run } from './stackProcess';

describe('what the terminal shows of the program’s log', () => {
  test.each([
    ['an ordinary line', { level: 'info', msg: 'listening', port: 4700 }, undefined],
    ['a warning with its facts', { level: 'warn', msg: 'slow', ms: 12, route: '/x' }, 'warn   slow  ms=12  route=/x'],
    [
      'an error with its cause',
      { level: 'error', msg: 'failed', err: { message: 'no route' } },
      'error  failed: no route',
    ],
    ['what cannot be read in a line', { level: 'warn', msg: 'odd', req: { id: 1 } }, 'warn   odd'],
  ])('%s', (_, entry, shown) => {
    expect(readableLine(JSON.stringify({ time: '2026-01-01T00:00:00Z', service: 'countersign', ...entry }))).toBe(
      shown,
    );
  });

  test('a line that is not from the logger is shown as it is', () => {
    expect(readableLine('out of memory')).toBe('out of memory');
  });
});

describe('the environment of the program', () => {
  const ports = { api: 1, postgres: 2, temporal: 3, temporalUi: 4, demoShop: 5 };
  const temporal = { address: '127.0.0.1:3', uiUrl: 'http://127.0.0.1:4' };

  test('for our own Temporal server, nothing that the person set for another one', () => {
    const env = {
      TEMPORAL_API_KEY: 'x',
      TEMPORAL_PROFILE: 'work',
      COUNTERSIGN_HOME: '/h',
      COUNTERSIGN_LOG_LEVEL: 'debug',
    };
    expect(programEnvironment({ env, ports, masterKeys: 'k', temporal, databaseUrl: 'postgres://d' })).toEqual({
      COUNTERSIGN_LOG_LEVEL: 'debug',
      COUNTERSIGN_SIMULATOR: '1',
      COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
      COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '2',
      COUNTERSIGN_CODEC_ORIGIN: 'http://127.0.0.1:4',
      COUNTERSIGN_MASTER_KEYS: 'k',
      TEMPORAL_ADDRESS: '127.0.0.1:3',
      DATABASE_URL: 'postgres://d',
      PORT: '1',
    });
  });

  test('for the person’s own Temporal server, all that belongs to it', () => {
    const env = { TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_API_KEY: 'x', COUNTERSIGN_SIMULATOR: '0' };
    const made = programEnvironment({
      env,
      ports,
      masterKeys: 'k',
      temporal: { address: 'cloud:7233', uiUrl: undefined },
    });
    expect(made).toMatchObject({ ...env, PORT: '1' });
    expect(made).not.toHaveProperty('COUNTERSIGN_CODEC_ORIGIN');
  });
});

test('the program ends with code 78 and names all that is wrong, and no value of it', async () => {
  const program = run(process.execPath, ['--import', 'tsx', 'main.ts'], {
    DATABASE_URL: 'mysql://secret-1',
    COUNTERSIGN_MASTER_KEYS: 'secret-2',
    COUNTERSIGN_MISSPELT: 'secret-3',
  });
  expect(await program.ended).toMatchObject({ code: 78 });
  for (const name of ['DATABASE_URL', 'COUNTERSIGN_MASTER_KEYS', 'COUNTERSIGN_MISSPELT']) {
    expect(program.output()).toContain(name);
  }
  expect(program.output()).not.toContain('secret-');
});

describe('the demo shop', () => {
  const signingKey = `whsec_${randomBytes(32).toString('base64')}`;
  const body = JSON.stringify({ type: 'approval.approved', data: { id: 'a-1', status: 'approved' } });
  let shop: DemoShop;
  let shown: string[];

  beforeEach(async () => {
    const [port = 0] = await freePorts(1);
    shown = [];
    shop = await startDemoShop({ port, signingKey, show: (line) => void shown.push(line) });
  });
  afterEach(() => shop.close());

  function send(text: string, key = signingKey): Promise<Response> {
    const now = new Date();
    const headers = {
      'webhook-id': 'cb_a-1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(key).sign('cb_a-1', now, body),
    };
    return fetch(shop.callbackUrl, { method: 'POST', headers, body: text });
  }

  test('takes a callback that is signed with the tenant’s key', async () => {
    expect((await send(body)).status).toBe(204);
    expect(shown).toEqual(['callback  approval a-1 approved  signature valid']);
  });

  test('refuses a body that was changed, and one signed with another key', async () => {
    expect((await send(body.replace('approved', 'denied'))).status).toBe(401);
    expect((await send(body, `whsec_${randomBytes(32).toString('base64')}`)).status).toBe(401);
    expect(shown).toEqual(Array(2).fill('callback  refused  signature not valid'));
  });

  test('reads no endless body', async () => {
    expect((await send('x'.repeat(300_000))).status).toBe(413);
  });
});
