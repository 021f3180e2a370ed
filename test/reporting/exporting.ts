import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { once } from 'node:events';

const SAMPLE_MS = 200;

export interface ExportResult {
  lines: number;
  mb: number;
  seconds: number;
  /** Of the whole process, in MB: before, and the most while it ran. */
  rssMb: { before: number; most: number };
}

/** The memory of a program, in MB, as it says itself. */
async function rssMbOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Math.round(Number(/^countersign_process_resident_memory_bytes (\S+)/m.exec(text)![1]) / 1e6);
}

/** Reads an export to its end, and samples the memory of the program meanwhile. */
export async function readExport(url: string, apiKey: string, query: string): Promise<ExportResult> {
  const before = await rssMbOf(url);
  let running = true;
  let most = before;
  const sampling = (async () => {
    while (running) {
      most = Math.max(most, await rssMbOf(url));
      await wait(SAMPLE_MS);
    }
  })();
  const startedMs = performance.now();
  const response = await openExport(url, apiKey, query);
  let lines = 0;
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines += 1;
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  running = false;
  await sampling;
  if (!response.complete) throw new Error('the export was cut off');
  return { lines, mb: Math.round(bytes / 1e5) / 10, seconds: Math.round(seconds * 10) / 10, rssMb: { before, most } };
}

/** Many callers at once that ask for everything and read nothing: what the program holds for them, in MB. */
export async function holdExports(url: string, apiKey: string, callers: number, forMs: number) {
  const before = await rssMbOf(url);
  const responses = await Promise.all(Array.from({ length: callers }, () => openExport(url, apiKey, '')));
  for (const response of responses) response.on('error', () => {});
  let most = before;
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await wait(SAMPLE_MS)) {
    most = Math.max(most, await rssMbOf(url));
  }
  for (const response of responses) response.destroy();
  return { callers, seconds: forMs / 1_000, rssMb: { before, most } };
}

async function openExport(url: string, apiKey: string, query: string): Promise<http.IncomingMessage> {
  const request = http.get(`${url}/v1/events/export${query}`, { headers: { authorization: `Bearer ${apiKey}` } });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`status ${String(response.statusCode)}`);
  return response;
}
