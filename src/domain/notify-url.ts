import { err, ok, type Result } from "../lib/result.ts";

/** In characters, as it is stored and called. */
export const MAX_NOTIFY_URL_LENGTH = 512;

/** IPv4 ranges that are nobody's public server (IANA special-purpose registry, RFC 6890). */
const IPV4_RANGES: readonly Range[] = [
  ["0.0.0.0", 8, "an unspecified address"],
  ["10.0.0.0", 8, "a private address"],
  ["100.64.0.0", 10, "a carrier-grade NAT address"],
  ["127.0.0.0", 8, "loopback"],
  ["169.254.0.0", 16, "a link-local address"],
  ["172.16.0.0", 12, "a private address"],
  ["192.0.0.0", 24, "a reserved address"],
  ["192.0.2.0", 24, "a reserved address"],
  ["192.88.99.0", 24, "a reserved address"],
  ["192.168.0.0", 16, "a private address"],
  ["198.18.0.0", 15, "a reserved address"],
  ["198.51.100.0", 24, "a reserved address"],
  ["203.0.113.0", 24, "a reserved address"],
  ["224.0.0.0", 4, "a multicast address"],
  ["240.0.0.0", 4, "a reserved address"],
  ["0.0.0.0", 0, "public"],
];

/**
 * IPv6; the first match decides. Only 2000::/3 is given out for public use, and parts of it are
 * not: Teredo and 6to4 (2001::/23, 2002::/16) carry an IPv4 address, which may be a private one.
 */
const IPV6_RANGES: readonly Range[] = [
  ["::", 128, "an unspecified address"],
  ["::1", 128, "loopback"],
  ["::ffff:0:0", 96, "an IPv4 address written as IPv6"],
  ["fc00::", 7, "a unique-local address"],
  ["fe80::", 10, "a link-local address"],
  ["ff00::", 8, "a multicast address"],
  ["2001::", 23, "a reserved address"],
  ["2001:db8::", 32, "a reserved address"],
  ["2002::", 16, "a reserved address"],
  ["3fff::", 20, "a reserved address"],
  ["2000::", 3, "public"],
  ["::", 0, "a reserved address"],
];

/** The range's first address, the length of its prefix in bits, what its addresses are. */
type Range = readonly [first: string, prefix: number, kind: HostKind];
type HostKind = "public" | "loopback" | "a local name" | `a${string} address${string}` | Misnomer;
type Misnomer =
  | "a name that ends in a dot"
  | "a name without a domain"
  | "a name that can't be looked up";

/** Labels of 1 to 63 characters, 253 in all (RFC 1035). `URL` takes empty and endless ones too. */
const LOOKED_UP = /^(?=.{1,253}$)[^.]{1,63}(?:\.[^.]{1,63})*$/;

/** Names that never leave a machine or a house (RFC 6762, RFC 8375; ICANN's reservation of .internal). */
const LOCAL_NAME = /\.(local|internal|home\.arpa)$/;

/**
 * Checks where an app wants to be called, so that nobody can aim the gateway at a machine behind
 * its own walls (SSRF). `loopbackAllowed`: in development, where apps run on the same machine.
 *
 * The name isn't looked up: a public name with a private address is stopped by the platform, where
 * `fetch` reaches public addresses only.
 *
 * Returns the URL as the URL parser writes it: what was checked is what will be called.
 * On failure: what is wrong, as the rest of a sentence ("must be https").
 */
export function checkNotifyUrl(
  text: string,
  { loopbackAllowed }: { readonly loopbackAllowed: boolean },
): Result<string, string> {
  // The parser drops or turns these, so that an eye would read another URL than the one called.
  if (/[\s\\\p{Cc}]/u.test(text)) return err("must hold no blank, control character or backslash");
  if (!URL.canParse(text)) return err("must be an absolute https URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return err("must be https");
  if (url.username !== "" || url.password !== "") return err("must hold no user name or password");
  // `url.hash` doesn't tell an empty fragment from none.
  if (url.href.includes("#")) return err("must have no fragment");
  if (url.href.length > MAX_NOTIFY_URL_LENGTH) {
    return err(`must have at most ${MAX_NOTIFY_URL_LENGTH} characters`);
  }
  const kind = kindOfHost(url.hostname);
  if (kind === "loopback" && loopbackAllowed) return ok(url.href);
  if (url.protocol === "http:") {
    return err(loopbackAllowed ? "must be https, or http to a loopback address" : "must be https");
  }
  if (kind === "public" || (kind === "a local name" && loopbackAllowed)) return ok(url.href);
  return err(`must name a public host; this is ${kind === "loopback" ? "a loopback one" : kind}`);
}

/** `hostname` as `URL` gives it: lower case, IPv4 in four decimals, IPv6 compressed in brackets. */
function kindOfHost(hostname: string): HostKind {
  if (hostname.startsWith("[")) return kindOfAddress(ipv6(hostname.slice(1, -1)), 128, IPV6_RANGES);
  // The parser has turned every other spelling (hex, octal, one number) into this one.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return kindOfAddress(ipv4(hostname), 32, IPV4_RANGES);
  // The same host to a resolver, another one to every comparison.
  if (hostname.endsWith(".")) return "a name that ends in a dot";
  if (!LOOKED_UP.test(hostname)) return "a name that can't be looked up";
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return "loopback";
  // Only the searching of a local network could find it.
  if (!hostname.includes(".")) return "a name without a domain";
  return LOCAL_NAME.test(hostname) ? "a local name" : "public";
}

function kindOfAddress(address: bigint, bits: number, ranges: readonly Range[]): HostKind {
  const parse = bits === 32 ? ipv4 : ipv6;
  for (const [first, prefix, kind] of ranges) {
    const shift = BigInt(bits - prefix);
    if (address >> shift === parse(first) >> shift) return kind;
  }
  throw new Error("the last range holds every address");
}

function ipv4(text: string): bigint {
  return text.split(".").reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

/** Eight groups of hex digits, one run of zero groups perhaps written as `::`. */
function ipv6(text: string): bigint {
  const [head = [], tail = []] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
}
