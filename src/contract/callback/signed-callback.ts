import type { Parameters } from "../parameter-set.ts";
import { renderPhp, signParameters } from "../signature.ts";

/** What a callback is signed with, and when. */
export interface CallbackKeys {
  /** The app's current salt. */
  readonly salt: string;
  /** `whsec_…`; during a rotation two, the new one first. */
  readonly webhookSecrets: readonly string[];
  /** The same for every call of one event. */
  readonly eventId: string;
  /** Of this call, Unix ms. */
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
 * Adds `timestamp` and `sign` to the fields and signs the finished body once more as Standard
 * Webhooks has it, so that a receiver may check either. Contract: what the app receives.
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
      // The charset is for Java's servlets, which read a form without one as ISO-8859-1.
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "webhook-id": eventId,
      "webhook-timestamp": timestamp,
      "webhook-signature": signatures.join(" "),
    },
  };
}

/** Base64 of HMAC-SHA256 under the bytes that the secret's base64 part stands for. */
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

/** The gateway makes these secrets itself: another form is a bug, and an empty key signs nothing. */
function bytesOf(secret: string): Uint8Array<ArrayBuffer> {
  const base64 = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : "";
  if (base64 === "") throw new Error("a webhook secret must be whsec_ and base64");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
