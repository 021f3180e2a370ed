import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { addUser } from '../support/phone';
import type { TestUser } from '../support/phone';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { until } from '../support/until';

jest.setTimeout(60_000);

// Long enough that a busy machine does not take an upload for a slow one.
const LIMITS = { headersMs: 1_000, requestMs: 5_000, checkEveryMs: 50, keepAliveMs: 5_000, mostConnections: 1_000 };
const MIB = 1024 * 1024;

describe('slow and hostile HTTP', () => {
  let program: TestProgram;
  let user: TestUser;
  let approvalId: string;
  beforeAll(async () => {
    // Nothing of it needs Temporal.
    program = await startTestProgram({ httpLimits: LIMITS, temporalAddress: '127.0.0.1:1' });
    user = await addUser(program);
    const body = { userId: user.id, mode: 'transaction', title: 'Pay' };
    approvalId = (await program.call('POST', '/v1/approvals', body)).body.id;
  });
  afterAll(() => program?.close());

  /** A connection, and everything that comes back on it until it ends. */
  async function open(text: string): Promise<{ socket: Socket; reply: Promise<string> }> {
    const { hostname, port } = new URL(program.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    await once(socket, 'connect');
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    const reply = new Promise<string>((resolve) => {
      socket.on('error', () => undefined); // a reset is an end, too
      socket.once('end', () => socket.end());
      socket.once('close', () => resolve(received));
    });
    socket.write(text);
    return { socket, reply };
  }
  const head = (more: string) =>
    `POST /v1/approvals HTTP/1.1\r\nhost: ${new URL(program.url).host}\r\n` +
    `authorization: Bearer ${program.tenant.apiKey}\r\ncontent-type: application/json\r\n${more}`;

  async function serverErrors(): Promise<string[]> {
    const { text } = await program.call('GET', '/metrics');
    return text.split('\n').filter((line) => /_count\{.*status="5\d\d"/.test(line));
  }

  test('headers that never end, and bodies that trickle, are cut off in time', async () => {
    const half = await open(head(''));
    const silent = await open('');
    const trickling = await open(head('content-length: 1000\r\n\r\n{'));
    const trickle = setInterval(() => trickling.socket.write(' '), 20);
    try {
      expect(await half.reply).toMatch(/^HTTP\/1\.1 408 /);
      expect(await silent.reply).toMatch(/^(HTTP\/1\.1 408 .*)?/);
      expect(await trickling.reply).toMatch(/^(HTTP\/1\.1 408 |$)/);
    } finally {
      clearInterval(trickle);
    }
    expect(await serverErrors()).toEqual([]);
  });

  test('an upload that is broken off has no effect, and ends', async () => {
    const before = (await program.call('GET', '/v1/approvals')).body.approvals.length;
    const body = JSON.stringify({ userId: user.id, mode: 'transaction', title: 'Pay' });
    const halfClosed = await open(head(`content-length: ${body.length + 1}\r\n\r\n${body}`));
    halfClosed.socket.end();
    const reset = await open(head(`content-length: ${body.length + 1}\r\n\r\n${body}`));
    reset.socket.resetAndDestroy();
    const [first] = await Promise.all([halfClosed.reply, reset.reply]);
    expect(first).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect((await program.call('GET', '/v1/approvals')).body.approvals).toHaveLength(before);
    expect(await serverErrors()).toEqual([]);
  });

  test('a body without end is refused after 64 KiB, and its memory is given back', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`;
    const before = process.memoryUsage().arrayBuffers;
    let sent = 0;
    let peak = 0;
    const uploads = await Promise.all(
      Array.from({ length: 20 }, () => open(head('transfer-encoding: chunked\r\n\r\n'))),
    );
    for (const { socket } of uploads) {
      const pour = () => {
        peak = Math.max(peak, process.memoryUsage().arrayBuffers);
        if (!socket.writable) return;
        sent += chunk.length;
        socket.write(chunk, (error) => error ?? pour());
      };
      pour();
    }
    const replies = await Promise.all(uploads.map((upload) => upload.reply));
    for (const reply of replies) expect(reply).toMatch(/^HTTP\/1\.1 413 .*"code":"body_too_large"/s);
    expect(sent).toBeGreaterThan(20 * MIB);
    expect(peak - before).toBeLessThan(64 * MIB);
    expect(await serverErrors()).toEqual([]);
  });

  test('200 long polls wait without a connection to the database, and nobody else waits for them', async () => {
    const polls = Array.from({ length: 200 }, () =>
      fetch(`${program.url}/v1/approvals/${approvalId}?wait=30`, {
        headers: { authorization: `Bearer ${program.tenant.apiKey}` },
      }).then(({ status }) => status),
    );
    const settled = Promise.allSettled(polls);
    await until(async () => (await metric('countersign_waiting')) === 200, { what: '200 that wait' });
    const busy = `select count(*)::int as busy from pg_stat_activity
                   where datname = current_database() and application_name = 'countersign'
                     and pid <> pg_backend_pid() and state <> 'idle'`;
    await until(async () => (await program.pool.query<{ busy: number }>(busy)).rows[0]!.busy === 0, { what: 'quiet' });
    expect(await metric('countersign_pool_connections')).toBeLessThanOrEqual(20);
    expect((await program.call('GET', `/v1/users/${user.id}`)).status).toBe(200);

    await user.phone.answer(await user.phone.show(approvalId), 'approved');
    expect(new Set((await settled).map((each) => (each.status === 'fulfilled' ? each.value : 0)))).toEqual(
      new Set([200]),
    );
    expect(await metric('countersign_waiting')).toBe(0);
  });

  test('requests whose callers go away at once leave nothing behind', async () => {
    const body = JSON.stringify({ userId: user.id, mode: 'transaction', title: 'Pay' });
    const leaving = Array.from({ length: 60 }, async (_, index) => {
      const { socket, reply } = await open(head(`content-length: ${body.length}\r\n\r\n${body}`));
      if (index % 3 === 0) socket.resetAndDestroy();
      else if (index % 3 === 1) socket.destroy();
      else socket.end();
      await reply;
    });
    await Promise.all(leaving);
    expect((await program.call('GET', '/readyz')).status).toBe(200);
    expect(await serverErrors()).toEqual([]);
  });

  test('and nothing of all that was an accident', () => {
    expect(program.logs.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(program.logs.length).toBeGreaterThan(50);
  });

  async function metric(name: string): Promise<number> {
    const { text } = await program.call('GET', '/metrics');
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  }
});
