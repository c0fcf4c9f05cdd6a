import { createCipheriv, createHash } from "node:crypto";

/**
 * The AES key of refund notifications: the 32 characters of the lower-case hex MD5 of the API
 * key, used as 32 bytes (W-53).
 */
export function refundCipherKey(apiKey: string): string {
  return createHash("md5").update(apiKey, "utf8").digest("hex");
}

/** AES-256-ECB with PKCS#7 padding, in base64. `key` is 32 ASCII characters. */
export function encryptEcb(plaintext: string, key: string): string {
  const cipher = createCipheriv("aes-256-ecb", key, null);
  // Encode all bytes at once: workerd pads the base64 of each part separately.
  return Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]).toString("base64");
}
