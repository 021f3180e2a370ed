import { describe, expect, test } from '@jest/globals';
import { assertCallbackUrl } from '../../channels/http/callbackUrl';
import { isPublicAddress } from '../../channels/http/publicAddress';

function reasonFor(url: string, allowPrivate = false): string | undefined {
  try {
    assertCallbackUrl(url, { allowPrivate });
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'callback_url_refused', detail: { field: 'callbackUrl' } });
    return (error as { detail: { reason: string } }).detail.reason;
  }
}

describe('a callback URL', () => {
  test.each([
    'https://example.com/hook?x=1',
    'https://example.com:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1]/',
  ])('%s is allowed', (url) => expect(reasonFor(url)).toBeUndefined());

  test.each([
    ['not a url', 'syntax'],
    ['/relative', 'syntax'],
    [`https://example.com/${'x'.repeat(2_048)}`, 'too_long'],
    ['http://example.com/', 'scheme'],
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['https://user:secret@example.com/', 'credentials'],
    ['https://user@example.com/', 'credentials'],
    ['https://example.com:25/', 'port'],
    ['https://example.com:0/', 'port'],
    ['https://localhost/', 'private_address'],
    ['https://LOCALHOST./', 'private_address'],
    ['https://db.localhost/', 'private_address'],
    ['https://127.0.0.1/', 'private_address'],
    ['https://127.1/', 'private_address'],
    ['https://2130706433/', 'private_address'],
    ['https://0x7f000001/', 'private_address'],
    ['https://0177.0.0.1/', 'private_address'],
    ['https://127.0.0.1./', 'private_address'],
    ['https://①②⑦.0.0.1/', 'private_address'],
    ['https://169.254.169.254/latest/meta-data', 'private_address'],
    ['https://[::1]/', 'private_address'],
    ['https://[::ffff:10.0.0.1]/', 'private_address'],
    ['https://[fd00::1]/', 'private_address'],
  ])('%s is refused: %s', (url, reason) => expect(reasonFor(url)).toBe(reason));

  test.each(['http://127.0.0.1:9000/', 'http://localhost/', 'https://[::1]:80/'])(
    '%s is allowed in development',
    (url) => expect(reasonFor(url, true)).toBeUndefined(),
  );

  test.each([
    ['ftp://localhost/', 'scheme'],
    ['http://user:secret@localhost/', 'credentials'],
    ['http://localhost:0/', 'port'],
  ])('%s is refused in development too: %s', (url, reason) => expect(reasonFor(url, true)).toBe(reason));

  test('is refused under the name of its field', () => {
    expect(() => assertCallbackUrl('x', { allowPrivate: false, field: 'endpoint' })).toThrow(
      expect.objectContaining({ detail: { field: 'endpoint', reason: 'syntax' } }),
    );
  });
});

describe('an address', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.255.255.255'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.0.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['loopback', '127.255.255.254'],
    ['link local', '169.254.169.254'],
    ['protocol assignments', '192.0.0.8'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['6to4 relay', '192.88.99.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['IPv4 in IPv6, mapped', '::ffff:127.0.0.1'],
    ['IPv4 in IPv6, compatible', '::127.0.0.1'],
    ['IPv4 in IPv6, compatible', '::a00:1'],
    ['IPv4 in IPv6, translated', '::ffff:0:10.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['NAT64, local', '64:ff9b:1::a00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001::1'],
    ['benchmarking', '2001:2::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['discard', '100::1'],
    ['segment routing', '5f00::1'],
    ['unique local', 'fd12:3456::1'],
    ['link local', 'fe80::1'],
    ['link local with a zone', 'fe80::1%eth0'],
    ['site local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['not given out', '4000::1'],
    ['not an address', 'example.com'],
    ['not an address', ''],
  ])('of %s, %s, is not public', (_range, address) => expect(isPublicAddress(address)).toBe(false));
});
