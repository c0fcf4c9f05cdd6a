import { Buffer } from "node:buffer";

/** A new salt: 128 random bits as 32 lower-case hex characters. */
export function makeSalt(): string {
  return Buffer.from(randomBytes(16)).toString("hex");
}

/** A new webhook secret of 256 random bits (Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes). */
export function makeWebhookSecret(): string {
  return `whsec_${Buffer.from(randomBytes(32)).toString("base64")}`;
}

/** A secret for HMAC-SHA256 of 256 random bits, as base64. */
export function makeRequestSecret(): string {
  return Buffer.from(randomBytes(32)).toString("base64");
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
