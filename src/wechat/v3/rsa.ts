import { Buffer } from "node:buffer";
import { importOnce } from "../../lib/import-once.ts";
import type { V3Credentials, VerifyKey } from "../types.ts";
import { readPem } from "../pem.ts";

/** SHA256-RSA2048, that is RSASSA-PKCS1-v1_5 with SHA-256 (W-64). */
const ALGORITHM = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** Signs a text with this merchant's private key. Returns standard base64. */
export async function sign(text: string, credentials: V3Credentials): Promise<string> {
  const key = await importOnce(
    credentials,
    async () => await importKey("pkcs8", credentials.privateKeyPem, "sign"),
  );
  const signature = await crypto.subtle.sign(ALGORITHM.name, key, new TextEncoder().encode(text));
  return Buffer.from(signature).toString("base64");
}

/** Whether the signature over the bytes is valid for this key. */
export async function isSigned(
  bytes: Uint8Array,
  signature: Uint8Array,
  verifyKey: VerifyKey,
): Promise<boolean> {
  const key = await importOnce(
    verifyKey,
    async () => await importKey("spki", verifyKey.publicKeyPem, "verify"),
  );
  return await crypto.subtle.verify(ALGORITHM.name, key, signature, bytes);
}

/** Stored keys were parsed when they were entered: a key that can't be parsed now is a bug. */
async function importKey(
  format: "pkcs8" | "spki",
  pem: string,
  usage: "sign" | "verify",
): Promise<CryptoKey> {
  const block = readPem(pem);
  if (block === null) throw new Error(`a stored key isn't a PEM (${format})`);
  return await crypto.subtle.importKey(format, block.der, ALGORITHM, false, [usage]);
}
