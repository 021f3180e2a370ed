import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTenantRows } from '../../../db/tenants';
import { createKeyring } from '../../../platform/keys/keyring';
import { createTenants } from '../../../services/tenants';
import type { DashboardKeys } from '../dashboardClient';
import { startAuthy } from '../../support/authy';
import { sendBytes } from './wire';

/**
 * The signed calls of clients that are written by hand: what each of them signs, and in which form it sends it. Where the
 * two differ, it is the client that does so.
 */
const WEBHOOKS = '/dashboard/json/application/webhooks';
const AUTHY = 'https://api.authy.com';
const FORM = 'application/x-www-form-urlencoded';

let bench: Awaited<ReturnType<typeof startAuthy>>;
let keys: DashboardKeys;
/** As the first letters of the query or body of every call. */
let own: string;
beforeAll(async () => {
  bench = await startAuthy();
  const tenants = createTenants(bench.pool, createTenantRows(createKeyring(bench.config.masterKeys)));
  keys = await tenants.ensureDashboardKeys(bench.tenant.id);
  own = `access_key=${keys.accessKey}&app_api_key=${keys.appApiKey}`;
}, 60_000);
afterAll(() => bench?.close());

interface Signed {
  call: string;
  /** Beside the two keys, in the order and the spelling of the client. */
  signs?: string;
  /** The base URL that it signs. */
  base?: string;
  nonce?: string;
  query?: string;
  body?: string | Buffer;
  type?: string;
}

function send({ call, signs = '', base = bench.url, nonce = '1427849783.886085', query = '', ...sent }: Signed) {
  const { body, type = FORM } = sent;
  const [method = '', path = ''] = call.split(' ');
  const signature = createHmac('sha256', keys.apiSigningKey)
    .update(`${nonce}|${method}|${base}${path}|${own}${signs}`)
    .digest('base64');
  const lines = [
    `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1`,
    `Host: ${new URL(bench.url).host}`,
    'Accept: */*',
    `X-Authy-Signature-Nonce:${nonce}`,
    `X-Authy-Signature: ${signature}`,
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`, `Content-Type: ${type}`]),
  ];
  return sendBytes(bench.url, Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body?.toString('latin1') ?? ''}`, 'latin1'));
}

const create = (more: Partial<Signed>) => send({ call: `POST ${WEBHOOKS}`, ...more });
const escaped = (name: string) => `${name}%5B%5D`;

describe('a webhook is created', () => {
  test.each<[client: string, events: string[], call: () => Partial<Signed>]>([
    [
      'by the official sample, which sorts the events that it signs and escapes nothing that it sends',
      ['user_added', 'token_verified'],
      () => ({
        signs: `&${escaped('events')}=token_verified&${escaped('events')}=user_added&name=my+hook&url=${encodeURIComponent('http://127.0.0.1:9/hook?a=1')}`,
        body: `url=http://127.0.0.1:9/hook?a=1&name=my hook&events[]=user_added&events[]=token_verified&${own}`,
      }),
    ],
    [
      'by authysig in Go, which keeps the order of events and decodes its whole body',
      ['user_account_deleted', 'device_registration_completed'],
      () => ({
        nonce: '1298498081',
        signs: `&${escaped('events')}=user_account_deleted&${escaped('events')}=device_registration_completed&name=testhook1613669653&url=http%3A%2F%2F127.0.0.1%3A6969%2Fcallback`,
        body: `${own}&events[]=user_account_deleted&events[]=device_registration_completed&name=testhook1613669653&url=http://127.0.0.1:6969/callback`,
      }),
    ],
    [
      'by AuthyWebhook of .NET, which signs the address of Authy wherever it calls',
      ['user_added'],
      () => ({
        base: AUTHY,
        nonce: '0f8fad5b-d9cb-469f-a165-70867728950e',
        signs: `&${escaped('events')}=user_added&name=mine&url=http%3A%2F%2F127.0.0.1%3A9%2Fnet`,
        body: `app_api_key=${keys.appApiKey}&access_key=${keys.accessKey}&url=http%3A%2F%2F127.0.0.1%3A9%2Fnet&name=mine&events%5B%5D=user_added`,
      }),
    ],
    [
      'by a Django application, whose events have no brackets',
      ['user_added', 'token_verified'],
      () => ({
        signs: `&${escaped('events')}=user_added&${escaped('events')}=token_verified&name=dj&url=http%3A%2F%2F127.0.0.1%3A9%2Fdj`,
        body: `${own}&url=http%3A%2F%2F127.0.0.1%3A9%2Fdj&name=dj&events=user_added&events=token_verified`,
      }),
    ],
    [
      'by a Django application, for one event alone',
      ['user_added'],
      () => ({
        signs: '&events=user_added&name=dj1&url=http%3A%2F%2F127.0.0.1%3A9%2Fdj',
        body: `${own}&url=http%3A%2F%2F127.0.0.1%3A9%2Fdj&name=dj1&events=user_added`,
      }),
    ],
  ])('%s', async (_client, events, call) => {
    const { status, text, body } = await create(call());
    expect([status, text]).toEqual([200, text]);
    expect(body).toMatchObject({
      webhook: { id: expect.stringMatching(/^WH_/), signing_key: expect.stringMatching(/^WSK_/), events },
      message: 'Webhook created',
      success: true,
    });
  });
});

