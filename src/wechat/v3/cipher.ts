import { Buffer } from "node:buffer";

/** Data that WeChat encrypted for a merchant: a notification's `resource`, a platform certificate. */
export interface Sealed {
  /** Used as its UTF-8 bytes, without decoding. */
  readonly nonce: string;
  readonly associated_data?: string | null | undefined;
  /** Base64 of the ciphertext and its 16-byte tag. */
  readonly ciphertext: string;
}

/** Bytes of an APIv3 key: with fewer, Web Crypto would silently use a weaker AES. */
const KEY_BYTES = 32;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether a text can be an APIv3 key (W-78). */
export function isApiV3Key(text: string): boolean {
  return new TextEncoder().encode(text).length === KEY_BYTES;
}

/**
 * Decrypts data that WeChat encrypted under the merchant's APIv3 key (W-78). Null when it was
 * encrypted with another key or was tampered with. Throws for a key that isn't 32 bytes.
 */
export async function openSealed(sealed: Sealed, apiV3Key: string): Promise<Uint8Array | null> {
  if (!isApiV3Key(apiV3Key)) throw new Error(`an APIv3 key has ${KEY_BYTES} bytes`);
  return await decryptGcm(sealed, Uint8Array.from(Buffer.from(apiV3Key)));
}

/** The bare cipher, for any AES key length; null when the tag doesn't match. */
export async function decryptGcm(
  { nonce, associated_data: associatedData, ciphertext }: Sealed,
  key: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array | null> {
  if (nonce === "" || !BASE64.test(ciphertext)) return null;
  const encoder = new TextEncoder();
  const algorithm = {
    name: "AES-GCM",
    iv: encoder.encode(nonce),
    additionalData: encoder.encode(associatedData ?? ""),
  };
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    const plain = await crypto.subtle.decrypt(
      algorithm,
      imported,
      Buffer.from(ciphertext, "base64"),
    );
    return new Uint8Array(plain);
  } catch (error) {
    // Web Crypto throws this when the tag doesn't match; any other error is a bug.
    if (error instanceof DOMException && error.name === "OperationError") return null;
    throw error;
  }
}
