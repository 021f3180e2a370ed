import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openInstallLink } from '../../sdk/device';
import type { FakeApi } from './fakeApi';
import { refusal, startFakeApi } from './fakeApi';

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.close());

const SECRET = 'il_0b8f3f3c-0d55-4c53-8a39-5c1b7f0c9a02_kL0-_9';
const TOKEN = { registrationToken: 'token-1', expiresAt: '2026-11-24T10:00:00.000Z' };
const pause = () => Promise.resolve();

describe('openInstallLink', () => {
  test('asks the server that the link names, with the secret in the body only', async () => {
    api.reply({ body: TOKEN });
    const link = ` ${api.url}/install#${SECRET}\n`; // as pasted
    expect(await openInstallLink(link)).toEqual({ baseUrl: api.url, ...TOKEN });
    expect(api.seen).toMatchObject([{ method: 'POST', url: '/v1/device/install-links' }]);
    expect(JSON.parse(api.seen[0]?.body ?? '')).toEqual({ secret: SECRET });
  });

  test('a server may live below a path', async () => {
    api.reply({ body: TOKEN });
    expect(await openInstallLink(`${api.url}/approve/install#${SECRET}`)).toMatchObject({
      baseUrl: `${api.url}/approve`,
    });
    expect(api.seen).toMatchObject([{ url: '/approve/v1/device/install-links' }]);
  });

  test('a lost reply is asked for again; a refusal is not', async () => {
    api.reply({ hangUp: true }, refusal('install_link_invalid', 401));
    const opened = openInstallLink(`${api.url}/install#${SECRET}`, { pause });
    await expect(opened).rejects.toMatchObject({ status: 401, code: 'install_link_invalid' });
    expect(api.seen).toHaveLength(2);
  });

  test.each([
    ['nothing', ''],
    ['a registration token', 'rt_abc'],
    ['a link without its secret', 'URL/install'],
    ['a cut secret', 'URL/install#il_'],
    ['another page', `URL/other#${SECRET}`],
    ['a secret in the query', `URL/install?secret=${SECRET}`],
    ['a whole text message', `demo: open URL/install#${SECRET}`],
    ['another scheme', `file:///install#${SECRET}`],
    ['a name before the host', `http://bank.example@URL/install#${SECRET}`],
    ['more than one line', `URL/install#${SECRET}\nil_2`],
  ])('%s is not an install link, and nothing is sent', async (_, text) => {
    const link = text.replace('@URL', `@${api.url.slice('http://'.length)}`).replace('URL', api.url);
    await expect(openInstallLink(link, { pause })).rejects.toMatchObject({ status: 0, code: 'not_an_install_link' });
    expect(api.seen).toEqual([]);
  });
});
