import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { AuthyRefusal, errorBody } from './authy/refusals';

interface ReadError extends Error {
  code?: string;
  /** What was being read when it went wrong; not always from the beginning of the request. */
  rawPacket?: Buffer;
}

const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
const STAYS_MS = 5_000;
/** Whoever asks the native API has nothing long to say in the path. */
const NATIVE = /^[A-Z]+ \/+(?:v1|\.well-known|healthz|readyz|metrics|install)\b/;
const AUTHY = /^[A-Z]+ \/+(?:protected|onetouch|dashboard|2010-04-01)\b/;

/**
 * Answers what Node cannot read as a request: it never reaches a handler. As Node does by itself, but for the Authy API:
 * its clients put everything into the query, too much of it or not escaped, and read a JSON body or fail in ways of their
 * own. What is still on its way is taken and thrown away for a while, because a connection that is reset takes the answer
 * with it.
 */
export function answerUnreadable(server: Server): void {
  const answered = new WeakSet<Socket>();
  server.on('clientError', (error: ReadError, stream) => {
    const socket = stream as Socket & { _httpMessage?: { headersSent?: boolean } | null };
    if (answered.has(socket)) return; // the rest of the same request
    if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
      return void socket.destroy();
    }
    answered.add(socket);
    socket.end(answerTo(error), () => socket.resume());
    const timer = setTimeout(() => socket.destroy(), STAYS_MS);
    socket.once('close', () => clearTimeout(timer));
  });
}

function answerTo({ code = '', rawPacket }: ReadError): string {
  const status = STATUSES[code] ?? '400 Bad Request';
  const isLong = code === 'HPE_HEADER_OVERFLOW';
  const beginning = rawPacket?.toString('latin1', 0, 200) ?? '';
  if (isLong ? NATIVE.test(beginning) : !AUTHY.test(beginning)) {
    return `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
  }
  const fault = isLong ? 'the query or a header is too long' : 'it cannot be read; is everything in its path escaped?';
  const refusal = new AuthyRefusal(60002, { message: `Invalid request: ${fault}` });
  const body = JSON.stringify(errorBody(refusal));
  return [
    `HTTP/1.1 ${refusal.status} Bad Request`,
    'connection: close',
    'content-type: application/json;charset=utf-8',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
