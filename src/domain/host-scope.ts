import ipaddr from "ipaddr.js";

/** Where a host of a URL can be called from. */
export type Scope =
  /** By its name, from anywhere. */
  | "public"
  /** On the same machine. */
  | "loopback"
  /** In the local network, or among the containers of a machine. */
  | "private"
  /** Never to be called: no server of an app is there. */
  | "none";

/** A host's scope, and its kind as the rest of the sentence "this is …". */
export interface HostScope {
  readonly scope: Scope;
  readonly kind: string;
}

type Range = readonly [cidr: string, kind: string, scope: Scope];

/** A deployed Worker's `fetch` refuses an address in place of a name (error 1003). */
const BARE_ADDRESS = "a bare IP address, which a deployed gateway can't call";
/** There a machine in a cloud learns its own credentials. */
const METADATA = "a cloud's metadata service";

/**
 * IPv4 ranges; the first match decides (IANA special-purpose registry, RFC 6890). 100.64.0.0/10 isn't
 * called even in development: Alibaba Cloud's metadata service, 100.100.100.200, is in it.
 */
const IPV4_RANGES: readonly Range[] = [
  ["0.0.0.0/8", "an unspecified address", "none"],
  ["10.0.0.0/8", "a private address", "private"],
  ["100.64.0.0/10", "a carrier-grade NAT address", "none"],
  ["127.0.0.0/8", "a loopback one", "loopback"],
  ["169.254.0.0/16", "a link-local address", "none"],
  ["172.16.0.0/12", "a private address", "private"],
  ["192.0.0.0/24", "a reserved address", "none"],
  ["192.0.2.0/24", "a reserved address", "none"],
  ["192.88.99.0/24", "a reserved address", "none"],
  ["192.168.0.0/16", "a private address", "private"],
  ["198.18.0.0/15", "a reserved address", "none"],
  ["198.51.100.0/24", "a reserved address", "none"],
  ["203.0.113.0/24", "a reserved address", "none"],
  ["224.0.0.0/4", "a multicast address", "none"],
  ["240.0.0.0/4", "a reserved address", "none"],
  ["0.0.0.0/0", BARE_ADDRESS, "none"],
];

/**
 * IPv6 ranges; the first match decides. Only 2000::/3 is allocated for public use, and parts of it
 * are reserved: Teredo and 6to4 (2001::/23, 2002::/16) embed an IPv4 address, which may be private.
 * `range()` of ipaddr.js isn't used: it calls unallocated addresses outside 2000::/3 unicast.
 */
const IPV6_RANGES: readonly Range[] = [
  ["::/128", "an unspecified address", "none"],
  ["::1/128", "a loopback one", "loopback"],
  ["::ffff:0:0/96", "an IPv4 address written as IPv6", "none"],
  // The unique-local addresses of AWS's, Google's, Oracle's and Scaleway's metadata services.
  ["fd00:ec2::/32", METADATA, "none"],
  ["fd20:ce::/32", METADATA, "none"],
  ["fd00:c1::/32", METADATA, "none"],
  ["fd00:42::/32", METADATA, "none"],
  ["fc00::/7", "a unique-local address", "private"],
  ["fe80::/10", "a link-local address", "none"],
  ["ff00::/8", "a multicast address", "none"],
  ["2001::/23", "a reserved address", "none"],
  ["2001:db8::/32", "a reserved address", "none"],
  ["2002::/16", "a reserved address", "none"],
  ["3fff::/20", "a reserved address", "none"],
  ["2000::/3", BARE_ADDRESS, "none"],
  ["::/0", "a reserved address", "none"],
];

/**
 * Labels of 1 to 63 characters, at most 253 in all (RFC 1035), and no punycode of nothing. `URL`
 * accepts all of these.
 */
const DNS_NAME = /^(?=.{1,253}$)(?:(?!xn--(?:\.|$))[^.]{1,63}(?:\.|$))+$/;

/** Set aside for local networks (RFC 6762, RFC 8375; ICANN's reservation of .internal). */
const LOCAL_NAME = /\.(?:local|internal|home\.arpa)$/;

/**
 * In no public DNS: reserved for tests and documents (RFC 6761) and for Tor (RFC 7686), or never
 * delegated because routers and companies use them, without a rule (RFC 6762, appendix G).
 */
const RESERVED_NAME =
  /(?:^|\.)(?:test|invalid|example|onion|alt|lan|corp|home|mail|intranet|private|localdomain)$/;

/** Names of clouds' metadata services: in a cloud's own network, or public with a local address. */
const LOCAL_METADATA = /(?:^|\.)(?:metadata|instance-data)(?:\.|$)/;
const PUBLIC_METADATA = /(?:^|\.)metadata\.(?:goog|tencentyun\.com)$/;

/** `hostname` as `URL` returns it: lower case, IPv4 as four decimals, IPv6 compressed in brackets. */
export function scopeOf(hostname: string): HostScope {
  if (hostname.startsWith("[")) return scopeOfAddress(hostname.slice(1, -1));
  // The parser has converted every other spelling (hex, octal, a single number) to this one.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return scopeOfAddress(hostname);
  return scopeOfName(hostname);
}

function scopeOfName(name: string): HostScope {
  // A resolver treats it as the same host, a comparison of names doesn't.
  if (name.endsWith(".")) return { scope: "none", kind: "a name that ends in a dot" };
  if (!DNS_NAME.test(name)) return { scope: "none", kind: "a name that can't be looked up" };
  if (name === "localhost" || name.endsWith(".localhost")) {
    return { scope: "loopback", kind: "a loopback one" };
  }
  if (RESERVED_NAME.test(name)) return { scope: "none", kind: "a reserved name" };
  // Resolves only through the search domains of a local network, or among containers.
  const isLabel = !name.includes(".");
  if (isLabel || LOCAL_NAME.test(name)) {
    if (LOCAL_METADATA.test(name)) return { scope: "none", kind: METADATA };
    return { scope: "private", kind: isLabel ? "a name without a domain" : "a local name" };
  }
  if (PUBLIC_METADATA.test(name)) return { scope: "none", kind: METADATA };
  return { scope: "public", kind: "a public name" };
}

function scopeOfAddress(text: string): HostScope {
  const address = ipaddr.parse(text);
  const ranges = address.kind() === "ipv4" ? IPV4_RANGES : IPV6_RANGES;
  const range = ranges.find(([cidr]) => address.match(ipaddr.parseCIDR(cidr)));
  if (range === undefined) throw new Error("the last range contains every address");
  const [, kind, scope] = range;
  return { scope, kind };
}
