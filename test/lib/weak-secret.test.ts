import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { weaknessOfKey, weaknessOfPublicKey, weaknessOfToken } from "../../src/lib/weak-secret.ts";
import { writePem } from "../../src/wechat/pem.ts";
import { keys } from "../wechat/v3/support/fixtures.ts";

const PUBLISHED = "is published: it is accepted in development only";
const PATTERNED = "must be random: this one repeats itself or counts";
const KNOWN_KEY = "is a published test key, with which anyone can sign: for development only";

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("weaknessOfToken", () => {
  const SHORT = "must have at least 16 characters";
  const UNIFORM = "must have at least 8 different characters";

  test.for([
    ["", SHORT],
    ["a-token-of-15-ch", null],
    ["a-token-of-15-c", SHORT],
    ["abcdefghabcdefgh", null],
    ["abcdefgabcdefgabcdefg", UNIFORM],
    ["x".repeat(128), UNIFORM],
    // Seven characters of which each is two code units.
    ["🐟🐠🐡🐢🐣🐤🐥".repeat(3), UNIFORM],
    ["🐟🐠🐡🐢🐣🐤🐥🐦", SHORT],
    ["development-admin-token", PUBLISHED],
    ["Development-Admin-Token", PUBLISHED],
    [" development-admin-token\n", PUBLISHED],
    ["992a7f0b35d90fa9d45fe7a669414fbb", PUBLISHED],
    ["992A7F0B35D90FA9D45FE7A669414FBB", PUBLISHED],
    ["ZGV2ZWxvcG1lbnQtbWFzdGVyLWtleS0zMi1ieXRlcyE=", PUBLISHED],
    ["sandbox0apiv3key0of0thirtytwo0ch", PUBLISHED],
  ] as const)("finds in %j: %s", ([token, weakness]) => {
    expect(weaknessOfToken(token)).toBe(weakness);
  });
});

describe("weaknessOfKey", () => {
  test.for([
    "192006250b4c09247ec02edce69f6a2d",
    "192006250B4C09247EC02EDCE69F6A2D",
    "8934e7d15453e97507ef794cf7b0519d",
    "exposed_your_key_here_have_risks",
    "sandbox0api0key0of0thirtytwo0chr",
    "sandbox0apiv3key0of0thirtytwo0ch",
    "992a7f0b35d90fa9d45fe7a669414fbb",
    "development-master-key-32-bytes!",
  ])("knows the published key %s", (key) => {
    expect(weaknessOfKey(bytesOf(key))).toBe(PUBLISHED);
  });

  test("refuses a block of any length that repeats", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 16 }), (block) => {
        const key = Uint8Array.from({ length: 32 }, (_, at) => block[at % block.length] ?? 0);
        expect(weaknessOfKey(key)).toBe(PATTERNED);
      }),
    );
  });

  test("refuses fewer than eight different bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 7 }),
        fc.array(fc.nat(), { minLength: 32, maxLength: 32 }),
        (alphabet, picks) => {
          const key = Uint8Array.from(picks, (pick) => alphabet[pick % alphabet.length] ?? 0);
          expect(weaknessOfKey(key)).toBe(PATTERNED);
        },
      ),
    );
  });

  test("refuses bytes that count in equal steps", () => {
    fc.assert(
      fc.property(fc.nat({ max: 255 }), fc.nat({ max: 255 }), (first, step) => {
        const key = Uint8Array.from({ length: 32 }, (_, at) => first + at * step);
        expect(weaknessOfKey(key)).toBe(PATTERNED);
      }),
    );
  });

  test("accepts random keys, in bytes and in hex digits", () => {
    for (let count = 0; count < 500; count++) {
      const key = crypto.getRandomValues(new Uint8Array(32));
      expect(weaknessOfKey(key)).toBeNull();
      expect(weaknessOfKey(bytesOf(Buffer.from(key).toString("hex").slice(32)))).toBeNull();
    }
  });
});

describe("weaknessOfPublicKey", () => {
  test("knows the test keys of RFC 9421 and RFC 8032", () => {
    for (const hex of [
      "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ]) {
      expect(weaknessOfPublicKey(ed25519(hex))).toBe(KNOWN_KEY);
      expect(weaknessOfPublicKey(ed25519(hex).replaceAll("\n", ""))).toBe(KNOWN_KEY);
      expect(weaknessOfPublicKey(ed25519(hex).replaceAll("\n", "\r\n"))).toBe(KNOWN_KEY);
    }
  });

  test("knows the points of small order, under which a signature needs no key", () => {
    for (const hex of ["00".repeat(32), `01${"00".repeat(31)}`, `ec${"ff".repeat(30)}7f`]) {
      expect(weaknessOfPublicKey(ed25519(hex))).toBe(KNOWN_KEY);
    }
  });

  test("accepts other keys", () => {
    expect(weaknessOfPublicKey(keys.merchant.publicKey)).toBeNull();
    expect(weaknessOfPublicKey(ed25519("a5".repeat(32)))).toBeNull();
  });
});

/** The public key of these 32 bytes, in PEM. */
function ed25519(hex: string): string {
  return writePem("PUBLIC KEY", Buffer.from(`302a300506032b6570032100${hex}`, "hex"));
}
