/** The address that WeChat is told where nobody knows better: local development has no edge. */
const UNKNOWN_ADDRESS = "127.0.0.1";

/** The caller's address as Cloudflare's edge saw it; a header of the caller's own can't set it. */
export function callerAddress(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? UNKNOWN_ADDRESS;
}