test('webhooks are listed and deleted, the keys in a body of GET and of DELETE', async () => {
  const list = () => send({ call: `GET ${WEBHOOKS}`, body: own });
  const webhooks = (await list()).body.webhooks as { id: string }[];
  expect(webhooks).toHaveLength(5);
  const [first, second, ...rest] = webhooks.map(({ id }) => id);
  const deleted = await send({ call: `DELETE ${WEBHOOKS}/${first}`, body: own });
  expect([deleted.status, deleted.body]).toEqual([200, { message: 'Webhook deleted', success: true }]);
  // As older samples do it.
  const older = await send({
    call: `DELETE ${WEBHOOKS}`,
    signs: `&webhook_id=${second}`,
    body: `${own}&webhook_id=${second}`,
  });
  expect(older.status).toBe(200);
  expect((await list()).body.webhooks).toHaveLength(rest.length);
});

describe('the dashboard sample', () => {
  test.each(['details', 'ui_settings', 'assets', 'users'])('reads %s, the keys in the query', async (what) => {
    const { status, body } = await send({ call: `GET /dashboard/json/application/${what}`, query: own });
    expect([status, body.success]).toEqual([200, true]);
  });

  test('changes a colour and a name, which it does not escape', async () => {
    const application = '/dashboard/json/application';
    const color = { signs: '&background_color=%23ff0000', body: `${own}&background_color=#ff0000` };
    const colored = await send({ call: `POST ${application}/ui_settings/update`, ...color });
    expect(colored.body).toMatchObject({ ui_settings: { background_color: '#ff0000' }, success: true });
    const name = { signs: '&name=Change+the+name+Meow%21', body: `${own}&name=Change the name Meow!` };
    expect((await send({ call: `POST ${application}/update`, ...name })).body.app.name).toBe('Change the name Meow!');
  });

  test('uploads logos as curl does', async () => {
    const png = Buffer.concat([
      Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10', 'latin1'),
      Buffer.alloc(60),
    ]);
    const boundary = '------------------------81fc157415a41920';
    const part = (head: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
    const file = (name: string) =>
      part(`name="${name}"; filename="${name}.png"\r\nContent-Type: image/png`, png.toString('latin1'));
    const multipart =
      part('name="app_api_key"', keys.appApiKey) +
      part('name="access_key"', keys.accessKey) +
      file('main_logo') +
      file('sidebar_logo') +
      `--${boundary}--\r\n`;
    const { status, body } = await send({
      call: 'POST /dashboard/json/application/assets/update',
      body: Buffer.from(multipart, 'latin1'),
      type: `multipart/form-data; boundary=${boundary}`,
    });
    expect([status, body.success]).toEqual([200, true]);
    expect(body.assets.main_logo).toBe(`data:image/png;base64,${png.toString('base64')}`);
  });

  test('learns what is wrong with a signature', async () => {
    const { status, body } = await send({ call: `GET ${WEBHOOKS}`, signs: '&more=1', body: own });
    expect([status, body.error_code]).toEqual([401, '60087']);
  });
});
