import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { asksForEncryption, asksForReady, MessageSplitter, rewriteText, StatementReader } from './postgresMessages';
import type { Statement } from './postgresMessages';
import { Stops } from './stops';
import type { Held, Stop, When } from './stops';

export interface PostgresProxy {
  readonly port: number;
  /** Holds the first statement that matches; every other one flows. */
  stopAt(matches: (statement: Statement) => boolean, when: When): Stop<Statement>;
  /** How often each statement ran, by its text. */
  counts(): Record<string, number>;
  /** Puts another text in place of a statement's; undefined leaves all of them alone. */
  rewrite(change: ((text: string) => string) | undefined): void;
  /** New connections are closed at once while this is true, like those to a server that is away. */
  refuse(refusing: boolean): void;
  cutAll(): void;
  close(): Promise<void>;
}

/** A proxy before a PostgreSQL on loopback that reads the statements that pass and can stop at one. */
export async function startPostgresProxy(upstreamPort: number, port = 0): Promise<PostgresProxy> {
  const stops = new Stops<Statement>();
  const sockets = new Set<Socket>();
  let refusing = false;
  let change: ((text: string) => string) | undefined;

  const server = createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = connect(upstreamPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    carry(client, upstream, stops, (text) => change?.(text) ?? text);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const cutAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    stopAt: (matches, when) => stops.stopAt(matches, when),
    counts: () => stops.counts(),
    rewrite: (to) => void (change = to),
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

/** Carries one connection, both ways, until either side ends. */
function carry(client: Socket, upstream: Socket, stops: Stops<Statement>, rewrite: (text: string) => string): void {
  let readyAsked = 0;
  let readySeen = 0;
  let heldAnswer: { number: number; held: Held } | undefined;

  async function* questions(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const splitter = new MessageSplitter(true);
    const reader = new StatementReader();
    for await (const chunk of source) {
      let passing: Buffer[] = [];
      for (const message of splitter.push(chunk)) {
        if (asksForEncryption(message)) {
          client.write('N');
          splitter.expectOpening();
          continue;
        }
        const statement = reader.read(message);
        const held = statement && stops.meet(statement);
        if (held?.when === 'before') {
          if (passing.length > 0) yield Buffer.concat(passing);
          passing = [];
          if ((await held.stand()) === 'drop') return destroyBoth();
        } else if (held) {
          heldAnswer = { number: readyAsked, held };
        }
        if (asksForReady(message)) readyAsked += 1;
        passing.push(rewriteText(message, rewrite).bytes);
      }
      if (passing.length > 0) yield Buffer.concat(passing);
    }
  }

  async function* answers(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const splitter = new MessageSplitter(false);
    let heldBack: Buffer[] = [];
    for await (const chunk of source) {
      let passing: Buffer[] = [];
      for (const message of splitter.push(chunk)) {
        const held = heldAnswer?.number === readySeen ? heldAnswer.held : undefined;
        (held ? heldBack : passing).push(message.bytes);
        if (message.type !== 'Z') continue;
        readySeen += 1;
        if (!held) continue;
        if (passing.length > 0) yield Buffer.concat(passing);
        if ((await held.stand()) === 'drop') return destroyBoth();
        [passing, heldBack, heldAnswer] = [heldBack, [], undefined];
      }
      if (passing.length > 0) yield Buffer.concat(passing);
    }
  }

  function destroyBoth(): void {
    client.destroy();
    upstream.destroy();
  }
  pipeline(client, questions, upstream).catch(destroyBoth);
  pipeline(upstream, answers, client).catch(destroyBoth);
}
