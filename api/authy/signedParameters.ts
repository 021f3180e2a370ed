import type { Request } from 'express';
import { rawBodyOf } from '../body';
import { parametersOf, readParameters, readQuery } from './parameters';
import type { Parameters } from './parameters';
import { AuthyRefusal } from './refusals';
import { emptyHash, merge, toValue } from './values';
import type { Hash, Value } from './values';

/** What a signed call brings. */
export interface SignedParameters {
  parameters: Parameters;
  /** Of a multipart form, by the name of the field. */
  files: ReadonlyMap<string, Buffer>;
}

const MOST_FIELDS = 20;

/** Reads a call of the dashboard API: as any call of the Authy API, and multipart forms too. @throws AuthyRefusal */
export async function readSigned(req: Request): Promise<SignedParameters> {
  const type = req.get('content-type') ?? '';
  if (/^multipart\/form-data\b/i.test(type)) {
    const { fields, files } = await readMultipart(rawBodyOf(req), type);
    return { parameters: parametersOf(merge(fields, readQuery(req))), files };
  }
  const parameters = readParameters(req);
  const tree = withEveryEvent(parameters.tree, req);
  return { parameters: tree === parameters.tree ? parameters : parametersOf(tree), files: new Map() };
}

/** Some clients repeat `events=` without brackets; in other forms the last of such names is the one that counts. */
function withEveryEvent(tree: Hash, req: Request): Hash {
  if (typeof tree['events'] !== 'string') return tree;
  const query = req.originalUrl.split('?')[1] ?? '';
  const body = rawBodyOf(req)?.toString('utf8') ?? '';
  const events = [body, query].flatMap((text) => new URLSearchParams(text.trim()).getAll('events'));
  return events.length > 1 ? merge(tree, Object.assign(emptyHash(), { events })) : tree;
}

/** With the parser of the platform. */
async function readMultipart(bytes: Buffer | undefined, type: string) {
  const form = await new Response(new Uint8Array(bytes ?? []), { headers: { 'content-type': type } })
    .formData()
    .catch(() => {
      throw new AuthyRefusal(60002, { message: 'Invalid request: the form cannot be read' });
    });
  const entries = [...form];
  if (entries.length > MOST_FIELDS) throw new AuthyRefusal(60004, { message: 'Invalid parameter: there are too many' });
  const fields: Record<string, Value> = {};
  const files = new Map<string, Buffer>();
  for (const [name, value] of entries) {
    if (typeof value === 'string') fields[name] = value;
    else files.set(name, Buffer.from(await value.arrayBuffer()));
  }
  return { fields: toValue(fields) as Hash, files };
}
