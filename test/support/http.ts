import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { startTestProgram } from './program';
import type { TestProgram, TestProgramOptions } from './program';

export interface RawReply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // Tests look into replies of every shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface RawCall {
  method?: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: Buffer | string;
}

/** Sends exactly this: `fetch` would tidy paths, refuse a body of GET and set headers of its own. */
export function send(
  program: Pick<TestProgram, 'url'>,
  { method = 'GET', path, headers = {}, body }: RawCall,
): Promise<RawReply> {
  const { hostname, port } = new URL(program.url);
  // Node gives a GET no length, and its body would be taken for the next request.
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { hostname, port, method, path, headers: { ...length, ...headers }, agent: false };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The headers of a tenant's call with a JSON body. */
export const asTenant = (program: TestProgram): Record<string, string> => ({
  authorization: `Bearer ${program.tenant.apiKey}`,
  'content-type': 'application/json',
});

/** The API alone, without anything that runs workflows: for what is decided by rows. */
export const startApi = (options: TestProgramOptions = {}): Promise<TestProgram> =>
  startTestProgram({ ...options, env: { COUNTERSIGN_ROLES: 'api', ...options.env } });

/** How many rows each table has: a refused call leaves this as it was. */
export async function countRows(program: TestProgram): Promise<Record<string, number>> {
  const { rows: tables } = await program.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_name <> 'schema_migrations' order by 1`,
  );
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as count from ${name}`);
  const { rows } = await program.pool.query<{ name: string; count: number }>(counts.join(' union all '));
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}
