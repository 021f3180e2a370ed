/** What runs: `name` is the text with single spaces, in lower case; `values` are its parameters, read as text. */
export interface Step {
  readonly name: string;
  readonly values: readonly (string | null)[];
}

/** A statement on its way to PostgreSQL. */
export interface Statement extends Step {
  /** What ran before it in the same transaction; empty outside of one. */
  readonly transaction: readonly Step[];
}

/** `type` is the message's letter, or '' for the one that opens a connection and has none. */
export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

const STARTUP_HEADER = 4;
const HEADER = 5;

/** Cuts a stream of bytes into whole protocol messages, wherever the chunks end. */
export class MessageSplitter {
  private rest: Buffer = Buffer.alloc(0);

  /** A client's first message has no letter; a server's has one. */
  constructor(private opening: boolean) {}

  push(chunk: Buffer): Message[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const messages: Message[] = [];
    for (let next = this.take(); next !== undefined; next = this.take()) messages.push(next);
    return messages;
  }

  /** The client was told that there is no encryption here, and opens the connection again. */
  expectOpening(): void {
    this.opening = true;
  }

  private take(): Message | undefined {
    const header = this.opening ? STARTUP_HEADER : HEADER;
    if (this.rest.length < header) return undefined;
    // The length counts itself but not the letter before it.
    const size = this.rest.readInt32BE(header - 4) + header - 4;
    if (this.rest.length < size) return undefined;
    const bytes = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(size);
    const type = this.opening ? '' : String.fromCharCode(bytes[0]!);
    this.opening = false;
    return { type, bytes };
  }
}

const ENCRYPTION_REQUESTS = new Set([80_877_103, 80_877_104]);

/** SSLRequest and GSSENCRequest: questions that are answered with one letter, before the connection opens. */
export function asksForEncryption({ type, bytes }: Message): boolean {
  return type === '' && bytes.length === 8 && ENCRYPTION_REQUESTS.has(bytes.readInt32BE(4));
}

/** Each of these is answered by exactly one ReadyForQuery. */
export function asksForReady({ type }: Message): boolean {
  return type === '' || type === 'Q' || type === 'S';
}

/** Gives the text of a Parse or Query message to `change` and puts what it returns in its place. */
export function rewriteText(message: Message, change: (text: string) => string): Message {
  if (message.type !== 'Q' && message.type !== 'P') return message;
  const start = message.type === 'P' ? endOfString(message.bytes, HEADER) : HEADER;
  const end = endOfString(message.bytes, start);
  const before = message.bytes.toString('utf8', start, end - 1);
  const after = change(before);
  if (after === before) return message;
  const bytes = Buffer.concat([
    message.bytes.subarray(0, start),
    Buffer.from(`${after}\0`),
    message.bytes.subarray(end),
  ]);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return { type: message.type, bytes };
}

/** Follows one client's messages and knows which statement runs, and what its transaction did before. */
export class StatementReader {
  private readonly prepared = new Map<string, string>();
  private transaction: Step[] | undefined;

  /** The statement that this message runs; undefined for messages that run none. */
  read({ type, bytes }: Message): Statement | undefined {
    if (type === 'Q') return this.run(stringAt(bytes, HEADER), []);
    if (type === 'P') this.prepared.set(stringAt(bytes, HEADER), stringAt(bytes, endOfString(bytes, HEADER)));
    if (type !== 'B') return undefined;
    // A prepared statement is parsed once and bound many times, so it is the binding that counts.
    const statement = endOfString(bytes, HEADER);
    return this.run(
      this.prepared.get(stringAt(bytes, statement)) ?? '',
      valuesAt(bytes, endOfString(bytes, statement)),
    );
  }

  private run(text: string, values: Step['values']): Statement {
    const step = { name: normalise(text), values };
    const transaction = [...(this.transaction ?? [])];
    if (/^(begin|start transaction)\b/.test(step.name)) this.transaction = [];
    else if (/^(commit|end|abort|rollback(?! to\b))\b/.test(step.name)) this.transaction = undefined;
    else this.transaction?.push(step);
    return { ...step, transaction };
  }
}

/** The parameters of a Bind message: their formats, then each with its length, -1 for null. */
function valuesAt(bytes: Buffer, start: number): (string | null)[] {
  const count = start + 2 + 2 * bytes.readInt16BE(start);
  let at = count + 2;
  return Array.from({ length: bytes.readInt16BE(count) }, () => {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return bytes.toString('utf8', at - length, at);
  });
}

/** Single spaces, lower case, no comments, so that a point's pattern does not depend on how the code is laid out. */
function normalise(text: string): string {
  return text.replace(/--.*$/gm, ' ').replace(/\s+/g, ' ').trim().toLowerCase();
}

function endOfString(bytes: Buffer, start: number): number {
  return bytes.indexOf(0, start) + 1;
}

function stringAt(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, endOfString(bytes, start) - 1);
}
