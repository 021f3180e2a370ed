import { once } from 'node:events';
import { connect, constants, createServer } from 'node:http2';
import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Stops } from './stops';
import type { Stop, When } from './stops';

/** One call on its way to Temporal; `name` is the last part of its path, such as StartWorkflowExecution. */
export interface Call {
  readonly name: string;
  readonly path: string;
  readonly body: Buffer;
}

export interface H2cProxy {
  readonly port: number;
  /** Holds the first call that matches; every other one flows. */
  stopAt(matches: (call: Call) => boolean, when: When): Stop<Call>;
  /** How often each call was made, by its name. */
  counts(): Record<string, number>;
  /** Calls that match are refused for good (PERMISSION_DENIED), and never reach the server; undefined ends that. */
  fail(matches: ((call: Call) => boolean) | undefined): void;
  /** New connections are closed at once while this is true, like those to a server that is away. */
  refuse(refusing: boolean): void;
  cutAll(): void;
  close(): Promise<void>;
}

interface Answer {
  headers: OutgoingHttpHeaders;
  body: Buffer;
  /** Missing where the headers were all there is, as in most gRPC errors. */
  trailers?: OutgoingHttpHeaders;
}

// Long polls of many workers, and histories of many events, are no attack.
const LIMITS = { maxSessionMemory: 256 };

/**
 * A proxy before a gRPC server without TLS on loopback that knows the calls by name and can stop at one.
 * It carries whole messages: Temporal's calls are one question and one answer.
 */
export async function startH2cProxy(upstreamPort: number, port = 0): Promise<H2cProxy> {
  const stops = new Stops<Call>();
  const sessions = new Set<ServerHttp2Session>();
  let refusing = false;
  let failing: ((call: Call) => boolean) | undefined;

  const server = createServer(LIMITS);
  server.on('session', (session) => {
    session.on('error', () => undefined); // 'close' follows, and is what counts
    if (refusing) return void session.destroy();
    sessions.add(session);
    const upstream = connect(`http://127.0.0.1:${upstreamPort}`, LIMITS);
    upstream.on('error', () => undefined);
    upstream.once('close', () => session.destroy());
    session.once('close', () => {
      sessions.delete(session);
      upstream.destroy();
    });
    session.on('stream', (stream, headers) => {
      // A call that was given up, on either side, has nobody left to be told.
      carry(stream, headers, upstream, { stops, fails: (call) => failing?.(call) ?? false }).catch(() =>
        stream.close(constants.NGHTTP2_CANCEL),
      );
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const cutAll = () => sessions.forEach((session) => session.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    stopAt: (matches, when) => stops.stopAt(matches, when),
    counts: () => stops.counts(),
    fail: (matches) => void (failing = matches),
    refuse: (now) => void (refusing = now),
    cutAll,
    async close() {
      const closed = once(server, 'close');
      server.close();
      cutAll();
      await closed;
    },
  };
}

interface Rules {
  stops: Stops<Call>;
  fails: (call: Call) => boolean;
}

const REFUSAL: Answer = {
  headers: { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7', 'grpc-message': 'refused' },
  body: Buffer.alloc(0),
};

async function carry(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  upstream: ClientHttp2Session,
  { stops, fails }: Rules,
): Promise<void> {
  stream.on('error', () => undefined);
  const path = headers[':path'] ?? '';
  const call = { name: path.slice(path.lastIndexOf('/') + 1), path, body: await buffer(stream) };
  if (fails(call)) return tell(stream, REFUSAL);
  const held = stops.meet(call);
  if (held?.when === 'before' && (await held.stand()) === 'drop') return void stream.session?.destroy();
  const answer = await ask(upstream, headers, call.body, stream);
  if (held?.when === 'after' && (await held.stand()) === 'drop') return void stream.session?.destroy();
  tell(stream, answer);
}

/** Asks the server; a client that gives up takes its question back. */
async function ask(
  upstream: ClientHttp2Session,
  headers: IncomingHttpHeaders,
  body: Buffer,
  client: ServerHttp2Stream,
): Promise<Answer> {
  if (client.destroyed) throw new Error('the client gave up');
  const question = upstream.request(headers);
  question.on('error', () => undefined); // the reading below fails with it
  const giveUp = () => question.close(constants.NGHTTP2_CANCEL);
  client.once('close', giveUp);
  try {
    let headers: IncomingHttpHeaders | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    question.once('response', (told: IncomingHttpHeaders) => (headers = told));
    question.once('trailers', (told: IncomingHttpHeaders) => (trailers = told));
    question.end(body);
    const answer = await buffer(question);
    if (headers === undefined) throw new Error('the server gave no answer');
    return { headers, body: answer, ...(trailers && { trailers }) };
  } finally {
    client.off('close', giveUp);
  }
}

function tell(stream: ServerHttp2Stream, { headers, body, trailers }: Answer): void {
  if (stream.destroyed) return;
  if (!trailers) {
    stream.respond(headers, { endStream: body.length === 0 });
    if (body.length > 0) stream.end(body);
    return;
  }
  stream.respond(headers, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}
