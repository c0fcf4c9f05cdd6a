import ipaddr from "ipaddr.js";
import { err, ok, type Result } from "../lib/result.ts";

/** In characters of the normalised URL, which is stored and called. */
export const MAX_NOTIFY_URL_LENGTH = 512;

/** IPv4 ranges without public servers (IANA special-purpose registry, RFC 6890). */
const IPV4_RANGES: readonly Range[] = [
  ["0.0.0.0/8", "an unspecified address"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "a carrier-grade NAT address"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.0.0.0/24", "a reserved address"],
  ["192.0.2.0/24", "a reserved address"],
  ["192.88.99.0/24", "a reserved address"],
  ["192.168.0.0/16", "a private address"],
  ["198.18.0.0/15", "a reserved address"],
  ["198.51.100.0/24", "a reserved address"],
  ["203.0.113.0/24", "a reserved address"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
  ["0.0.0.0/0", "public"],
];

/**
 * IPv6 ranges; the first match decides. Only 2000::/3 is allocated for public use, and parts of it
 * are reserved: Teredo and 6to4 (2001::/23, 2002::/16) embed an IPv4 address, which may be private.
 * `range()` of ipaddr.js isn't used: it calls unallocated addresses outside 2000::/3 unicast.
 */
const IPV6_RANGES: readonly Range[] = [
  ["::/128", "an unspecified address"],
  ["::1/128", "loopback"],
  ["::ffff:0:0/96", "an IPv4 address written as IPv6"],
  ["fc00::/7", "a unique-local address"],
  ["fe80::/10", "a link-local address"],
  ["ff00::/8", "a multicast address"],
  ["2001::/23", "a reserved address"],
  ["2001:db8::/32", "a reserved address"],
  ["2002::/16", "a reserved address"],
  ["3fff::/20", "a reserved address"],
  ["2000::/3", "public"],
  ["::/0", "a reserved address"],
];

type Range = readonly [cidr: string, kind: HostKind];
type HostKind = "public" | "loopback" | "a local name" | `a${string} address${string}` | BadName;
type BadName =
  | "a name that ends in a dot"
  | "a name without a domain"
  | "a name that can't be looked up";

/** Labels of 1 to 63 characters, at most 253 in all (RFC 1035). `URL` accepts empty and longer ones. */
const DNS_NAME = /^(?=.{1,253}$)[^.]{1,63}(?:\.[^.]{1,63})*$/;

/** Names used only in local networks (RFC 6762, RFC 8375; ICANN's reservation of .internal). */
const LOCAL_NAME = /\.(local|internal|home\.arpa)$/;

/**
 * Checks an app's notify URL, so that an app can't direct the gateway's requests to an internal
 * machine (SSRF). `loopbackAllowed`: in development, where apps run on the same machine.
 *
 * Doesn't resolve the name: the platform blocks a public name with a private address, because its
 * `fetch` reaches public addresses only.
 *
 * Returns the URL as the URL parser serialises it, so that the checked URL is the called one.
 * On failure: the fault, as the rest of a sentence ("must be https").
 */
export function checkNotifyUrl(
  text: string,
  { loopbackAllowed }: { readonly loopbackAllowed: boolean },
): Result<string, string> {
  // The parser drops or replaces these: the URL that a person reads would differ from the called one.
  if (/[\s\\\p{Cc}]/u.test(text)) {
    return err("must not contain spaces, control characters or backslashes");
  }
  if (!URL.canParse(text)) return err("must be an absolute https URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return err("must be https");
  if (url.username !== "" || url.password !== "") {
    return err("must not contain a user name or password");
  }
  // `url.hash` is the same for an empty fragment and for none.
  if (url.href.includes("#")) return err("must not have a fragment");
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

/** `hostname` as `URL` returns it: lower case, IPv4 as four decimals, IPv6 compressed in brackets. */
function kindOfHost(hostname: string): HostKind {
  if (hostname.startsWith("[")) return kindOfAddress(hostname.slice(1, -1));
  // The parser has converted every other spelling (hex, octal, a single number) to this one.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return kindOfAddress(hostname);
  // A resolver treats it as the same host, a comparison of names doesn't.
  if (hostname.endsWith(".")) return "a name that ends in a dot";
  if (!DNS_NAME.test(hostname)) return "a name that can't be looked up";
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return "loopback";
  // Resolves only through the search domains of a local network.
  if (!hostname.includes(".")) return "a name without a domain";
  return LOCAL_NAME.test(hostname) ? "a local name" : "public";
}

function kindOfAddress(text: string): HostKind {
  const address = ipaddr.parse(text);
  const ranges = address.kind() === "ipv4" ? IPV4_RANGES : IPV6_RANGES;
  const range = ranges.find(([cidr]) => address.match(ipaddr.parseCIDR(cidr)));
  if (range === undefined) throw new Error("the last range contains every address");
  return range[1];
}
