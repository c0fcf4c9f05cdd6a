/** Cloudflare made no connection to the host, or couldn't keep one (W-101). */
const NO_CONNECTION: ReadonlySet<number> = new Set([521, 522, 523, 525, 526, 530]);
/** The host answered nothing that Cloudflare understands, or nothing in time (W-101). */
const NO_ANSWER: ReadonlySet<number> = new Set([520, 524]);

/** Bytes. Cloudflare's pages have about 10 KB; WeChat's errors fewer. */
export const MAX_EDGE_BODY_BYTES = 64 * 1024;
/** Bytes of a body that are looked at. */
const LOOKED_AT_BYTES = 8 * 1024;

/** Whether only the body tells if an answer with this status is WeChat's or Cloudflare's. */
export function mayBeEdgeError(status: number): boolean {
  return NO_CONNECTION.has(status) || NO_ANSWER.has(status);
}

/**
 * Whether Cloudflare made this answer, because it couldn't reach the host: a deployed Worker's `fetch`
 * doesn't throw then. An answer that is signed or has WeChat's form is WeChat's, whatever its status.
 * For 520 and 524, which other servers might send, the body must be Cloudflare's own.
 *
 * The host may have received the request all the same.
 *
 * @param body null when it can't be read
 */
export function isEdgeError(status: number, headers: Headers, body: Uint8Array | null): boolean {
  if (!mayBeEdgeError(status) || headers.has("wechatpay-signature")) return false;
  const text = new TextDecoder().decode(body?.subarray(0, LOOKED_AT_BYTES)).trim();
  if (isWechats(text)) return false;
  return NO_CONNECTION.has(status) || /^error code: \d{3,4}$|cloudflare/i.test(text);
}

/** WeChat's errors: XML in APIv2, JSON with a `code` in words in APIv3. */
function isWechats(text: string): boolean {
  return text.startsWith("<xml>") || /^\{.*"code"\s*:\s*"[A-Z_]+"/s.test(text);
}
