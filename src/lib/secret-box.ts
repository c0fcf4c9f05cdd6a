import { Buffer } from "node:buffer";
import { err, ok, type Result } from "./result.ts";

/** One key, ready for use. `id` says which one it is and gives nothing of it away. */
interface NamedKey {
  /** The first 8 hex digits of the key's SHA-256. */
  readonly id: string;
  readonly key: CryptoKey;
}

/** The master key. While it is being changed, the other one too, which opens but never seals. */
export interface MasterKey extends NamedKey {
  readonly previous: NamedKey | null;
}

/** Where a sealed text belongs. It opens nowhere else. */
export interface Place {
  readonly table: string;
  readonly column: string;
  readonly row: number;
}

/** Bytes of an IV. AES-GCM is made for 96 bits (NIST SP 800-38D, 5.2.1.1); never use one twice. */
export const IV_BYTES = 12;

const KEY_BYTES = 32;

/** Format 1: `k1.<id of the master key>.<IV>.<ciphertext and 16-byte tag>`, both in base64url. */
const SEALED = /^k1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

/**
 * Makes a master key of the base64 of 32 bytes, and of another while it is being changed. Throws on
 * any other text: config.ts has checked it.
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
  // WebCrypto would take 16 or 24 bytes too, and quietly use a weaker cipher.
  if (bytes.length !== KEY_BYTES) throw new Error("the master key must be the base64 of 32 bytes");
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: Buffer.from(digest).toString("hex").slice(0, 8), key };
}

/**
 * Encrypts a secret with AES-256-GCM for one column of one row. `iv`: 12 fresh random bytes; the
 * same IV twice under one key would give both texts and the key of the tag away.
 */
export async function seal(
  plain: string,
  masterKey: MasterKey,
  place: Place,
  iv: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (iv.length !== IV_BYTES) throw new Error(`an IV has ${IV_BYTES} bytes`);
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: boundTo(place) },
    masterKey.key,
    new TextEncoder().encode(plain),
  );
  const parts = [Buffer.from(iv), Buffer.from(sealed)].map((part) => part.toString("base64url"));
  return prefixOf(masterKey) + parts.join(".");
}

/** How every text begins that is sealed under this key, and no other does. */
export function prefixOf({ id }: Pick<MasterKey, "id">): string {
  return `k1.${id}.`;
}

/**
 * Opens a sealed text with the key it names, at the place it was sealed for. On failure: a sentence
 * for the log on what is wrong, which holds key ids but nothing of the secret or the ciphertext.
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
  const named = [masterKey, previous].find((one) => one?.id === keyId);
  if (!named) {
    const other = previous === null ? "" : ` and MASTER_KEY_PREVIOUS is ${previous.id}`;
    return err(`sealed under master key ${keyId}, but MASTER_KEY is ${masterKey.id}${other}`);
  }
  try {
    const plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: bytesOf(iv), additionalData: boundTo(place) },
      named.key,
      bytesOf(ciphertext),
    );
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain));
  } catch (error) {
    // What WebCrypto throws when the tag doesn't match; anything else is a bug.
    if (error instanceof DOMException && error.name === "OperationError") {
      return err("moved from another row or column, or tampered with");
    }
    throw error;
  }
}

/**
 * The additional data of the encryption. Stops someone who can write to the database, but has no
 * key, from putting a secret they know (their own app's salt) in another row's place.
 */
function boundTo(place: Place): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(`${place.table}.${place.column}.${place.row}`));
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64url, "base64url"));
}
