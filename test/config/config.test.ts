import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { send } from "../support/gateway.ts";
import { closeScene, openScene } from "../support/scene.ts";

const DEVELOPMENT = {
  ADMIN_TOKEN: "development-admin-token",
  MASTER_KEY: "ZGV2ZWxvcG1lbnQtbWFzdGVyLWtleS0zMi1ieXRlcyE=",
};

const PRODUCTION = {
  ENVIRONMENT: "production",
  PUBLIC_URL: "https://pay.example.com/",
  ADMIN_TOKEN: "a-token-that-is-long-enough",
  MASTER_KEY: "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=",
};

afterEach(closeScene);

/** The faults of an environment as one text; empty when valid. */
function faultsOf(environment: object): string {
  const config = readConfig(environment);
  return config.ok ? "" : config.error.join("; ");
}

describe("readConfig", () => {
  test("reads the environment and applies the defaults", () => {
    expect(readConfig(PRODUCTION)).toMatchObject({
      ok: true,
      value: {
        environment: "production",
        publicUrl: "https://pay.example.com",
        wechatPayUrl: "https://api.mch.weixin.qq.com",
        wechatPaySpareUrl: "https://api2.mch.weixin.qq.com",
        orderTtlMs: 7_200_000,
        adminToken: PRODUCTION.ADMIN_TOKEN,
        masterKey: PRODUCTION.MASTER_KEY,
      },
    });
  });

  test("has no spare host for a WECHAT_PAY_URL other than WeChat's", () => {
    const config = readConfig({ ...PRODUCTION, WECHAT_PAY_URL: "https://sandbox.example.com/" });
    expect(config).toMatchObject({
      value: { wechatPayUrl: "https://sandbox.example.com", wechatPaySpareUrl: null },
    });
  });

  test.for([
    { entered: undefined, wechatPaySpareUrl: "https://api2.mch.weixin.qq.com" },
    { entered: "", wechatPaySpareUrl: null },
    { entered: "https://spare.example.com/", wechatPaySpareUrl: "https://spare.example.com" },
  ])("takes $wechatPaySpareUrl for the spare URL $entered", ({ entered, wechatPaySpareUrl }) => {
    const config = readConfig({ ...PRODUCTION, WECHAT_PAY_SPARE_URL: entered });
    expect(config).toMatchObject({ value: { wechatPaySpareUrl } });
  });

  test.for(["spare.example.com", "https://spare.example.com?a=1", "http://spare.example.com"])(
    "refuses the spare URL %s",
    (url) => {
      expect(faultsOf({ ...PRODUCTION, WECHAT_PAY_SPARE_URL: url })).toContain(
        "WECHAT_PAY_SPARE_URL must be",
      );
    },
  );

  test.for(["ENVIRONMENT", "PUBLIC_URL", "ADMIN_TOKEN", "MASTER_KEY"])(
    "refuses an environment without %s and names it",
    (name) => {
      const { [name]: _removed, ...rest }: Record<string, string> = PRODUCTION;
      expect(faultsOf(rest)).toContain(name);
    },
  );

  test.for([
    ["ENVIRONMENT", "staging"],
    ["PUBLIC_URL", "pay.example.com"],
    ["PUBLIC_URL", "ftp://pay.example.com"],
    ["PUBLIC_URL", "https://pay.example.com/?secret-query"],
    ["PUBLIC_URL", "https://pay.example.com/#secret-fragment"],
    ["PUBLIC_URL", "http://pay.example.com"],
    ["WECHAT_PAY_URL", "http://api.mch.weixin.qq.com"],
    ["ORDER_TTL_SECONDS", "604801"],
    ["ORDER_TTL_SECONDS", "2h"],
    ["ORDER_TTL_SECONDS", "-300"],
    ["ORDER_TTL_SECONDS", ""],
    ["ADMIN_TOKEN", "too-short-secret"],
    ["ADMIN_TOKEN", "abcdef-abcdef-abcdef"],
    ["ADMIN_TOKEN", "992a7f0b35d90fa9d45fe7a669414fbb"],
    ["ADMIN_TOKEN", "DEVELOPMENT-ADMIN-TOKEN"],
    ["MASTER_KEY", "c2hvcnQtc2VjcmV0"],
    ["MASTER_KEY", "not base64 but forty-four characters long!!!"],
  ] as const)("refuses %s = %s without repeating the value", ([name, input]) => {
    const value = input === "too-short-secret" ? input.slice(0, 15) : input;
    const faults = faultsOf({ ...PRODUCTION, [name]: value });
    expect(faults).toContain(name);
    if (value.length > 3) expect(faults).not.toContain(value);
  });

  test.for(["qa", "production"])(
    "refuses the published development values in %s",
    (ENVIRONMENT) => {
      for (const [name, value] of Object.entries(DEVELOPMENT)) {
        const faults = faultsOf({ ...PRODUCTION, ENVIRONMENT, [name]: value });
        expect(faults).toContain(name);
        expect(faults).not.toContain(value);
      }
    },
  );

  test("accepts the published values and plain http in development", () => {
    const development = {
      ENVIRONMENT: "development",
      PUBLIC_URL: "http://127.0.0.1:8787",
      WECHAT_PAY_URL: "http://127.0.0.1:8788",
      ...DEVELOPMENT,
    };
    expect(faultsOf(development)).toBe("");
  });

  test("raises ORDER_TTL_SECONDS to 300, before which WeChat refuses to close", () => {
    expect(readConfig({ ...PRODUCTION, ORDER_TTL_SECONDS: "60" })).toMatchObject({
      value: { orderTtlMs: 300_000 },
    });
  });

  test("accepts the minimum and the maximum of ORDER_TTL_SECONDS", () => {
    for (const ORDER_TTL_SECONDS of ["300", "604800"]) {
      expect(faultsOf({ ...PRODUCTION, ORDER_TTL_SECONDS })).toBe("");
    }
  });
});

describe("gateway without a valid configuration", () => {
  test.for([
    ["/pay/create-order", 200],
    ["/pay/close-order", 200],
    ["/refund/refund-money", 200],
    ["/order", 200],
    ["/health", 503],
    ["/admin/apps", 503],
    ["/notify/v2/1/pay", 503],
  ] as const)("refuses %s with %i and names the missing secrets", async ([path, status]) => {
    await openScene();
    const { ADMIN_TOKEN: _token, MASTER_KEY: _key, ...rest } = env;
    const init = { method: path === "/health" ? "GET" : "POST" };
    const response = await send(path, init, { ...rest, ADMIN_TOKEN: "", MASTER_KEY: "" });
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject(
      path === "/health" ? { ok: false } : { code: 503, data: null },
    );
    expect(text).toMatch(/ADMIN_TOKEN.*MASTER_KEY/);
    expect(response.headers.get("x-request-id")).not.toBeNull();
  });

  test("I9: refuses development's secrets outside development without revealing them", async () => {
    const { logged } = await openScene();
    const bindings = { ...env, ...DEVELOPMENT, ENVIRONMENT: "production" as const };
    const response = await send("/order", { method: "POST" }, bindings);
    expect(response.status).toBe(200);
    const output = (await response.text()) + logged.join();
    expect(output).toMatch(/ADMIN_TOKEN.*MASTER_KEY/);
    for (const value of Object.values(DEVELOPMENT)) expect(output).not.toContain(value);
  });
});
