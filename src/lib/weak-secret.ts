import { isPublishedBytes, isPublishedKey, isPublishedText } from "./published.ts";

/*
 * Reasons to refuse a secret outside development, as the rest of a sentence that begins with the
 * secret's name; null when there is none. They never repeat the secret. A secret that is random and
 * its own passes: no rule here guesses how a secret was made.
 */

/** Of a token or a salt, in characters: 16 hex digits can't be guessed. */
const MIN_TOKEN_LENGTH = 16;
/** Of a token, a salt or a key. 32 random hex digits have fewer once in thirty million. */
const MIN_DISTINCT = 8;

const PUBLISHED = "is published: it is accepted in development only";
const KNOWN_KEY = "is a published test key, with which anyone can sign: for development only";

/** A text that people choose: the admin token, or the salt that an existing app signs with. */
export function weaknessOfToken(token: string): string | null {
  const characters = Array.from(token);
  if (characters.length < MIN_TOKEN_LENGTH) {
    return `must have at least ${MIN_TOKEN_LENGTH} characters`;
  }
  if (new Set(characters).size < MIN_DISTINCT) {
    return `must have at least ${MIN_DISTINCT} different characters`;
  }
  return isPublishedText(token) ? PUBLISHED : null;
}

/** A symmetric key of 32 bytes: the master key, or an APIv2 or APIv3 key in ASCII. */
export function weaknessOfKey(key: Uint8Array): string | null {
  if (isPatterned(key)) return "must be random: this one repeats itself or counts";
  return isPublishedBytes(key) ? PUBLISHED : null;
}

/** A public key that verifies signatures, or the public half of a private key. SPKI, in PEM. */
export function weaknessOfPublicKey(publicKeyPem: string): string | null {
  return isPublishedKey(publicKeyPem) ? KNOWN_KEY : null;
}

/** Whether a key has few different bytes, is a block that repeats, or counts in equal steps. */
function isPatterned(key: Uint8Array): boolean {
  return new Set(key).size < MIN_DISTINCT || isRepetition(key) || hasOneStep(key);
}

function isRepetition(key: Uint8Array): boolean {
  for (let period = 1; period <= key.length / 2; period++) {
    if (key.every((byte, at) => at < period || byte === key[at - period])) return true;
  }
  return false;
}

function hasOneStep(key: Uint8Array): boolean {
  const steps = key.subarray(1).map((byte, at) => byte - (key[at] ?? 0));
  return new Set(steps).size <= 1;
}
