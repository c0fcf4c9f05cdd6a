import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { readApp } from "../support/settings.ts";
import { appBody, sendAdmin, fieldErrors, fieldOf, fieldsOf, createMerchant } from "./support.ts";

const PATH = "/admin/apps";
const PUBLISHED_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const merchantId = await createMerchant();

async function createApp(): Promise<string> {
  return fieldOf(await sendAdmin("POST", PATH, { body: appBody(merchantId) }), "id");
}

async function settings(id: string) {
  const found = await readApp(db, masterKey, Number(id), Date.now());
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

describe("POST /admin/apps", () => {
  test("creates an enabled app with its own salt and webhook secret", async () => {
    const answer = await sendAdmin("POST", PATH, { body: appBody(merchantId) });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      id: expect.any(Number),
      ...appBody(merchantId),
      enabled: true,
      oldSaltExpiresAt: null,
      oldWebhookSecretExpiresAt: null,
      requestSignature: "off",
      requireAppOrderNo: false,
      requireAppRefundNo: false,
      allowedAddresses: null,
      canRefund: true,
      maxRefundFenPerDay: null,
      notifyFailed: false,
      saltStagedAt: null,
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

  test("creates different secrets each time", async () => {
    const answers = [
      await sendAdmin("POST", PATH, { body: appBody(merchantId) }),
      await sendAdmin("POST", PATH, { body: appBody(merchantId) }),
    ];
    for (const secret of ["salt", "webhookSecret"]) {
      expect(new Set(answers.map((answer) => fieldOf(answer, secret))).size).toBe(2);
    }
  });

  test("accepts the salt with which an existing app signs", async () => {
    for (const salt of ["~!exactly-16-char", "x".repeat(128)]) {
      const answer = await sendAdmin("POST", PATH, { body: { ...appBody(merchantId), salt } });
      expect([answer.status, fieldOf(answer, "salt")]).toEqual([201, salt]);
      expect((await settings(fieldOf(answer, "id"))).salt).toBe(salt);
    }
  });

  test("accepts the published demo salt in development only", async () => {
    const body = { ...appBody(merchantId), salt: PUBLISHED_SALT };
    for (const environment of ["qa", "production"] as const) {
      const answer = await sendAdmin("POST", PATH, { body, environment });
      expect([answer.status, fieldErrors(answer)]).toEqual([
        400,
        { salt: "is published: it is accepted in development only" },
      ]);
    }
    expect((await sendAdmin("POST", PATH, { body, environment: "development" })).status).toBe(201);
  });

  test("accepts a loopback notify URL in development only", async () => {
    const body = { ...appBody(merchantId), payNotifyUrl: "http://127.0.0.1:3000/pay" };
    const answer = await sendAdmin("POST", PATH, { body, environment: "production" });
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { payNotifyUrl: "must be https" }]);
    expect((await sendAdmin("POST", PATH, { body, environment: "development" })).status).toBe(201);
  });

  test("refuses the gateway's own host and bare addresses as notify URLs", async () => {
    const environment = "production";
    const publicUrl = "https://pay.example.com";
    const path = `${PATH}/${await createApp()}`;
    const cases: [object, object][] = [
      [
        { payNotifyUrl: "https://pay.example.com:8443/order" },
        { payNotifyUrl: "must not be the gateway's own address" },
      ],
      [
        { refundNotifyUrl: "https://8.8.8.8/" },
        { refundNotifyUrl: expect.stringContaining("a bare IP address") },
      ],
    ];
    for (const [fields, expected] of cases) {
      const body = { ...appBody(merchantId), ...fields };
      const created = await sendAdmin("POST", PATH, { body, environment, publicUrl });
      const changed = await sendAdmin("PATCH", path, { body: fields, environment, publicUrl });
      expect([created.status, changed.status]).toEqual([400, 400]);
      expect([fieldErrors(created), fieldErrors(changed)]).toEqual([expected, expected]);
    }
  });

  test("stores notify URLs in normalised form", async () => {
    const body = { ...appBody(merchantId), refundNotifyUrl: "https://Shop.example.com:443" };
    const answer = await sendAdmin("POST", PATH, { body });
    expect(answer.json).toMatchObject({ refundNotifyUrl: "https://shop.example.com/" });
  });

  test("names every missing field", async () => {
    const answer = await sendAdmin("POST", PATH, { body: {} });
    expect(answer.status).toBe(400);
    const missing = ["name", "merchantId", "wechatAppId", "payNotifyUrl", "refundNotifyUrl"];
    expect(fieldErrors(answer)).toEqual(
      Object.fromEntries(missing.map((path) => [path, "is required"])),
    );
  });

  const APP_ID_FAULT = "must be WeChat's app id: wx and 1 to 30 letters or digits";
  const SALT_FAULT = "must be 8 to 128 printable ASCII characters without spaces";
  test.for<[string, unknown, string]>([
    ["merchantId", 999_999, "no merchant has this id"],
    ["merchantId", 0, "must be positive"],
    ["merchantId", 1.5, "must be a whole number"],
    ["merchantId", "1", "must be a whole number"],
    ["wechatAppId", "0123456789abcdef", APP_ID_FAULT],
    ["wechatAppId", "wx", APP_ID_FAULT],
    ["wechatAppId", `wx${"1".repeat(31)}`, APP_ID_FAULT],
    ["wechatAppId", "wx0123456789-abc", APP_ID_FAULT],
    ["payNotifyUrl", "https://[fe80::1]/", "must name a public host; this is a link-local address"],
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
  ])("refuses %s = %j", async ([path, value, fault]) => {
    const answer = await sendAdmin("POST", PATH, {
      body: { ...appBody(merchantId), [path]: value },
    });
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { [path]: fault }]);
  });
});

