import { describe, expect, test } from "vitest";
import { decryptGcm, isApiV3Key, openSealed } from "../../../src/wechat/v3/cipher.ts";
import vectors from "../../vectors/v3-aes-gcm.json";
import notifications from "../../vectors/v3-notify.json";
import { API_V3_KEY } from "./support/fixtures.ts";
import { seal } from "./support/messages.ts";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const text = (plain: Uint8Array | null) =>
  plain === null ? null : new TextDecoder().decode(plain);
const java = vectors.vectors.find(({ name }) => name.startsWith("java"));
const sealed = {
  nonce: java?.nonce ?? "",
  associated_data: java?.associated_data ?? "",
  ciphertext: java?.ciphertext ?? "",
};

describe("decryptGcm", () => {
  test.each(vectors.vectors)("decrypts the example of $name", async (vector) => {
    expect(text(await decryptGcm(vector, bytes(vector.key)))).toBe(vector.plaintext);
  });

  test("decrypts the complete notification's resource", async () => {
    const [vector] = notifications.vectors;
    const { resource } = JSON.parse(vector?.body ?? "");
    expect(text(await decryptGcm(resource, bytes(vector?.apiv3_key ?? "")))).toBe(
      vector?.decrypted,
    );
  });
});

describe("openSealed", () => {
  test("opens a text with an APIv3 key of 32 bytes", async () => {
    expect(text(await openSealed(sealed, java?.key ?? ""))).toBe("message");
  });

  test("opens a text without associated data", async () => {
    const { associated_data: _, ...bare } = seal("plain", "");
    expect(text(await openSealed(bare, API_V3_KEY))).toBe("plain");
    expect(text(await openSealed({ ...bare, associated_data: null }, API_V3_KEY))).toBe("plain");
  });

  test.each<[string, object]>([
    ["other associated data", { associated_data: "bad-associatedData" }],
    ["no associated data", { associated_data: "" }],
    ["another nonce", { nonce: "bad-4a9R25RW" }],
    ["no nonce", { nonce: "" }],
    ["another ciphertext", { ciphertext: Buffer.alloc(128).toString("base64") }],
    ["a ciphertext shorter than its tag", { ciphertext: "AAAA" }],
    ["an empty ciphertext", { ciphertext: "" }],
    ["a truncated ciphertext", { ciphertext: sealed.ciphertext.slice(0, -4) }],
    ["a ciphertext that isn't base64", { ciphertext: "ulwSi*==" }],
  ])("returns null for %s", async (_name, change) => {
    expect(await openSealed({ ...sealed, ...change }, java?.key ?? "")).toBeNull();
  });

  test("returns null for another key", async () => {
    expect(await openSealed(sealed, API_V3_KEY)).toBeNull();
  });

  test("refuses a key of another length than WeChat's, even a valid AES key", async () => {
    const [go] = vectors.vectors;
    await expect(openSealed(sealed, go?.key ?? "")).rejects.toThrow("32 bytes");
    expect(isApiV3Key(go?.key ?? "")).toBe(false);
    expect(isApiV3Key("密".repeat(10))).toBe(false);
    expect(isApiV3Key(API_V3_KEY)).toBe(true);
  });
});
