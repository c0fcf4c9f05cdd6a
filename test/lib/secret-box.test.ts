import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { importMasterKey, open, prefixOf, seal, type Place } from "../../src/lib/secret-box.ts";

const KEY = "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=";
const OTHER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const PLACE: Place = { table: "apps", column: "salt_sealed", row: 7 };
const SECRET = "a salt that nobody may read: 盐";

const masterKey = await importMasterKey(KEY);
const flipped = (part: string, at: number) =>
  part.slice(0, at) + (part[at] === "A" ? "B" : "A") + part.slice(at + 1);
const freshIv = () => crypto.getRandomValues(new Uint8Array(12));

describe("seal and open", () => {
  test("returns the same text at its place", async () => {
    for (const plain of [SECRET, "", "\uFEFFbom", "x".repeat(5000)]) {
      const sealed = await seal(plain, masterKey, PLACE, freshIv());
      expect(await open(sealed, masterKey, PLACE)).toEqual({ ok: true, value: plain });
    }
  });

  test("has the format k1, key id, IV, ciphertext of plain WebCrypto", async () => {
    const iv = new Uint8Array(12).fill(1);
    const sealed = await seal(SECRET, masterKey, PLACE, iv);
    const raw = Uint8Array.from(Buffer.from(KEY, "base64"));
    const digest = await crypto.subtle.digest("SHA-256", raw);
    const id = Buffer.from(digest).toString("hex").slice(0, 8);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
    const additionalData = new TextEncoder().encode("apps.salt_sealed.7");
    const ciphertext = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv, additionalData },
      key,
      new TextEncoder().encode(SECRET),
    );
    const text = Buffer.from(ciphertext).toString("base64url");
    expect(sealed).toBe(`k1.${id}.AQEBAQEBAQEBAQEB.${text}`);
  });

  test.for<[string, Partial<Place>]>([
    ["another row", { row: 8 }],
    ["another column", { column: "old_salt_sealed" }],
    ["another table", { table: "merchants" }],
  ])("refuses %s", async ([, elsewhere]) => {
    const sealed = await seal(SECRET, masterKey, PLACE, freshIv());
    expect(await open(sealed, masterKey, { ...PLACE, ...elsewhere })).toEqual({
      ok: false,
      error: "moved from another row or column, or tampered with",
    });
  });

  test("refuses a text with any byte changed", async () => {
    const [format, id, iv = "", text = ""] = (
      await seal(SECRET, masterKey, PLACE, freshIv())
    ).split(".");
    const changed = [
      ...Array.from({ length: 15 }, (_, at) => [format, id, flipped(iv, at), text].join(".")),
      ...Array.from({ length: text.length - 1 }, (_, at) =>
        [format, id, iv, flipped(text, at)].join("."),
      ),
      [format, id, iv, text.slice(0, -4)].join("."),
    ];
    const results = await Promise.all(
      changed.map(async (sealed) => await open(sealed, masterKey, PLACE)),
    );
    expect(new Set(results.map((result) => result.ok))).toEqual(new Set([false]));
  });

  test("names both keys, and nothing of the secret, for a text under another key", async () => {
    const other = await importMasterKey(OTHER_KEY);
    const sealed = await seal(SECRET, other, PLACE, freshIv());
    expect(await open(sealed, masterKey, PLACE)).toEqual({
      ok: false,
      error: `sealed under master key ${other.id}, but MASTER_KEY is ${masterKey.id}`,
    });
  });

  test("opens a text under the current or the previous key", async () => {
    const changed = await importMasterKey(OTHER_KEY, KEY);
    const before = await seal(SECRET, masterKey, PLACE, freshIv());
    const after = await seal(SECRET, changed, PLACE, freshIv());
    for (const sealed of [before, after]) {
      expect(await open(sealed, changed, PLACE)).toEqual({ ok: true, value: SECRET });
      const elsewhere = await open(sealed, changed, { ...PLACE, row: 8 });
      expect(elsewhere.ok).toBe(false);
    }
  });

  test("never seals with the previous key", async () => {
    const changed = await importMasterKey(OTHER_KEY, KEY);
    const sealed = await seal(SECRET, changed, PLACE, freshIv());
    expect(sealed.startsWith(prefixOf(changed))).toBe(true);
    const only = await importMasterKey(OTHER_KEY);
    expect(await open(sealed, only, PLACE)).toEqual({ ok: true, value: SECRET });
    expect((await open(sealed, masterKey, PLACE)).ok).toBe(false);
  });

  test("names all three keys for a text under neither of two", async () => {
    const third = await importMasterKey(btoa("third-master-key-with-32-bytes!!"));
    const sealed = await seal(SECRET, third, PLACE, freshIv());
    const changed = await importMasterKey(OTHER_KEY, KEY);
    expect(await open(sealed, changed, PLACE)).toEqual({
      ok: false,
      error: `sealed under master key ${third.id}, but MASTER_KEY is ${changed.id} and MASTER_KEY_PREVIOUS is ${masterKey.id}`,
    });
  });

  test.for([
    "",
    "plain text",
    `k2.${masterKey.id}.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB`,
    `k1.${masterKey.id}.AQEB.AQEBAQEBAQEBAQEBAQEBAQEB`,
    `k1.${masterKey.id}.AQEBAQEBAQEBAQEB.AQEB`,
    `k1.${masterKey.id}.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB=`,
    `k1.${masterKey.id}.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB\n`,
  ])("returns an error for a text of another format: %j", async (text) => {
    expect(await open(text, masterKey, PLACE)).toEqual({
      ok: false,
      error: "unreadable: not a sealed text of format k1",
    });
  });
});

test("importMasterKey throws for a key of another length", async () => {
  await expect(importMasterKey(btoa("only 16 bytes!!!"))).rejects.toThrow("32 bytes");
});

test("seal throws for an IV of another length", async () => {
  await expect(seal(SECRET, masterKey, PLACE, new Uint8Array(16))).rejects.toThrow("12 bytes");
});

test("importMasterKey returns a key that can't be exported", () => {
  expect(masterKey.key.extractable).toBe(false);
  expect(masterKey.previous).toBeNull();
});
