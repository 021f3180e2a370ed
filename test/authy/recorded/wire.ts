import { connect } from 'node:net';
import type { RawReply } from '../../support/http';

/** Sends exactly these bytes over a connection of their own, and reads one reply. */
export function sendBytes(url: string, bytes: Buffer): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const reply = toReply(received);
      if (reply) socket.end(() => resolve(reply));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the connection ended after ${received.toString('latin1')}`)));
  });
}

/** Undefined as long as something is missing. */
function toReply(received: Buffer): RawReply | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const bytes = received.subarray(end + 4);
  if (bytes.length < Number(headers['content-length'])) return undefined;
  const text = bytes.toString('utf8');
  return { status: Number(statusLine.split(' ')[1]), headers, text, body: JSON.parse(text) };
}
