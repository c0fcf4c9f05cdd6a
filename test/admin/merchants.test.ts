import { describe, expect, test } from "vitest";
import {
  API_KEY,
  sendAdmin,
  fieldErrors,
  fieldOf,
  fieldsOf,
  merchantBody,
  createMerchant,
} from "./support.ts";

const PATH = "/admin/merchants";
const KEY_FAULT = "must be the APIv2 key: exactly 32 printable ASCII characters";
const CERT_FAULT = "must be the name of an mTLS binding of this Worker, or null";
const MCH_ID_FAULT = "must be WeChat's merchant number: 1 to 32 letters or digits";

describe("POST /admin/merchants", () => {
  test("registers a merchant with WeChat's default signature type", async () => {
    const body = merchantBody();
    const before = Date.now();
    const answer = await sendAdmin("POST", PATH, { body });
    expect(answer.status).toBe(201);
    const { apiKey: _, ...facts } = body;
    expect(answer.json).toEqual({
      id: expect.any(Number),
      ...facts,
      signType: "MD5",
      certBinding: null,
      refundFunds: "unsettled",
      merchantSerialNo: null,
      certificatesCheckedAt: null,
      verifyKeys: [],
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
    });
    expect(Number(fieldOf(answer, "createdAt"))).toBeGreaterThanOrEqual(before);
    const shown = await sendAdmin("GET", `${PATH}/${fieldOf(answer, "id")}`);
    expect([shown.status, shown.json]).toEqual([200, answer.json]);
  });

  test("accepts another signature type and a certificate binding", async () => {
    const more = {
      signType: "HMAC-SHA256",
      certBinding: "MERCHANT_CERT",
      refundFunds: "unsettled-then-available",
    };
    const answer = await sendAdmin("POST", PATH, { body: { ...merchantBody(), ...more } });
    expect([answer.status, answer.json]).toEqual([201, expect.objectContaining(more)]);
  });

  test("answers 409 for a registered mchId", async () => {
    const body = merchantBody();
    await sendAdmin("POST", PATH, { body });
    const answer = await sendAdmin("POST", PATH, { body: { ...body, name: "Another" } });
    expect(answer.status).toBe(409);
    expect(answer.json).toEqual({
      error: {
        code: "conflict",
        message: "A merchant with this number is already registered.",
        fields: [{ path: "mchId", message: "is already registered" }],
      },
    });
  });

  test("names every missing field", async () => {
    const answer = await sendAdmin("POST", PATH, { body: {} });
    expect(answer.status).toBe(400);
    const missing = ["name", "mchId", "protocol", "apiKey"];
    expect(fieldErrors(answer)).toEqual(
      Object.fromEntries(missing.map((path) => [path, "is required"])),
    );
  });

  const NAME_FAULT = "must have 1 to 64 characters and no control characters";
  test.for<[string, unknown, string]>([
    ["name", "", NAME_FAULT],
    ["name", "   ", NAME_FAULT],
    ["name", "x".repeat(65), NAME_FAULT],
    ["name", "line\nbreak", NAME_FAULT],
    ["name", 5, "must be a string"],
    ["mchId", "", MCH_ID_FAULT],
    ["mchId", "1".repeat(33), MCH_ID_FAULT],
    ["mchId", "1900 000109", MCH_ID_FAULT],
    ["mchId", "1900000109\n", MCH_ID_FAULT],
    ["mchId", 1900000109, "must be a string"],
    ["protocol", "v1", "must be v2 or v3"],
    ["apiKey", API_KEY.slice(1), KEY_FAULT],
    ["apiKey", `${API_KEY}x`, KEY_FAULT],
    ["apiKey", ` ${API_KEY.slice(1)}`, KEY_FAULT],
    ["apiKey", `密${API_KEY.slice(1)}`, KEY_FAULT],
    ["apiKey", null, "must be a string"],
    ["signType", "SHA-1", "must be MD5 or HMAC-SHA256"],
    ["signType", null, "must be MD5 or HMAC-SHA256"],
    ["refundFunds", "AVAILABLE", "must be unsettled, available or unsettled-then-available"],
    ["refundFunds", null, "must be unsettled, available or unsettled-then-available"],
    ["certBinding", "NO_SUCH_BINDING", CERT_FAULT],
    ["certBinding", "DB", CERT_FAULT],
    ["certBinding", "ORDER_OBJECT", CERT_FAULT],
    ["certBinding", "ADMIN_TOKEN", CERT_FAULT],
    ["certBinding", "toString", CERT_FAULT],
    ["certBinding", "", CERT_FAULT],
    ["certBinding", 1, CERT_FAULT],
  ])("refuses %s = %j", async ([path, value, fault]) => {
    const answer = await sendAdmin("POST", PATH, { body: { ...merchantBody(), [path]: value } });
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { [path]: fault }]);
  });
});

describe("PATCH /admin/merchants/:id", () => {
  test("changes only the fields in the body", async () => {
    const id = await createMerchant();
    const before = fieldsOf(await sendAdmin("GET", `${PATH}/${id}`));
    const body = {
      name: "Shop 2",
      signType: "HMAC-SHA256",
      certBinding: "MERCHANT_CERT",
      refundFunds: "available",
    };
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, { body });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ ...before, ...body, updatedAt: expect.any(Number) });
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toEqual(answer.json);
  });

  test("removes the certificate binding with null", async () => {
    const body = { ...merchantBody(), certBinding: "MERCHANT_CERT" };
    const id = fieldOf(await sendAdmin("POST", PATH, { body }), "id");
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, { body: { certBinding: null } });
    expect(answer.json).toMatchObject({ certBinding: null, name: "Shop" });
  });

  test("applies no defaults to absent fields", async () => {
    const body = { ...merchantBody(), signType: "HMAC-SHA256", certBinding: "MERCHANT_CERT" };
    const id = fieldOf(await sendAdmin("POST", PATH, { body }), "id");
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, { body: { name: "Shop 2" } });
    expect(answer.json).toMatchObject({ signType: "HMAC-SHA256", certBinding: "MERCHANT_CERT" });
  });

  test.for<[string, unknown, string]>([
    [
      "mchId",
      "1900000999",
      "can't change: orders belong to it at WeChat; register another merchant",
    ],
    ["protocol", "v3x", "must be v2 or v3"],
    ["apiKey", "short", KEY_FAULT],
    ["certBinding", "DB", CERT_FAULT],
    ["name", null, "must be a string"],
    ["id", 5, "is not a field of this request"],
    ["createdAt", 5, "is not a field of this request"],
  ])("refuses %s = %j", async ([path, value, fault]) => {
    const id = await createMerchant();
    const answer = await sendAdmin("PATCH", `${PATH}/${id}`, {
      body: { name: "N", [path]: value },
    });
    expect([answer.status, fieldErrors(answer)[path]]).toEqual([400, fault]);
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toMatchObject({ name: "Shop" });
  });

  test("answers 404 for an absent merchant", async () => {
    const answer = await sendAdmin("PATCH", `${PATH}/999999`, { body: { name: "x" } });
    expect([answer.status, answer.json]).toEqual([
      404,
      { error: { code: "not_found", message: "There is no merchant with this id.", fields: [] } },
    ]);
  });
});
