import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { importRequestKey } from "../../../src/contract/request-signature/request-key.ts";
import { ED25519_PRIVATE, ED25519_PUBLIC, HMAC_SECRET } from "./support.ts";

const base64 = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
  type: "spki",
  format: "pem",
});

describe("importRequestKey, ed25519", () => {
  test.each([
    ["as openssl writes it", ED25519_PUBLIC],
    ["without the last line break", ED25519_PUBLIC.trim()],
    ["with Windows line breaks", ED25519_PUBLIC.replaceAll("\n", "\r\n")],
  ])("imports a public key %s", async (_, material) => {
    const key = await importRequestKey({ algorithm: "ed25519", material });
    expect(key?.usages).toEqual(["verify"]);
    expect(key?.type).toBe("public");
  });

  test.each([
    ["nothing", ""],
    ["bare base64", base64],
    ["a private key", ED25519_PRIVATE],
    ["a key of another curve", String(p256)],
    ["an X25519 key", ED25519_PUBLIC.replace("K2Vw", "K2Vu")],
    ["a key cut off", ED25519_PUBLIC.replace("D0bs=", "")],
    ["a key with more behind it", ED25519_PUBLIC.replace("D0bs=", "D0bsAAAA")],
    ["two keys", ED25519_PUBLIC + ED25519_PUBLIC],
    ["an HMAC secret", HMAC_SECRET],
  ])("refuses %s", async (_, material) => {
    expect(await importRequestKey({ algorithm: "ed25519", material })).toBeNull();
  });
});

describe("importRequestKey, hmac-sha256", () => {
  test("imports the base64 of 32 bytes", async () => {
    const key = await importRequestKey({ algorithm: "hmac-sha256", material: HMAC_SECRET });
    expect(key?.usages).toEqual(["verify"]);
    expect(key?.extractable).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["31 bytes", Buffer.alloc(31, 1).toString("base64")],
    ["33 bytes", Buffer.alloc(33, 1).toString("base64")],
    ["base64 without padding", HMAC_SECRET.replace("=", "")],
    ["base64url", Buffer.alloc(32, 255).toString("base64url")],
    ["hex", "ab".repeat(32)],
    ["a line break", `${HMAC_SECRET}\n`],
    ["a public key", ED25519_PUBLIC],
  ])("refuses %s", async (_, material) => {
    expect(await importRequestKey({ algorithm: "hmac-sha256", material })).toBeNull();
  });
});
