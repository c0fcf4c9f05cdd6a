import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { readApp } from "../support/settings.ts";
import { appBody, ask, faults, fieldOf, fieldsOf, newMerchant } from "./support.ts";

const PATH = "/admin/apps";
const PUBLISHED_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const merchantId = await newMerchant();

async function made(): Promise<string> {
  return fieldOf(await ask("POST", PATH, { body: appBody(merchantId) }), "id");
}

async function settings(id: string) {
  const found = await readApp(db, masterKey, Number(id), Date.now());
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

describe("POST /admin/apps", () => {
  test("makes an app with a salt and a webhook secret of its own, enabled", async () => {
    const answer = await ask("POST", PATH, { body: appBody(merchantId) });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      id: expect.any(Number),
      ...appBody(merchantId),
      enabled: true,
      oldSaltExpiresAt: null,
      oldWebhookSecretExpiresAt: null,
      requestSignature: "off",
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
      salt: expect.stringMatching(/^[0-9a-f]{32}$/),
      webhookSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(await settings(fieldOf(answer, "id"))).toMatchObject({
      salt: fieldOf(answer, "salt"),
      webhookSecret: fieldOf(answer, "webhookSecret"),
    });
  });

  test("makes other secrets each time", async () => {
    const answers = [
      await ask("POST", PATH, { body: appBody(merchantId) }),
      await ask("POST", PATH, { body: appBody(merchantId) }),
    ];
    for (const secret of ["salt", "webhookSecret"]) {
      expect(new Set(answers.map((answer) => fieldOf(answer, secret))).size).toBe(2);
    }
  });

  test("takes the salt that an existing app signs with", async () => {
    for (const salt of ["~!exactly-16-char", "x".repeat(128)]) {
      const answer = await ask("POST", PATH, { body: { ...appBody(merchantId), salt } });
      expect([answer.status, fieldOf(answer, "salt")]).toEqual([201, salt]);
      expect((await settings(fieldOf(answer, "id"))).salt).toBe(salt);
    }
  });

  test("takes the published salt in development only: anyone can sign with it", async () => {
    const body = { ...appBody(merchantId), salt: PUBLISHED_SALT };
    for (const environment of ["qa", "production"] as const) {
      const answer = await ask("POST", PATH, { body, environment });
      expect([answer.status, faults(answer)]).toEqual([
        400,
        { salt: "is the published demo salt: not outside development" },
      ]);
    }
    expect((await ask("POST", PATH, { body, environment: "development" })).status).toBe(201);
  });

  test("takes a loopback notify URL in development only", async () => {
    const body = { ...appBody(merchantId), payNotifyUrl: "http://127.0.0.1:3000/pay" };
    const answer = await ask("POST", PATH, { body, environment: "production" });
    expect([answer.status, faults(answer)]).toEqual([400, { payNotifyUrl: "must be https" }]);
    expect((await ask("POST", PATH, { body, environment: "development" })).status).toBe(201);
  });

  test("keeps notify URLs as they will be called", async () => {
    const body = { ...appBody(merchantId), refundNotifyUrl: "https://Shop.example.com:443" };
    const answer = await ask("POST", PATH, { body });
    expect(answer.json).toMatchObject({ refundNotifyUrl: "https://shop.example.com/" });
  });

  test("names everything that is missing", async () => {
    const answer = await ask("POST", PATH, { body: {} });
    expect(answer.status).toBe(400);
    const missing = ["name", "merchantId", "wechatAppId", "payNotifyUrl", "refundNotifyUrl"];
    expect(faults(answer)).toEqual(
      Object.fromEntries(missing.map((path) => [path, "is required"])),
    );
  });

  const APP_ID_FAULT = "must be WeChat's app id: wx and 1 to 30 letters or digits";
  const SALT_FAULT = "must be 8 to 128 printable ASCII characters, no blanks";
  test.for<[string, unknown, string]>([
    ["merchantId", 999_999, "is no merchant's id"],
    ["merchantId", 0, "must be positive"],
    ["merchantId", 1.5, "must be a whole number"],
    ["merchantId", "1", "must be a whole number"],
    ["wechatAppId", "0123456789abcdef", APP_ID_FAULT],
    ["wechatAppId", "wx", APP_ID_FAULT],
    ["wechatAppId", `wx${"1".repeat(31)}`, APP_ID_FAULT],
    ["wechatAppId", "wx0123456789-abc", APP_ID_FAULT],
    ["payNotifyUrl", "https://10.0.0.1/", "must name a public host; this is a private address"],
    ["payNotifyUrl", 5, "must be a string"],
    [
      "refundNotifyUrl",
      "https://u:p@shop.example.com/",
      "must not contain a user name or password",
    ],
    ["refundNotifyUrl", "nonsense", "must be an absolute https URL"],
    ["salt", "short-7", SALT_FAULT],
    ["salt", "x".repeat(129), SALT_FAULT],
    ["salt", "a salt with blanks", SALT_FAULT],
    ["salt", "盐盐盐盐盐盐盐盐盐盐盐盐盐盐盐盐", SALT_FAULT],
    ["salt", null, "must be a string"],
    ["webhookSecret", "whsec_MTIz", "is not a field of this request"],
    ["enabled", false, "is not a field of this request"],
  ])("refuses the %s %j", async ([path, value, fault]) => {
    const answer = await ask("POST", PATH, { body: { ...appBody(merchantId), [path]: value } });
    expect([answer.status, faults(answer)]).toEqual([400, { [path]: fault }]);
  });
});

describe("PATCH /admin/apps/:id", () => {
  test("changes what is named and leaves the rest", async () => {
    const id = await made();
    const before = fieldsOf(await ask("GET", `${PATH}/${id}`));
    const body = {
      name: "Web shop 2",
      merchantId: await newMerchant(),
      wechatAppId: "wxfedcba9876543210",
      payNotifyUrl: "https://shop2.example.com/pay",
      refundNotifyUrl: "https://shop2.example.com/refund",
      enabled: false,
    };
    const answer = await ask("PATCH", `${PATH}/${id}`, { body });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ ...before, ...body, updatedAt: expect.any(Number) });
    expect((await ask("GET", `${PATH}/${id}`)).json).toEqual(answer.json);
  });

  test("is known here at once, though the settings were in the cache", async () => {
    const id = await made();
    expect((await settings(id)).enabled).toBe(true);
    await ask("PATCH", `${PATH}/${id}`, { body: { enabled: false } });
    expect((await settings(id)).enabled).toBe(false);
    expect((await settings(id)).merchant.v2?.signType).toBe("MD5");
    const hmac = { body: { signType: "HMAC-SHA256" } };
    await ask("PATCH", `/admin/merchants/${merchantId}`, hmac);
    expect((await settings(id)).merchant.v2?.signType).toBe("HMAC-SHA256");
  });

  test.for<[string, unknown, string]>([
    ["merchantId", 999_999, "is no merchant's id"],
    ["enabled", "false", "must be true or false"],
    ["payNotifyUrl", "https://[::1]/", "must name a public host; this is a loopback one"],
    ["salt", "x".repeat(32), "is not a field of this request"],
    ["webhookSecret", "whsec_MTIz", "is not a field of this request"],
    ["id", 5, "is not a field of this request"],
  ])("refuses the %s %j", async ([path, value, fault]) => {
    const id = await made();
    const asked = { body: { name: "N", [path]: value }, environment: "production" } as const;
    const answer = await ask("PATCH", `${PATH}/${id}`, asked);
    expect([answer.status, faults(answer)]).toEqual([400, { [path]: fault }]);
    expect((await ask("GET", `${PATH}/${id}`)).json).toMatchObject({ name: "Web shop" });
  });

  test("of an absent app is a 404", async () => {
    const answer = await ask("PATCH", `${PATH}/999999`, { body: { enabled: false } });
    expect([answer.status, answer.json]).toEqual([
      404,
      { error: { code: "not_found", message: "There is no app with this id.", fields: [] } },
    ]);
  });
});
