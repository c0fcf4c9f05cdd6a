import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/**
 * The contract's signing, written a second time from its description and sharing nothing with the
 * gateway: a mistake of one side must not pass on both.
 */

/** Writes one value as some language's library does. Names are plain ASCII and need no escaping. */
export type Rendering = (value: string) => string;

/** The libraries that existing apps use, by name. */
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
 * Checks the `sign` of a callback over the very bytes received: PHP's rendering is what was sent,
 * so the pairs are signed as they stand.
 */
export function isCallbackSigned(body: string, salt: string): boolean {
  const pairs = body.split("&");
  const sign = pairs.find((pair) => pair.startsWith("sign=")) ?? "";
  const signed = pairs.filter((pair) => pair !== sign).toSorted();
  return isSame(sign.slice("sign=".length), sha1(salt + signed.join("&") + salt));
}

/** Checks a Standard Webhooks header set (v1, HMAC-SHA256). `secret`: `whsec_` and base64. */
export function isWebhookSigned(
  headers: NodeJS.Dict<string | string[]>,
  body: string,
  secret: string,
): boolean {
  const id = String(headers["webhook-id"]);
  const timestamp = String(headers["webhook-timestamp"]);
  // Standard Webhooks: five minutes of tolerance against replays.
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) < 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const given = String(headers["webhook-signature"]).split(" ");
  return given.some((signature) => isSame(signature, `v1,${mac}`));
}

/** RFC 3986 with exactly the marks in `bare` left as they are. */
function percent(value: string, bare: string): string {
  return encodeURIComponent(value).replaceAll(/[!'()*~]/g, (mark) =>
    bare.includes(mark) ? mark : `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha1(text: string): string {
  return createHash("sha1").update(text, "utf8").digest("hex");
}

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
