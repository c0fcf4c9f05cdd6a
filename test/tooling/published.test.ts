import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isPublishedKey, isPublishedText } from "../../src/lib/published.ts";
import { weaknessOfKey } from "../../src/lib/weak-secret.ts";

/*
 * The gateway knows what is published by fingerprint only. These tests take what the project really
 * publishes, so that a new key or example can't be left out of the list.
 */

const read = (file: string) => readFileSync(file, "utf8");
const valuesIn = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, value = ""]) => value);

/** The public half of whatever a PEM has, as SPKI. */
function spkiOf(pem: string): string {
  const key = pem.includes("CERTIFICATE")
    ? new X509Certificate(pem).publicKey
    : createPublicKey(pem);
  return key.export({ format: "pem", type: "spki" }).toString();
}

describe("published secrets", () => {
  test("have the development secrets", () => {
    const values = valuesIn(read(".dev.vars.example"), /^[A-Z_]+="(.+)"$/gm);
    expect(values).toHaveLength(2);
    for (const value of values) expect(isPublishedText(value)).toBe(true);
    expect(weaknessOfKey(Buffer.from(values[1] ?? "", "base64"))).toMatch(/published/);
  });

  test("have the sandbox's APIv2 and APIv3 keys", () => {
    const values = [
      ...valuesIn(read("sandbox/wrangler.toml"), /^DEMO_API_KEY = "(.+)"$/gm),
      ...valuesIn(read("sandbox/src/sandbox-keys.ts"), /DEMO_API_V3_KEY = "(.+)"/g),
      ...valuesIn(read("testkit/demo-merchant.ts"), /DEMO_(?:API_KEY|API_V3_KEY|SALT) = "(.+)"/g),
    ];
    expect(values).toHaveLength(5);
    for (const value of values) expect(isPublishedText(value)).toBe(true);
  });

  test("have the salts of the documents and of the signing vector", () => {
    const salts = readdirSync("docs")
      .map((name) => read(`docs/${name}`))
      .concat(read("README.md"), read("test/vectors/app-signature.json"))
      .flatMap((text) => valuesIn(text, /salt"?\s*[:=]?\s*['"`]?([0-9a-f]{32})/gi));
    expect(new Set(salts).size).toBeGreaterThanOrEqual(3);
    for (const salt of salts) expect(isPublishedText(salt)).toBe(true);
  });

  test("have the key of WeChat's signing example", () => {
    const keys = valuesIn(read("test/vectors/v2-sign.json"), /"key": "(.+)"/g);
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(isPublishedText(key)).toBe(true);
  });

  test("have every key of sandbox/keys, as certificate, public key, PKCS#8 and PKCS#1", () => {
    const files = readdirSync("sandbox/keys").filter((name) => name.endsWith(".pem"));
    expect(files).toHaveLength(8);
    for (const file of files)
      expect(isPublishedKey(spkiOf(read(`sandbox/keys/${file}`)))).toBe(true);
  });

  test("have every private key of WeChat's vectors", () => {
    const pems = valuesIn(read("test/vectors/v3-rsa.json"), /"private_key_pem": (".+")/g);
    expect(pems).toHaveLength(3);
    for (const pem of pems) expect(isPublishedKey(spkiOf(String(JSON.parse(pem))))).toBe(true);
  });

  test("are not in src in the clear", () => {
    const source = readdirSync("src", { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`src/${name}`))
      .join("\n");
    for (const value of valuesIn(read(".dev.vars.example"), /^[A-Z_]+="(.+)"$/gm)) {
      expect(source).not.toContain(value);
      expect(source).toContain(createHash("sha256").update(value.toLowerCase()).digest("hex"));
    }
  });
});