const RESTRICTIONS = {
  requireAppOrderNo: true,
  requireAppRefundNo: true,
  allowedAddresses: ["203.0.113.7", "198.51.100.0/24", "2001:db8::/32", "::ffff:192.0.2.1"],
  canRefund: false,
  maxRefundFenPerDay: 1_000_000,
};
const NO_RESTRICTIONS = {
  requireAppOrderNo: false,
  requireAppRefundNo: false,
  allowedAddresses: null,
  canRefund: true,
  maxRefundFenPerDay: null,
};

describe("an app's restrictions", () => {
  test("are stored and shown by POST, PATCH and GET, and removed by a PATCH", async () => {
    const made = await sendAdmin("POST", PATH, {
      body: { ...appBody(merchantId), ...RESTRICTIONS },
    });
    expect([made.status, made.json]).toEqual([201, expect.objectContaining(RESTRICTIONS)]);
    const path = `${PATH}/${fieldOf(made, "id")}`;
    expect((await sendAdmin("GET", path)).json).toMatchObject(RESTRICTIONS);
    for (const body of [NO_RESTRICTIONS, RESTRICTIONS]) {
      expect((await sendAdmin("PATCH", path, { body })).json).toMatchObject(body);
      expect((await sendAdmin("GET", path)).json).toMatchObject(body);
    }
  });

  test("notifyFailed is off until it is set, by POST or PATCH", async () => {
    const id = await createApp();
    const path = `${PATH}/${id}`;
    expect((await sendAdmin("GET", path)).json).toMatchObject({ notifyFailed: false });
    for (const body of [{ notifyFailed: true }, { notifyFailed: false }]) {
      expect((await sendAdmin("PATCH", path, { body })).json).toMatchObject(body);
      expect((await sendAdmin("GET", path)).json).toMatchObject(body);
    }
    const body = { ...appBody(merchantId), notifyFailed: true };
    expect((await sendAdmin("POST", PATH, { body })).json).toMatchObject({ notifyFailed: true });
    for (const notifyFailed of [1, "true", null]) {
      const answer = await sendAdmin("PATCH", path, { body: { notifyFailed } });
      expect(fieldErrors(answer)).toEqual({ notifyFailed: "must be true or false" });
    }
  });

  test("change one by one", async () => {
    const id = await createApp();
    const expected: Record<string, unknown> = { ...NO_RESTRICTIONS };
    for (const [field, value] of Object.entries(RESTRICTIONS)) {
      expected[field] = value;
      const answer = await sendAdmin("PATCH", `${PATH}/${id}`, { body: { [field]: value } });
      expect(answer.json).toMatchObject(expected);
    }
  });

  test("may be a hundred addresses", async () => {
    const allowedAddresses = Array.from({ length: 100 }, (_, at) => `10.0.0.${at}`);
    const body = { ...appBody(merchantId), allowedAddresses };
    expect((await sendAdmin("POST", PATH, { body })).status).toBe(201);
  });

  const ADDRESS_FAULT = "must be an IPv4 or IPv6 address or a CIDR range, as 203.0.113.0/24";
  test.for<[field: string, value: unknown, path: string, fault: string]>([
    ["requireAppOrderNo", "true", "requireAppOrderNo", "must be true or false"],
    ["requireAppRefundNo", null, "requireAppRefundNo", "must be true or false"],
    ["canRefund", 0, "canRefund", "must be true or false"],
    [
      "allowedAddresses",
      "203.0.113.7",
      "allowedAddresses",
      "must be a list of addresses, or null for any",
    ],
    ["allowedAddresses", [], "allowedAddresses", "must have an entry, or be null for any address"],
    [
      "allowedAddresses",
      Array.from({ length: 101 }, () => "203.0.113.7"),
      "allowedAddresses",
      "must have at most 100 entries",
    ],
    ["allowedAddresses", ["203.0.113.7", 7], "allowedAddresses.1", "must be a string"],
    [
      "allowedAddresses",
      ["203.0.113.7", "203.0.113.700"],
      "allowedAddresses.1",
      `"203.0.113.700" ${ADDRESS_FAULT}`,
    ],
    ["allowedAddresses", [""], "allowedAddresses.0", `"" ${ADDRESS_FAULT}`],
    [
      "allowedAddresses",
      ["x".repeat(1000)],
      "allowedAddresses.0",
      `"${"x".repeat(64)}" ${ADDRESS_FAULT}`,
    ],
    [
      "allowedAddresses",
      ["203.0.113.7/24"],
      "allowedAddresses.0",
      '"203.0.113.7/24" must have no address bits beyond its prefix',
    ],
    [
      "maxRefundFenPerDay",
      0,
      "maxRefundFenPerDay",
      "must be positive; canRefund false allows no refund",
    ],
    [
      "maxRefundFenPerDay",
      1.5,
      "maxRefundFenPerDay",
      "must be a whole number of fen, or null for no limit",
    ],
    [
      "maxRefundFenPerDay",
      "100",
      "maxRefundFenPerDay",
      "must be a whole number of fen, or null for no limit",
    ],
  ])("refuse %s = %j, in a POST and in a PATCH", async ([field, value, path, fault]) => {
    const id = await createApp();
    const made = await sendAdmin("POST", PATH, {
      body: { ...appBody(merchantId), [field]: value },
    });
    const changed = await sendAdmin("PATCH", `${PATH}/${id}`, { body: { [field]: value } });
    for (const answer of [made, changed]) {
      expect([answer.status, fieldErrors(answer)]).toEqual([400, { [path]: fault }]);
    }
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toMatchObject(NO_RESTRICTIONS);
  });
});

