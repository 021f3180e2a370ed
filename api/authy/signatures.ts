import type { Request } from 'express';
import type { Tenant } from '../../db/tenants';
import { isSignedWith } from '../../services/signedCalls';
import type { Tenants } from '../../services/tenants';
import { AuthyRefusal } from './refusals';
import { readSigned } from './signedParameters';
import type { SignedParameters } from './signedParameters';
import type { Hash, Value } from './values';

export interface SignatureDeps {
  tenants: Pick<Tenants, 'findByAppApiKey' | 'holdsAccessKey'>;
  /** Every base URL by which this server is known: clients sign the one that they were told. */
  publicUrls: () => readonly string[];
}

/** Who signed a call of the dashboard API, and what it brings. @throws AuthyRefusal */
export type ProveSigned = (req: Request) => Promise<SignedParameters & { tenant: Tenant }>;

/** Some clients sign this one, whatever address they then call. */
const AUTHY_URL = 'https://api.authy.com';
const MOST_CHARACTERS = 200;

/** Verifies calls of the dashboard API: signed with the API signing key, in the name of an application and an access key. */
export function createSignatures({ tenants, publicUrls }: SignatureDeps): ProveSigned {
  function isSigned(req: Request, tree: Hash, key: string): boolean {
    const nonce = req.get('x-authy-signature-nonce') ?? '';
    const signature = req.get('x-authy-signature') ?? '';
    if (nonce === '' || nonce.length > MOST_CHARACTERS || signature.length > MOST_CHARACTERS) return false;
    const call = { nonce, method: req.method, signature, urls: urlsOf(req), parameters: spellingsOf(tree) };
    return isSignedWith(key, call);
  }

  function urlsOf(req: Request): string[] {
    const [asSent = ''] = req.originalUrl.split('?');
    const paths = new Set([asSent, asSent.replace(/\/{2,}/g, '/')]);
    const bases = new Set([...publicUrls(), AUTHY_URL]);
    return [...bases].flatMap((base) => [...paths].map((path) => base.replace(/\/$/, '') + path));
  }

  return async (req) => {
    const { parameters, files } = await readSigned(req);
    const appApiKey = parameters.text('app_api_key', MOST_CHARACTERS) ?? '';
    const accessKey = parameters.text('access_key', MOST_CHARACTERS) ?? '';
    const known = await tenants.findByAppApiKey(appApiKey);
    if (!known) throw new AuthyRefusal(60073);
    // Before anything is said of the access key, which the signature covers.
    if (!isSigned(req, parameters.tree, known.apiSigningKey)) throw new AuthyRefusal(60087);
    if (!tenants.holdsAccessKey(known.accessKeys, accessKey)) throw new AuthyRefusal(60072);
    return { tenant: known.tenant, parameters, files };
  };
}

/** What clients sign: events in their order, or sorted, or a single one without brackets. */
function spellingsOf(tree: Hash): Hash[] {
  const events = tree['events'];
  if (events === undefined || events === null) return [tree];
  const list: Value[] = Array.isArray(events) ? events : [events];
  const [only, ...more] = list;
  const spelled = [events, list, list.toSorted(), ...(only !== undefined && more.length === 0 ? [only] : [])];
  return spelled.map((one) => ({ ...tree, events: one }));
}
