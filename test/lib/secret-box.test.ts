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

describe("a sealed text", () => {
  test("opens at its place, to the same text", async () => {
    for (const plain of [SECRET, "", "\uFEFFbom", "x".repeat(5000)]) {
      const sealed = await seal(plain, masterKey, PLACE, freshIv());
      expect(await open(sealed, masterKey, PLACE)).toEqual({ ok: true, value: plain });
    }
  });

  test("is k1, the key's id, the IV and the ciphertext, as WebCrypto and SHA-256 say", async () => {
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
  ])("doesn't open in %s", async ([, elsewhere]) => {
    const sealed = await seal(SECRET, masterKey, PLACE, freshIv());
    expect(await open(sealed, masterKey, { ...PLACE, ...elsewhere })).toEqual({
      ok: false,
      error: "moved from another row or column, or tampered with",
    });
  });

  test("doesn't open when any byte has changed", async () => {
    const [format, id, iv = "", text = ""] = (
      await seal(SECRET, masterKey, PLACE, freshIv())
    ).split(".");
    const broken = [
      ...Array.from({ length: 15 }, (_, at) => [format, id, flipped(iv, at), text].join(".")),
      ...Array.from({ length: text.length - 1 }, (_, at) =>
        [format, id, iv, flipped(text, at)].join("."),
      ),
      [format, id, iv, text.slice(0, -4)].join("."),
    ];
    const answers = await Promise.all(
      broken.map(async (sealed) => await open(sealed, masterKey, PLACE)),
    );
    expect(new Set(answers.map((answer) => answer.ok))).toEqual(new Set([false]));
  });

  test("names both keys when it was sealed under another one, and nothing of the secret", async () => {
    const other = await importMasterKey(OTHER_KEY);
    const sealed = await seal(SECRET, other, PLACE, freshIv());
    expect(await open(sealed, masterKey, PLACE)).toEqual({
      ok: false,
      error: `sealed under master key ${other.id}, but MASTER_KEY is ${masterKey.id}`,
    });
  });

  test("opens with the key it names, the current or the previous one", async () => {
    const changed = await importMasterKey(OTHER_KEY, KEY);
    const before = await seal(SECRET, masterKey, PLACE, freshIv());
    const after = await seal(SECRET, changed, PLACE, freshIv());
    for (const sealed of [before, after]) {
      expect(await open(sealed, changed, PLACE)).toEqual({ ok: true, value: SECRET });
      const elsewhere = await open(sealed, changed, { ...PLACE, row: 8 });
      expect(elsewhere.ok).toBe(false);
    }
  });

  test("is never sealed with the previous key", async () => {
    const changed = await importMasterKey(OTHER_KEY, KEY);
    const sealed = await seal(SECRET, changed, PLACE, freshIv());
    expect(sealed.startsWith(prefixOf(changed))).toBe(true);
    const only = await importMasterKey(OTHER_KEY);
    expect(await open(sealed, only, PLACE)).toEqual({ ok: true, value: SECRET });
    expect((await open(sealed, masterKey, PLACE)).ok).toBe(false);
  });

  test("names all three keys when it was sealed under neither of two", async () => {
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
  ])("that is none is unreadable, not a crash: %j", async (text) => {
    expect(await open(text, masterKey, PLACE)).toEqual({
      ok: false,
      error: "unreadable: not a sealed text of format k1",
    });
  });
});

test("a key of another length is a bug, not a weaker cipher", async () => {
  await expect(importMasterKey(btoa("only 16 bytes!!!"))).rejects.toThrow("32 bytes");
});

test("an IV of another length is a bug", async () => {
  await expect(seal(SECRET, masterKey, PLACE, new Uint8Array(16))).rejects.toThrow("12 bytes");
});

test("the key can't be taken out again", () => {
  expect(masterKey.key.extractable).toBe(false);
  expect(masterKey.previous).toBeNull();
});
