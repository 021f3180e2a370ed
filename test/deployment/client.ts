import { Agent, fetch as send } from 'undici';
import type { RequestInit as SendOptions } from 'undici';

/**
 * A caller with one connection, as an ordinary HTTP library keeps it: in use until the server ends it, and no request is
 * sent twice. With `keepAlive: false` each request has a connection of its own.
 */
export function createClient(
  log: { answered: number; failed: string[] },
  { keepAlive = true } = {},
): { fetch: typeof fetch; close(): Promise<void> } {
  const dispatcher = new Agent(keepAlive ? { connections: 1 } : { pipelining: 0 });
  return {
    async fetch(input, init) {
      const url = input as string;
      const name = `${init?.method ?? 'GET'} ${new URL(url).pathname}`;
      try {
        const reply = await send(url, { ...(init as unknown as SendOptions), dispatcher });
        const text = await reply.text(); // one that breaks off has failed, too
        if (reply.status >= 500) log.failed.push(`${name}: ${reply.status} ${text}`);
        else log.answered += 1;
        return new Response(text === '' ? null : text, { status: reply.status, headers: [...reply.headers] });
      } catch (error) {
        log.failed.push(`${name}: ${String((error as Error).cause ?? error)}`);
        throw error;
      }
    },
    close: () => dispatcher.destroy(),
  };
}
