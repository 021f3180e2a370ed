import ipaddr from 'ipaddr.js';

// Everything else of IPv6 is not given out to anybody on the internet, whatever future registries call it.
const IPV6_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * True for an address on the public internet. Private, loopback, link-local (cloud metadata), carrier, multicast,
 * documentation and transition ranges (which can smuggle a private IPv4 address) are not; an IPv4 address inside an
 * IPv6 one is judged as what it is.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(IPV6_UNICAST);
}
