import ipaddr from "ipaddr.js";
import { err, ok, type Result } from "../lib/result.ts";

/** A CIDR range; one address is a range with its whole length as the prefix. */
export interface AddressRange {
  readonly network: Address;
  /** In bits. */
  readonly prefix: number;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Four decimal numbers without leading zeros: `010.1` is octal to some readers, `1` is 0.0.0.1. */
const IPV4 = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/;
/** The characters of RFC 4291's text forms. No zone: it means something on the caller's link only. */
const IPV6 = /^[\da-f:.]{2,45}$/i;
const PREFIX = /^(0|[1-9]\d{0,2})$/;

/** The bits of `::ffff:0:0/96`, before the IPv4 address that it holds (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX_BITS = 96;

const EXPECTED = "must be an IPv4 or IPv6 address or a CIDR range, as 203.0.113.0/24";

/**
 * Reads an address (`203.0.113.7`, `2001:db8::7`) or a CIDR range (`203.0.113.0/24`). An IPv4-mapped
 * IPv6 range is the IPv4 range that it holds.
 *
 * On failure: the fault, as the rest of a sentence ("must be …"). A range with bits beyond its prefix
 * is refused: `203.0.113.7/24` may be meant as one address and would allow 256.
 */
export function parseAddressRange(text: string): Result<AddressRange, string> {
  const [addressText = "", prefixText, ...rest] = text.split("/");
  const address = parse(addressText);
  if (address === null || rest.length > 0) return err(EXPECTED);
  const bits = address.kind() === "ipv4" ? 32 : 128;
  if (prefixText !== undefined && !PREFIX.test(prefixText)) return err(EXPECTED);
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return err(`must have a prefix of at most ${bits} bits`);
  if (hasBitsBeyond(address, prefix)) return err("must have no address bits beyond its prefix");
  // The last bit of a mapped address's prefix is set: a shorter prefix was refused above.
  return isMapped(address)
    ? ok({ network: address.toIPv4Address(), prefix: prefix - MAPPED_PREFIX_BITS })
    : ok({ network: address, prefix });
}

/**
 * Whether one of the ranges contains the address. An IPv4-mapped IPv6 address is its IPv4 address. An
 * address that can't be read is in no range.
 */
export function isInRanges(ranges: readonly AddressRange[], text: string): boolean {
  const parsed = parse(text);
  if (parsed === null) return false;
  const address = isMapped(parsed) ? parsed.toIPv4Address() : parsed;
  return ranges.some(
    ({ network, prefix }) => address.kind() === network.kind() && address.match(network, prefix),
  );
}

/** Strict: ipaddr.js by itself takes octal, hexadecimal and shortened forms of IPv4, and zones. */
function parse(text: string): Address | null {
  if (IPV4.test(text)) return ipaddr.IPv4.isValid(text) ? ipaddr.IPv4.parse(text) : null;
  const url = `http://[${text}]/`;
  if (!IPV6.test(text) || !URL.canParse(url)) return null;
  return ipaddr.IPv6.parse(new URL(url).hostname.slice(1, -1));
}

function isMapped(address: Address): address is ipaddr.IPv6 {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();
}

function hasBitsBeyond(address: Address, prefix: number): boolean {
  return address.toByteArray().some((byte, at) => {
    const kept = Math.min(Math.max(prefix - at * 8, 0), 8);
    return (byte & (0xff >> kept)) !== 0;
  });
}
