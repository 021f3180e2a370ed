import { describe, expect, test } from '@jest/globals';
import { serializeError } from '../../platform/telemetry/errorSerializer';
import { createLogger } from '../../platform/telemetry/logger';
import { createMetrics } from '../../platform/telemetry/metrics';

const SECRET = 'hunter2';

function setupLogger(level: 'info' | 'silent' = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

/** As `pg` makes them. */
function pgError(code: string, message: string) {
  return Object.assign(new Error(message), {
    severity: 'ERROR',
    code,
    detail: `Key (phone)=(${SECRET}) already exists.`,
    where: `unnamed portal parameter $1 = '${SECRET}'`,
    internalQuery: `select '${SECRET}'`,
    parameters: [SECRET],
  });
}

describe('the log', () => {
  test('is one JSON line per event that says who speaks, when and how loud', () => {
    const { logger, lines, last } = setupLogger();
    logger.info({ approvalId: 'a1' }, 'decided');
    logger.debug('not at this level');
    expect(lines).toHaveLength(1);
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      service: 'countersign',
      approvalId: 'a1',
      msg: 'decided',
    });
  });

  test.each(['authorization', 'dpop', 'idempotency-key', 'cookie', 'set-cookie'])(
    'does not show the header %s, wherever headers are logged',
    (header) => {
      const { logger, lines } = setupLogger();
      const headers = { [header]: SECRET, accept: 'application/json' };
      logger.info({ req: { headers }, res: { headers } }, 'request');
      logger.info({ headers }, 'headers');
      logger.info(headers, 'bare');
      expect(lines.join('')).not.toContain(SECRET);
      expect(lines.join('').match(/application\/json/g)).toHaveLength(4);
    },
  );

  test.each([
    ['under err', (error: Error) => [{ err: error }, 'failed'] as const],
    ['under error', (error: Error) => [{ error }, 'failed'] as const],
    ['alone', (error: Error) => [error] as const],
    ['alone under err', (error: Error) => [{ err: error }] as const],
    ['as a cause', (error: Error) => [new Error('outer', { cause: error }), 'failed'] as const],
    ['among others', (error: Error) => [new AggregateError([error]), 'failed'] as const],
  ])('does not show the row in an error of PostgreSQL, logged %s', (_how, args) => {
    const { logger, lines } = setupLogger();
    const [first, ...rest] = args(pgError('22P02', `invalid input syntax for type uuid: "${SECRET}"`));
    logger.error(first, ...rest);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('22P02');
    expect(lines[0]).toContain('invalid input syntax for type uuid');
    expect(lines[0]).not.toContain(SECRET);
  });
});

describe('a logged error', () => {
  test('keeps code, message, stack and cause', () => {
    const cause = pgError('23505', 'duplicate key value violates unique constraint "users_phone_key"');
    const logged = serializeError(new TypeError('outer', { cause }));
    expect(logged).toEqual({
      type: 'TypeError',
      message: 'outer',
      stack: expect.stringMatching(/^TypeError: outer\n\s+at .*telemetry\.test/),
      cause: {
        type: 'Error',
        code: '23505',
        message: 'duplicate key value violates unique constraint "users_phone_key"',
        stack: expect.stringContaining('telemetry.test'),
      },
    });
  });

  test('ends, also where causes go in a circle', () => {
    const error = new Error('circle');
    error.cause = error;
    expect(JSON.stringify(serializeError(error)).match(/"type"/g)).toHaveLength(6);
  });

  test.each([SECRET, 42, null, undefined, {}])('%p is no reason to fail or to tell it', (thrown) => {
    expect(JSON.stringify(serializeError(thrown))).not.toContain(SECRET);
  });
});

describe('metrics', () => {
  test('count what they are told, under our prefix', async () => {
    const metrics = createMetrics();
    metrics.httpRequest('/v1/approvals/:id', 'GET', 200, 0.02);
    metrics.approvalDecided('approved');
    metrics.approvalDecided('approved');
    metrics.pushAttempt('simulated', 'sent');
    metrics.callbackAttempt('failed');
    metrics.reconciled('approval');
    let open = 3;
    metrics.watchPool(() => open);
    open = 4;
    const { body, contentType } = await metrics.page();
    expect(contentType).toContain('text/plain');
    expect(body.split('\n')).toEqual(
      expect.arrayContaining([
        'countersign_http_request_seconds_count{route="/v1/approvals/:id",method="GET",status="200"} 1',
        'countersign_approvals_decided_total{outcome="approved"} 2',
        'countersign_push_attempts_total{kind="simulated",result="sent"} 1',
        'countersign_callback_attempts_total{result="failed"} 1',
        'countersign_reconciled_total{kind="approval"} 1',
        'countersign_pool_connections 4',
      ]),
    );
    const names = body.match(/^# TYPE \S+/gm) ?? [];
    expect(names.filter((name) => !name.startsWith('# TYPE countersign_'))).toEqual([]);
    expect(names.length).toBeGreaterThan(10); // those of the process are among them
  });

  test('of two programs in one process stay apart', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.approvalDecided('denied');
    expect((await other.page()).body).not.toContain('outcome="denied"');
  });

  test('do not grow with the paths and methods that somebody makes up', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 1_000; i++) metrics.httpRequest(`/v1/${i}`, `METHOD${i}`, 404, 0.001);
    const { body } = await metrics.page();
    expect(body.match(/http_request_seconds_count\{/g)).toHaveLength(201);
    expect(body).toContain('http_request_seconds_count{route="other",method="other",status="404"} 800');
  });
});
