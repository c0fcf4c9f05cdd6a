import { err, ok, type Result } from "../lib/result.ts";
import { scopeOf, type HostScope } from "./host-scope.ts";

/** In characters of the normalised URL, which is stored and called. */
export const MAX_NOTIFY_URL_LENGTH = 512;

/** Below are the ports of mail, remote shells and other services that no app is called at. */
const MIN_PORT = 1024;
const WEB_PORTS: ReadonlySet<number> = new Set([443, 80]);

/** What the check needs to know about this gateway. */
export interface Gateway {
  /** Apps may run on the same machine, in its containers or in the local network. */
  readonly isDevelopment: boolean;
  /** PUBLIC_URL: a call to the gateway itself would never be confirmed. */
  readonly publicUrl: string;
}

/**
 * Checks an app's notify URL, so that an app can't direct the gateway's requests to an internal
 * machine (SSRF).
 *
 * Doesn't resolve the name: the platform blocks a public name with a private address, because its
 * `fetch` reaches public addresses only.
 *
 * Returns the URL as the URL parser serialises it, so that the checked URL is the called one.
 * On failure: the fault, as the rest of a sentence ("must be https").
 */
export function checkNotifyUrl(text: string, gateway: Gateway): Result<string, string> {
  // The parser drops or replaces these: the URL that a person reads would differ from the called one.
  if (/[\s\\\p{Cc}]/u.test(text)) {
    return err("must not contain spaces, control characters or backslashes");
  }
  if (!URL.canParse(text)) return err("must be an absolute https URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return err("must be https");
  // The parser takes any number of slashes: in `https:///pay` the host would be `pay`.
  if (!/^https?:\/\/[^/]/i.test(text)) return err("must be an absolute https URL");
  if (url.username !== "" || url.password !== "") {
    return err("must not contain a user name or password");
  }
  // `url.hash` is the same for an empty fragment and for none.
  if (url.href.includes("#")) return err("must not have a fragment");
  if (url.href.length > MAX_NOTIFY_URL_LENGTH) {
    return err(`must have at most ${MAX_NOTIFY_URL_LENGTH} characters`);
  }
  const host = scopeOf(url.hostname);
  const fault =
    faultOfScope(host, url.protocol, gateway) ??
    faultOfPort(url) ??
    (isGatewayItself(url, host, gateway) ? "must not be the gateway's own address" : null);
  return fault === null ? ok(url.href) : err(fault);
}

function faultOfScope(
  { scope, kind }: HostScope,
  protocol: string,
  { isDevelopment }: Gateway,
): string | null {
  if (protocol === "http:" && !isDevelopment) return "must be https";
  const notPublic = `must name a public host; this is ${kind}`;
  switch (scope) {
    case "public":
      return protocol === "https:" ? null : "must be https, or http to a private host";
    case "loopback":
    case "private":
      return isDevelopment ? null : notPublic;
    case "none":
      return notPublic;
  }
}

function faultOfPort(url: URL): string | null {
  const port = portOf(url);
  if (port >= MIN_PORT || WEB_PORTS.has(port)) return null;
  return `must not have a port below ${MIN_PORT} other than 443 and 80`;
}

/**
 * Whether a URL leads to this gateway. A public host is the gateway's whatever the port; on a machine
 * or in a network of development, an app is told from the gateway by its port.
 */
function isGatewayItself(url: URL, { scope }: HostScope, { publicUrl }: Gateway): boolean {
  const own = new URL(publicUrl);
  const ownName = own.hostname.replace(/\.$/, "");
  switch (scope) {
    case "public":
    case "none":
      return url.hostname === ownName;
    case "private":
      return url.hostname === ownName && portOf(url) === portOf(own);
    case "loopback":
      return scopeOf(ownName).scope === "loopback" && portOf(url) === portOf(own);
  }
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}
