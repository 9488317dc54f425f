import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** An address range (`10.2.0.0/16`, `2001:db8::/32`) or a single address. The text is kept as it was written. */
export const AddressRange = z
  .string()
  .trim()
  .max(64)
  .refine((text) => rangeOf(text) !== undefined, {
    message: 'Not an address or a CIDR range. Example: 10.2.0.0/16.',
  });

interface Range {
  readonly net: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Whether a key with these ranges may be used from an address. A key without ranges may be used from any address. */
export function isAdmitted(address: string, ranges: readonly string[]): boolean {
  return ranges.length === 0 || isWithin(address, ranges);
}

/**
 * Whether an address is in one of the ranges. Returns false for a text that is not an address. An IPv4-mapped IPv6 address counts as IPv4.
 */
function isWithin(address: string, ranges: readonly string[]): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  if (version === 0) return false;
  const list = new BlockList();
  for (const text of ranges) {
    const range = rangeOf(text);
    if (range !== undefined) list.addSubnet(range.net, range.bits, range.family);
  }
  return list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

function rangeOf(text: string): Range | undefined {
  const [, net = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(net);
  const most = version === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (version === 0 || bits > most) return undefined;
  return { net, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}
