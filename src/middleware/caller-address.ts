import ipaddr from "ipaddr.js";

/** The address sent to WeChat in local development, which has no edge to report one. */
const UNKNOWN_ADDRESS = "127.0.0.1";

/** A subscriber to IPv6 gets at least a /64, and can use any of its addresses. */
const IPV6_NETWORK_BITS = 64;

/** The caller's address as seen by Cloudflare's edge, which overwrites the header if the caller sets it. */
export function callerAddress(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? UNKNOWN_ADDRESS;
}

/** What counts as one caller: an IPv4 address, or an IPv6 network (`networkOf`). */
export function callerNetwork(request: Request): string {
  return networkOf(callerAddress(request));
}

/**
 * The address itself in IPv4, also when it is written as an IPv6 one (`::ffff:192.0.2.1`), and its /64
 * in IPv6 (`2001:db8:0:0::/64`). All texts that aren't addresses are one caller.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  const prefix = parsed.toByteArray().slice(0, IPV6_NETWORK_BITS / 8);
  const network = ipaddr.fromByteArray([...prefix, ...Array<number>(16 - prefix.length).fill(0)]);
  return `${network.toString()}/${IPV6_NETWORK_BITS}`;
}
