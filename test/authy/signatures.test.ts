import { describe, expect, test } from '@jest/globals';
import type { Request } from 'express';
import { createSignatures } from '../../api/authy/signatures';
import type { SignatureDeps } from '../../api/authy/signatures';
import { signAuthy } from '../../channels/authy/sign';

const KEYS = 'app_api_key=app-key-made-up&access_key=access-key-made-up';
const NONCE = '1427849783.886085';
const WEBHOOKS = '/dashboard/json/application/webhooks';

const tenants: SignatureDeps['tenants'] = {
  findByAppApiKey: (key) =>
    Promise.resolve(
      key === 'app-key-made-up'
        ? { tenant: { id: 'ours' } as never, apiSigningKey: 'signing-key-made-up', accessKeys: [] }
        : undefined,
    ),
  holdsAccessKey: (_keys, given) => given === 'access-key-made-up',
};
const prove = createSignatures({ tenants, publicUrls: () => ['https://2fa.example.test:8443/'] });

interface Call {
  method?: string;
  url?: string;
  form?: string;
  signature?: string;
  nonce?: string;
}

/** Whose call this is, or the number with which it is refused; the events where it names some. */
async function judge({ method = 'GET', url = WEBHOOKS, form, signature = '', nonce = NONCE }: Call) {
  const headers: Record<string, string> = { 'x-authy-signature': signature, 'x-authy-signature-nonce': nonce };
  const body = form === undefined ? undefined : Buffer.from(form);
  const req = { method, originalUrl: url, body, get: (name: string) => headers[name] } as unknown as Request;
  try {
    const { tenant, parameters } = await prove(req);
    return { tenant: tenant.id, events: parameters.list('events') };
  } catch (error) {
    return (error as { number?: number }).number;
  }
}

describe('the published vectors', () => {
  const hook = `${KEYS}&url=https%3A%2F%2Fexample.com%2Fhook%3Fa%3D1&name=my+hook`;

  test.each<[string, Call]>([
    ['list', { url: `${WEBHOOKS}?${KEYS}`, signature: 'cVvINHH3Jwy8N6+rv/7327k6CtuolNoqK/bn4xdcSMw=' }],
    ['list, in the body of a GET', { form: KEYS, signature: 'cVvINHH3Jwy8N6+rv/7327k6CtuolNoqK/bn4xdcSMw=' }],
    [
      'delete',
      {
        method: 'DELETE',
        url: `${WEBHOOKS}/WH_1-2`,
        form: KEYS,
        signature: 'Iw+MnkIRwuAxRLykTmt128nSbsiL+W0slkU2mmyD2rY=',
      },
    ],
    [
      'create',
      {
        method: 'POST',
        form: `${hook}&events[]=token_verified&events[]=user_added`,
        signature: 'q8pjFABvYut6eiT59MC6yTcSR+fYp29L+Fp+azIVHK0=',
      },
    ],
    [
      'create, events in their order',
      {
        method: 'POST',
        form: `${hook}&events[]=user_added&events[]=token_verified`,
        signature: 'oJda0043ndg/MHrj+Xtkpl6DJVBVZPiZujQypZsq1+s=',
      },
    ],
    [
      'create, events sorted by who signed',
      {
        method: 'POST',
        form: `${hook}&events[]=user_added&events[]=token_verified`,
        signature: 'q8pjFABvYut6eiT59MC6yTcSR+fYp29L+Fp+azIVHK0=',
      },
    ],
    [
      'create, events without brackets, nothing escaped',
      {
        method: 'POST',
        form: `${KEYS}&url=https://example.com/hook?a=1&name=my hook&events=token_verified&events=user_added`,
        signature: 'q8pjFABvYut6eiT59MC6yTcSR+fYp29L+Fp+azIVHK0=',
      },
    ],
  ])('%s', async (_, call) => {
    expect(await judge(call)).toMatchObject({ tenant: 'ours' });
    expect(await judge({ ...call, nonce: '1' })).toBe(60087);
    expect(await judge({ ...call, method: 'PUT' })).toBe(60087);
    expect(await judge({ ...call, url: `${call.url ?? WEBHOOKS}${call.url?.includes('?') ? '&' : '?'}more=1` })).toBe(
      60087,
    );
  });
});

const sign = (url: string, parameters: Record<string, unknown>) =>
  signAuthy('signing-key-made-up', { nonce: NONCE, method: 'GET', url, parameters });
const keys = { app_api_key: 'app-key-made-up', access_key: 'access-key-made-up' };

test('every URL by which the server is known may be signed, and no other', async () => {
  const signed = (base: string) => judge({ form: KEYS, signature: sign(`${base}${WEBHOOKS}`, keys) });
  expect(await signed('https://2fa.example.test:8443')).toMatchObject({ tenant: 'ours' });
  expect(await signed('https://api.authy.com')).toMatchObject({ tenant: 'ours' });
  expect(await signed('https://2fa.example.test')).toBe(60087);
});

test('a path with two slashes may be signed as it was sent, or as it is meant', async () => {
  for (const path of [`/${WEBHOOKS}`, WEBHOOKS]) {
    const signature = sign(`https://api.authy.com${path}`, keys);
    expect(await judge({ url: `/${WEBHOOKS}`, form: KEYS, signature })).toMatchObject({ tenant: 'ours' });
  }
});

test('a single event may be signed with or without brackets', async () => {
  for (const events of ['user_added', ['user_added']]) {
    const signature = sign(`https://api.authy.com${WEBHOOKS}`, { ...keys, events });
    const forms = [`${KEYS}&events=user_added`, `${KEYS}&events[]=user_added`];
    for (const form of forms) expect(await judge({ form, signature })).toMatchObject({ events: ['user_added'] });
  }
});

test('who names no application of ours learns nothing else; of a wrong access key only who can sign', async () => {
  expect(await judge({ form: 'app_api_key=other&access_key=access-key-made-up' })).toBe(60073);
  expect(await judge({})).toBe(60073);
  const form = 'app_api_key=app-key-made-up&access_key=other';
  expect(await judge({ form })).toBe(60087);
  const signature = sign(`https://api.authy.com${WEBHOOKS}`, { ...keys, access_key: 'other' });
  expect(await judge({ form, signature })).toBe(60072);
});
