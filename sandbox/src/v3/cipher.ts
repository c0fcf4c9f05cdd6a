import { createCipheriv } from "node:crypto";
import { newGcmNonce } from "../protocol/ids.ts";

/** What WeChat encrypts: a notification's resource or a platform certificate. */
export interface Sealed {
  algorithm: "AEAD_AES_256_GCM";
  nonce: string;
  associated_data: string;
  /** Base64 of the ciphertext and the 16 bytes of the tag behind it. */
  ciphertext: string;
}

/** Encrypts with the merchant's APIv3 key. WeChat docs: APIv3, "decrypting certificates and callbacks". */
export function encrypt(
  plaintext: string,
  apiV3Key: string,
  associatedData: string,
  nonce = newGcmNonce(),
): Sealed {
  return {
    algorithm: "AEAD_AES_256_GCM",
    nonce,
    associated_data: associatedData,
    ciphertext: gcm(plaintext, apiV3Key, associatedData, nonce),
  };
}

/** AES-GCM with as many bits as the key has; the key and the nonce are the bytes of their text. */
export function gcm(plaintext: string, key: string, associatedData: string, nonce: string): string {
  const bits = Buffer.byteLength(key, "utf8") === 16 ? "aes-128-gcm" : "aes-256-gcm";
  const cipher = createCipheriv(bits, Buffer.from(key, "utf8"), Buffer.from(nonce, "utf8"));
  cipher.setAAD(Buffer.from(associatedData, "utf8"));
  return Buffer.concat([
    cipher.update(plaintext, "utf8"),
    cipher.final(),
    cipher.getAuthTag(),
  ]).toString("base64");
}