describe("PATCH /admin/apps/:id", () => {
  test("changes only the fields in the body", async () => {
    const id = await createApp();
    const before = fieldsOf(await sendAdmin("GET", `${PATH}/${id}`));
    const body = {
      name: "Web shop 2",
      merchantId: await createMerchant(),
      wechatAppId: "wxfedcba9876543210",
      payNotifyUrl: "https://shop2.example.com/pay",
      refundNotifyUrl: "https://shop2.example.com/refund",
      enabled: false,
    };
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, { body });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ ...before, ...body, updatedAt: expect.any(Number) });
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toEqual(answer.json);
  });

  test("takes effect at once in this isolate despite cached settings", async () => {
    const id = await createApp();
    expect((await settings(id)).enabled).toBe(true);
    await sendAdmin("PATCH", `${PATH}/${id}`, { body: { enabled: false } });
    expect((await settings(id)).enabled).toBe(false);
    expect((await settings(id)).merchant.v2?.signType).toBe("MD5");
    const hmac = { body: { signType: "HMAC-SHA256" } };
    await sendAdmin("PATCH", `/admin/merchants/${merchantId}`, hmac);
    expect((await settings(id)).merchant.v2?.signType).toBe("HMAC-SHA256");
  });

  test.for<[string, unknown, string]>([
    ["merchantId", 999_999, "no merchant has this id"],
    ["enabled", "false", "must be true or false"],
    ["payNotifyUrl", "https://[::1]/", "must name a public host; this is a loopback one"],
    ["salt", "x".repeat(32), "is not a field of this request"],
    ["webhookSecret", "whsec_MTIz", "is not a field of this request"],
    ["id", 5, "is not a field of this request"],
  ])("refuses %s = %j", async ([path, value, fault]) => {
    const id = await createApp();
    const options = { body: { name: "N", [path]: value }, environment: "production" } as const;
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, options);
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { [path]: fault }]);
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toMatchObject({ name: "Web shop" });
  });

  test("answers 404 for an absent app", async () => {
    const answer = await sendAdmin("PATCH", `${PATH}/999999`, { body: { enabled: false } });
    expect([answer.status, answer.json]).toEqual([
      404,
      { error: { code: "not_found", message: "There is no app with this id.", fields: [] } },
    ]);
  });
});
