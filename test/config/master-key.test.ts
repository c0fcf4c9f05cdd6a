import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";

const KEY = "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=";
const OTHER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** 16 bytes that make a key without a pattern. */
const OTHER_HEX = "f0e1d2c3b4a5968778695a4b3c2d1e0f";
const DEVELOPMENT_KEY = "ZGV2ZWxvcG1lbnQtbWFzdGVyLWtleS0zMi1ieXRlcyE=";

const production = {
  ENVIRONMENT: "production",
  PUBLIC_URL: "https://gateway.test",
  WECHAT_PAY_URL: "https://wechat.test",
  ADMIN_TOKEN: "test-admin-token",
  MASTER_KEY: KEY,
};

describe("readConfig, MASTER_KEY and MASTER_KEY_PREVIOUS", () => {
  test("is null when it isn't set", () => {
    expect(readConfig(production)).toMatchObject({
      ok: true,
      value: { masterKey: KEY, previousMasterKey: null },
    });
  });

  test("is read beside MASTER_KEY", () => {
    expect(readConfig({ ...production, MASTER_KEY_PREVIOUS: OTHER_KEY })).toMatchObject({
      ok: true,
      value: { masterKey: KEY, previousMasterKey: OTHER_KEY },
    });
  });

  test.for(["", "no base64 of 32 bytes", OTHER_KEY.slice(4), `${OTHER_KEY}\n`])(
    "is refused as %j, without its value",
    (value) => {
      expect(readConfig({ ...production, MASTER_KEY_PREVIOUS: value })).toEqual({
        ok: false,
        error: ["MASTER_KEY_PREVIOUS must be the base64 of 32 bytes"],
      });
    },
  );

  test("must differ from MASTER_KEY, in development too", () => {
    for (const ENVIRONMENT of ["development", "qa", "production"]) {
      expect(readConfig({ ...production, ENVIRONMENT, MASTER_KEY_PREVIOUS: KEY })).toEqual({
        ok: false,
        error: ["MASTER_KEY_PREVIOUS must differ from MASTER_KEY"],
      });
    }
  });

  test("may be the published development value in development only", () => {
    const env = { ...production, MASTER_KEY_PREVIOUS: DEVELOPMENT_KEY };
    expect(readConfig({ ...env, ENVIRONMENT: "development" }).ok).toBe(true);
    for (const ENVIRONMENT of ["qa", "production"]) {
      expect(readConfig({ ...env, ENVIRONMENT })).toEqual({
        ok: false,
        error: ["MASTER_KEY_PREVIOUS is published: it is accepted in development only"],
      });
    }
  });

  test.for(["MASTER_KEY", "MASTER_KEY_PREVIOUS"])("is canonical base64 in %s", (name) => {
    const bytes = Buffer.from(OTHER_KEY, "base64");
    const spellings = new Set<string>();
    // The last character has two bits that belong to no byte.
    for (const last of ALPHABET) {
      const text = `${OTHER_KEY.slice(0, -2)}${last}=`;
      if (Buffer.from(text, "base64").equals(bytes) && text !== OTHER_KEY) spellings.add(text);
    }
    expect(spellings.size).toBe(3);
    for (const text of spellings) {
      expect(readConfig({ ...production, [name]: text })).toEqual({
        ok: false,
        error: [
          `${name} must be canonical base64: decode it and encode it again, the key stays the same`,
        ],
      });
    }
    expect(readConfig({ ...production, [name]: OTHER_KEY }).ok).toBe(true);
  });

  test.for(["MASTER_KEY", "MASTER_KEY_PREVIOUS"])("has no other alphabet or form in %s", (name) => {
    const key = Buffer.from("fb".repeat(16) + OTHER_HEX, "hex");
    for (const text of [
      key.toString("base64url"),
      `${key.toString("base64url")}=`,
      key.toString("base64").slice(0, -1),
      `${key.toString("base64")}=`,
      ` ${key.toString("base64")}`,
      `${key.toString("base64").slice(0, 20)}\n${key.toString("base64").slice(20)}`,
      key.toString("hex"),
    ]) {
      expect(readConfig({ ...production, [name]: text })).toEqual({
        ok: false,
        error: [`${name} must be the base64 of 32 bytes`],
      });
    }
  });

  test.for(["MASTER_KEY", "MASTER_KEY_PREVIOUS"])(
    "is neither published nor patterned in %s, outside development",
    (name) => {
      const published = ["sandbox0apiv3key0of0thirtytwo0ch", "192006250b4c09247ec02edce69f6a2d"];
      const patterned = [
        "\0".repeat(32),
        "k".repeat(32),
        "ab".repeat(16),
        "password".repeat(4),
        "0123456789abcdef".repeat(2),
        String.fromCharCode(...Array.from({ length: 32 }, (_, at) => at)),
      ];
      for (const text of [...published, ...patterned]) {
        const env = { ...production, [name]: Buffer.from(text, "latin1").toString("base64") };
        expect(readConfig({ ...env, ENVIRONMENT: "development" }).ok).toBe(true);
        for (const ENVIRONMENT of ["qa", "production"]) {
          const reason = published.includes(text)
            ? "is published: it is accepted in development only"
            : "must be random: this one repeats itself or counts";
          expect(readConfig({ ...env, ENVIRONMENT })).toEqual({
            ok: false,
            error: [`${name} ${reason}`],
          });
        }
      }
    },
  );

  test("doesn't replace a missing MASTER_KEY", () => {
    const { MASTER_KEY: _, ...without } = production;
    expect(readConfig({ ...without, MASTER_KEY_PREVIOUS: OTHER_KEY })).toEqual({
      ok: false,
      error: ["MASTER_KEY is missing"],
    });
  });
});
