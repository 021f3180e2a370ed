import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Express } from 'express';
import request from 'supertest';
import { openApiDocument } from '../../api/openapi';
import { createServer } from '../../api/server';
import { createUnderWay } from '../../api/underWay';
import { ROUTES } from '../../contracts/routes';
import { createMetrics } from '../../platform/telemetry/metrics';
import { createLogger } from '../../platform/telemetry/logger';
import { VERSION } from '../../platform/version';

const ROOT = join(__dirname, '..', '..');
const FILE = join(ROOT, 'docs', 'openapi.json');
const run = promisify(execFile);

/** The server with nothing behind it: enough to see what it would serve. */
function bareServer(): Express {
  return createServer({
    services: {} as never,
    pool: {} as never,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    version: VERSION,
    publicUrls: () => ['http://127.0.0.1'],
    temporalIsUp: () => true,
    underWay: createUnderWay(),
    simulator: true,
    withApi: true,
    codec: undefined,
  });
}

describe('the OpenAPI document', () => {
  const committed = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown>;
  let app: Express;
  beforeAll(() => void (app = bareServer()));

  test('is committed as the contracts give it (npm run openapi)', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(openApiDocument(VERSION))));
  });

  test('is served as it is committed', async () => {
    const reply = await request(app).get('/v1/openapi.json').set('host', '127.0.0.1');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual(committed);
  });

  test('is of this release', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(committed['info']).toMatchObject({ version });
  });

  test('is valid OpenAPI 3.1, and every reference in it leads somewhere', async () => {
    const cli = require.resolve('@seriousme/openapi-schema-validator/bin/validate-api-cli.js');
    const { stdout } = await run(process.execPath, [cli, FILE]);
    expect(JSON.parse(stdout)).toEqual({ valid: true });
    expect(committed['openapi']).toMatch(/^3\.1\./);
  });

  test('describes exactly the routes that the server has', () => {
    const isNative = (route: string) => !/^\w+ \/(:tree|protected|onetouch|dashboard|2010-04-01)/.test(route); // not of the Authy dialect
    const served = routesOf(app.router as unknown as { stack: Layer[] })
      .filter(isNative)
      .sort();
    const described = ROUTES.map(({ method, path }) => `${method} ${path}`).sort();
    expect(served.length).toBeGreaterThan(20);
    expect(served).toEqual(described);
    const paths = committed['paths'] as Record<string, Record<string, unknown>>;
    const written = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(written.sort()).toEqual(described);
  });

  test('names each thing that goes by reference once, and nothing by accident', () => {
    const { schemas } = committed['components'] as { schemas: Record<string, unknown> };
    expect(Object.keys(schemas).filter((name) => !/^[A-Z]\w+$/.test(name))).toEqual([]);
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Approval', 'DeviceApproval', 'Problem', 'Shown']));
  });
});

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** Every route of an express router and of the routers inside it. */
function routesOf({ stack = [] }: { stack?: Layer[] }): string[] {
  return stack.flatMap(({ route, handle }) =>
    route ? Object.keys(route.methods).map((method) => `${method} ${route.path}`) : routesOf(handle),
  );
}
