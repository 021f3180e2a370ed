import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';

interface TakenEmail {
  from: string;
  to: string[];
  /** The whole of it, as it came. */
  source: string;
}

export interface MailServer {
  port: number;
  emails: TakenEmail[];
  close(): Promise<void>;
}

/** An error as a mail server replies it. */
export const reply = (status: number): Error => Object.assign(new Error('hunter2'), { responseCode: status });

/** A real mail server, without TLS and logins unless told otherwise. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const emails: TakenEmail[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 100,
    onData(stream, { envelope: { mailFrom, rcptTo } }, done) {
      const from = mailFrom === false ? '' : mailFrom.address;
      const take = (source: string) => void emails.push({ from, to: rcptTo.map(({ address }) => address), source });
      text(stream)
        .then(take)
        .then(() => done(), done);
    },
    ...options,
  });
  server.on('error', () => {}); // whoever hangs up on it
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    emails,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
