/** The address sent to WeChat in local development, which has no edge to report one. */
const UNKNOWN_ADDRESS = "127.0.0.1";

/** The caller's address as seen by Cloudflare's edge, which overwrites the header if the caller sets it. */
export function callerAddress(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? UNKNOWN_ADDRESS;
}
