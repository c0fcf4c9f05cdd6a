import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";

const KEY = "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=";
const OTHER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const DEVELOPMENT_KEY = "ZGV2ZWxvcG1lbnQtbWFzdGVyLWtleS0zMi1ieXRlcyE=";

const production = {
  ENVIRONMENT: "production",
  PUBLIC_URL: "https://gateway.test",
  WECHAT_PAY_URL: "https://wechat.test",
  ADMIN_TOKEN: "test-admin-token",
  MASTER_KEY: KEY,
};

describe("readConfig, MASTER_KEY_PREVIOUS", () => {
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
        error: ["MASTER_KEY_PREVIOUS is the published development value"],
      });
    }
  });

  test("doesn't replace a missing MASTER_KEY", () => {
    const { MASTER_KEY: _, ...without } = production;
    expect(readConfig({ ...without, MASTER_KEY_PREVIOUS: OTHER_KEY })).toEqual({
      ok: false,
      error: ["MASTER_KEY is missing"],
    });
  });
});
