import { Buffer } from "node:buffer";
import { err, ok, type Result } from "./result.ts";

/** An imported key. `id` identifies the key and reveals nothing of it. */
interface NamedKey {
  /** The first 8 hex digits of the key's SHA-256. */
  readonly id: string;
  readonly key: CryptoKey;
}

/** The master key. During a change of keys also the previous one, which opens but never seals. */
export interface MasterKey extends NamedKey {
  readonly previous: NamedKey | null;
}

/** The table, column and row that a sealed text is bound to. It opens nowhere else. */
export interface Place {
  readonly table: string;
  readonly column: string;
  readonly row: number;
}

/** Length of an IV. AES-GCM is designed for 96 bits (NIST SP 800-38D, 5.2.1.1); never reuse one. */
export const IV_BYTES = 12;

const KEY_BYTES = 32;

/** Format 1: `k1.<id of the master key>.<IV>.<ciphertext and 16-byte tag>`, both in base64url. */
const SEALED = /^k1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

/**
 * Imports a master key from the base64 of 32 bytes, and the previous one during a change of keys.
 * Throws on any other text: config.ts has checked it.
 */
export async function importMasterKey(
  base64: string,
  previousBase64: string | null = null,
): Promise<MasterKey> {
  const previous = previousBase64 === null ? null : await importKey(previousBase64);
  return { ...(await importKey(base64)), previous };
}

async function importKey(base64: string): Promise<NamedKey> {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  // WebCrypto would also accept 16 or 24 bytes, and silently use a weaker cipher.
  if (bytes.length !== KEY_BYTES) throw new Error("the master key must be the base64 of 32 bytes");
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: Buffer.from(digest).toString("hex").slice(0, 8), key };
}

/**
 * Encrypts a secret with AES-256-GCM for one column of one row. `iv`: 12 new random bytes;
 * the same IV twice under one key would reveal both texts and the authentication key.
 */
export async function seal(
  plain: string,
  masterKey: MasterKey,
  place: Place,
  iv: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (iv.length !== IV_BYTES) throw new Error(`an IV has ${IV_BYTES} bytes`);
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: additionalDataOf(place) },
    masterKey.key,
    new TextEncoder().encode(plain),
  );
  const parts = [Buffer.from(iv), Buffer.from(sealed)].map((part) => part.toString("base64url"));
  return prefixOf(masterKey) + parts.join(".");
}

/** The prefix of every text that is sealed under this key, and of no other text. */
export function prefixOf({ id }: Pick<MasterKey, "id">): string {
  return `k1.${id}.`;
}

/**
 * Opens a sealed text with the key that it names, at the place that it is bound to. On failure: a
 * message for the log, which contains key ids but nothing of the secret or the ciphertext.
 */
export async function open(
  sealed: string,
  masterKey: MasterKey,
  place: Place,
): Promise<Result<string, string>> {
  const [, keyId, iv, ciphertext] = SEALED.exec(sealed) ?? [];
  if (keyId === undefined || iv === undefined || ciphertext === undefined) {
    return err("unreadable: not a sealed text of format k1");
  }
  const { previous } = masterKey;
  const named = [masterKey, previous].find((key) => key?.id === keyId);
  if (!named) {
    const alternative = previous === null ? "" : ` and MASTER_KEY_PREVIOUS is ${previous.id}`;
    return err(`sealed under master key ${keyId}, but MASTER_KEY is ${masterKey.id}${alternative}`);
  }
  try {
    const plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: bytesOf(iv), additionalData: additionalDataOf(place) },
      named.key,
      bytesOf(ciphertext),
    );
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain));
  } catch (error) {
    // WebCrypto's error for a tag that doesn't match; anything else is a bug.
    if (error instanceof DOMException && error.name === "OperationError") {
      return err("moved from another row or column, or tampered with");
    }
    throw error;
  }
}

/**
 * The encryption's additional data. Stops an attacker who can write to the database, but has no
 * key, from copying a secret that they know (their own app's salt) to another row.
 */
function additionalDataOf(place: Place): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(`${place.table}.${place.column}.${place.row}`));
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64url, "base64url"));
}
