import { createHash, timingSafeEqual } from "node:crypto";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

/**
 * The contract's signing rule, written a second time from its description and sharing no code with
 * the gateway: a mistake in one implementation must not pass in both.
 */

/** Encodes one value as some language's library does. Names are plain ASCII and need no escaping. */
export type Rendering = (value: string) => string;

/** The libraries of existing apps, by name. */
export const RENDERINGS = {
  "PHP http_build_query": (value) => percent(value, "").replaceAll("%20", "+"),
  "PHP http_build_query, RFC 3986": (value) => percent(value, "~"),
  "Java URLEncoder": (value) => percent(value, "*").replaceAll("%20", "+"),
  "Python quote_plus": (value) => percent(value, "~").replaceAll("%20", "+"),
  "JS URLSearchParams": (value) => new URLSearchParams({ "": value }).toString().slice(1),
  "JS encodeURIComponent": (value) => encodeURIComponent(value),
  "raw text": (value) => value,
} as const satisfies Record<string, Rendering>;

export type RenderingName = keyof typeof RENDERINGS;

export type Fields = Readonly<Record<string, string>>;

/** Contract: the salt, the sorted query string without `sign`, the salt; SHA-1 in lower-case hex. */
export function signFields(
  fields: Fields,
  salt: string,
  rendering: Rendering = RENDERINGS["PHP http_build_query"],
): string {
  return sha1(salt + queryString(fields, rendering) + salt);
}

/** The fields without `sign`, sorted by name, as they are signed. */
export function queryString(fields: Fields, rendering: Rendering): string {
  return Object.entries(fields)
    .filter(([name]) => name !== "sign")
    .toSorted(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    .map(([name, value]) => `${name}=${rendering(value)}`)
    .join("&");
}

/**
 * Checks the `sign` of a callback over the bytes received: the gateway sends PHP's rendering, so the
 * pairs are signed as they are.
 */
export function isCallbackSigned(body: string, salt: string): boolean {
  const pairs = body.split("&");
  const sign = pairs.find((pair) => pair.startsWith("sign=")) ?? "";
  const signed = pairs.filter((pair) => pair !== sign).toSorted();
  return isSame(sign.slice("sign=".length), sha1(salt + signed.join("&") + salt));
}

/**
 * Checks the Standard Webhooks headers with the specification's own library, which includes the
 * five minutes of tolerance against replays. `secret`: `whsec_` and base64.
 */
export function isWebhookSigned(
  headers: NodeJS.Dict<string | string[]>,
  body: string,
  secret: string,
): boolean {
  const texts = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value)]),
  );
  try {
    // The body is a form, and `verify` would read it as JSON.
    new Webhook(secret).verify(body, texts, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

/** RFC 3986 except that the marks in `bare` are left as they are. */
function percent(value: string, bare: string): string {
  return encodeURIComponent(value).replaceAll(/[!'()*~]/g, (mark) =>
    bare.includes(mark) ? mark : `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha1(text: string): string {
  return createHash("sha1").update(text, "utf8").digest("hex");
}

function isSame(received: string, expected: string): boolean {
  const [left, right] = [Buffer.from(received), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
