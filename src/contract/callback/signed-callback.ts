import type { Parameters } from "../parameter-set.ts";
import { renderPhp, signParameters } from "../signature.ts";

/** The keys that sign a callback, and the time of the call. */
export interface CallbackKeys {
  /** The app's current salt. */
  readonly salt: string;
  /** `whsec_…`; two during a rotation, the new one first. */
  readonly webhookSecrets: readonly string[];
  /** The same in every call for one event. */
  readonly eventId: string;
  /** Time of this call, Unix ms. */
  readonly nowAt: number;
}

/** A callback ready to be sent as a POST. */
export interface SignedCallback {
  readonly body: string;
  readonly headers: Record<string, string>;
}

const SECRET_PREFIX = "whsec_";
const encoder = new TextEncoder();

/**
 * Adds `timestamp` and `sign` to the fields, then signs the whole body according to Standard
 * Webhooks as well: a receiver may verify either signature. Contract: what the app receives.
 */
export async function signCallback(
  fields: Parameters,
  { salt, webhookSecrets, eventId, nowAt }: CallbackKeys,
): Promise<SignedCallback> {
  const timestamp = String(Math.floor(nowAt / 1000));
  const stamped = new Map([...fields, ["timestamp", timestamp]]);
  const body = renderPhp(stamped.set("sign", await signParameters(stamped, salt)));

  const message = `${eventId}.${timestamp}.${body}`;
  const signatures = await Promise.all(
    webhookSecrets.map(async (secret) => `v1,${await hmac(secret, message)}`),
  );
  return {
    body,
    headers: {
      // Java servlets decode a form without a charset as ISO-8859-1.
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "webhook-id": eventId,
      "webhook-timestamp": timestamp,
      "webhook-signature": signatures.join(" "),
    },
  };
}

/** HMAC-SHA256 in base64. The key is the secret's decoded base64 part. */
async function hmac(secret: string, message: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    bytesOf(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", key, encoder.encode(message));
  return btoa(String.fromCharCode(...new Uint8Array(mac)));
}

/** The gateway generates these secrets: another format is a bug, and an empty key protects nothing. */
function bytesOf(secret: string): Uint8Array<ArrayBuffer> {
  const base64 = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : "";
  if (base64 === "") throw new Error("a webhook secret must be whsec_ followed by base64");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
