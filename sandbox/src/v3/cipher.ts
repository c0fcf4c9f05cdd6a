import { createCipheriv } from "node:crypto";
import { newGcmNonce } from "../protocol/ids.ts";

/** Encrypted data: the resource of a notification or a platform certificate. */
export interface EncryptedData {
  readonly algorithm: "AEAD_AES_256_GCM";
  readonly nonce: string;
  readonly associated_data: string;
  /** Base64 of the ciphertext, followed by the 16 bytes of the tag. */
  readonly ciphertext: string;
}

/** Encrypts with the merchant's APIv3 key (W-78). */
export function encrypt(
  plaintext: string,
  apiV3Key: string,
  associatedData: string,
  nonce = newGcmNonce(),
): EncryptedData {
  return {
    algorithm: "AEAD_AES_256_GCM",
    nonce,
    associated_data: associatedData,
    ciphertext: encryptGcm(plaintext, apiV3Key, associatedData, nonce),
  };
}

/** AES-GCM with the key length of `key`; the key and the nonce are text, used as bytes. */
export function encryptGcm(
  plaintext: string,
  key: string,
  associatedData: string,
  nonce: string,
): string {
  const bits = Buffer.byteLength(key, "utf8") === 16 ? "aes-128-gcm" : "aes-256-gcm";
  const cipher = createCipheriv(bits, Buffer.from(key, "utf8"), Buffer.from(nonce, "utf8"));
  cipher.setAAD(Buffer.from(associatedData, "utf8"));
  return Buffer.concat([
    cipher.update(plaintext, "utf8"),
    cipher.final(),
    cipher.getAuthTag(),
  ]).toString("base64");
}
