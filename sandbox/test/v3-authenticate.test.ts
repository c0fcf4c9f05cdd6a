import { beforeEach, describe, expect, test } from "vitest";
import { control, MCH_ID, resetSandbox, state } from "./helpers.ts";
import {
  FIRST_SERIAL,
  orderBody,
  sendV3,
  SERIAL,
  signRsa,
  type CallOverrides,
  type V3Response,
} from "./v3-helpers.ts";
import vectors from "./vectors/v3-rsa.json";

const NUMBER = "ADMITTED0001";
const JSAPI = "/v3/pay/transactions/jsapi";
const QUERY = `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=${MCH_ID}`;
const OTHER_KEY = vectors.vectors[0]?.private_key_pem ?? "";

beforeEach(resetSandbox);

const order = async (overrides: CallOverrides = {}): Promise<V3Response> =>
  await sendV3("POST", JSAPI, orderBody(NUMBER), overrides);

/** Expects an unsigned error with a Request-ID, and no order. */
async function expectRefused(response: V3Response, status: number, code: string): Promise<void> {
  expect({ status: response.status, code: response.json["code"] }).toEqual({ status, code });
  expect(response.json["message"]).toEqual(expect.any(String));
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(response.headers.get("request-id")).toMatch(/^[0-9A-F]+-\d+$/);
  expect(response.headers.get("wechatpay-signature")).toBeNull();
  expect((await state()).orders).toEqual([]);
}

test("authenticate accepts a valid call", async () => {
  expect((await order()).status).toBe(200);
});

describe("the headers of an APIv3 call:", () => {
  test.each<[string, CallOverrides["headers"], number, string]>([
    ["no Accept", { accept: null }, 400, "INVALID_REQUEST"],
    ["no User-Agent", { "user-agent": null }, 400, "INVALID_REQUEST"],
    ["an empty User-Agent", { "user-agent": "" }, 400, "INVALID_REQUEST"],
    ["Accept without JSON", { accept: "text/html" }, 406, "PARAM_ERROR"],
    ["fetch's own Accept-Language", { "accept-language": "*" }, 406, "PARAM_ERROR"],
    ["another Accept-Language", { "accept-language": "fr" }, 406, "PARAM_ERROR"],
    ["a list of languages", { "accept-language": "zh-CN,zh;q=0.9" }, 406, "PARAM_ERROR"],
    ["no Content-Type", { "content-type": "" }, 400, "INVALID_REQUEST"],
    ["another Content-Type", { "content-type": "text/xml" }, 400, "INVALID_REQUEST"],
    ["an unknown Wechatpay-Serial", { "wechatpay-serial": "AB" }, 400, "PARAM_ERROR"],
  ])("%s: refused", async (_what, headers = {}, status, code) => {
    await expectRefused(await order({ headers }), status, code);
  });

  test.each<[string, Record<string, string>]>([
    ["any Accept with JSON in it", { accept: "text/plain, application/json;q=0.5" }],
    ["everything", { accept: "*/*" }],
    ["a known language", { "accept-language": "zh-CN" }],
    ["a charset", { "content-type": "application/json; charset=utf-8" }],
    ["a known Wechatpay-Serial", { "wechatpay-serial": FIRST_SERIAL }],
  ])("%s: accepted", async (_what, headers) => {
    expect((await order({ headers })).status).toBe(200);
  });
});

describe("the Authorization of an APIv3 call:", () => {
  const fields = `mchid="1",nonce_str="2",timestamp="1554208460",serial_no="5",signature="3"`;

  test.each([
    ["none", ""],
    ["another scheme", `WECHATPAY2-SM2-WITH-SM3 ${fields}`],
    ["spaces after commas", `WECHATPAY2-SHA256-RSA2048 ${fields.replaceAll(",", ", ")}`],
    ["no quotes", `WECHATPAY2-SHA256-RSA2048 ${fields.replaceAll('"', "")}`],
    ["a missing field", `WECHATPAY2-SHA256-RSA2048 ${fields.replace(',serial_no="5"', "")}`],
    ["an empty field", `WECHATPAY2-SHA256-RSA2048 ${fields.replace('"5"', '""')}`],
    ["a doubled field", `WECHATPAY2-SHA256-RSA2048 ${fields},mchid="1"`],
    ["a foreign field", `WECHATPAY2-SHA256-RSA2048 ${fields},more="1"`],
    ["milliseconds", `WECHATPAY2-SHA256-RSA2048 ${fields.replace("8460", "8460000")}`],
    ["a malformed nonce", `WECHATPAY2-SHA256-RSA2048 ${fields.replace('"2"', '"a b"')}`],
  ])("%s: refused", async (_what, authorization) => {
    await expectRefused(await order({ authorization }), 401, "SIGN_ERROR");
  });

  test.each([300, -300])("a clock that is %d s off: accepted", async (seconds) => {
    const timestamp = Math.floor(Date.now() / 1000) + seconds;
    expect((await order({ timestamp })).status).toBe(200);
  });

  test.each([301, -301])(
    "a clock that is %d s off: refused before the signature is checked",
    async (seconds) => {
      const timestamp = Math.floor(Date.now() / 1000) + seconds;
      const response = await order({ timestamp, signature: "AAAA" });
      await expectRefused(response, 401, "SIGN_ERROR");
      expect(response.json["detail"]).toMatchObject({ issue: "timestamp is too far off" });
    },
  );

  test("an unknown merchant: refused", async () => {
    await expectRefused(await order({ mchid: "1900000999" }), 400, "MCH_NOT_EXISTS");
  });

  test("an unknown serial number: refused; a known one in lower case: accepted", async () => {
    await expectRefused(await order({ serial: FIRST_SERIAL }), 401, "SIGN_ERROR");
    expect((await order({ serial: SERIAL.toLowerCase() })).status).toBe(200);
  });

  test("a merchant without a certificate: refused", async () => {
    const plain = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
    await control("POST", "/merchants", plain);
    await expectRefused(await order({ mchid: plain.mchId }), 401, "SIGN_ERROR");
  });
});

describe("the signature of an APIv3 call", () => {
  test.each<[string, CallOverrides]>([
    ["by another key", { key: OTHER_KEY }],
    ["of another body", { signed: { body: JSON.stringify(orderBody("ANOTHER00001")) } }],
    ["of another path", { signed: { target: `${JSAPI}?` } }],
    ["of another method", { signed: { method: "GET" } }],
    ["that is not base64", { signature: "no-base64_" }],
    ["of another message", { signature: signRsa("something else") }],
  ])("%s: refused", async (_what, overrides) => {
    const response = await order(overrides);
    await expectRefused(response, 401, "SIGN_ERROR");
    expect(response.headers.get("request-id")).toMatch(/-268443699$/);
  });

  test("returns the expected message when it is wrong", async () => {
    const { json } = await order({ signature: signRsa("something else") });
    expect(json["detail"]).toMatchObject({
      field: "signature",
      issue: "sign not match",
      location: "authorization",
      sign_information: {
        method: "POST",
        url: JSAPI,
        truncated_sign_message: expect.stringMatching(/^POST\n\/v3\/pay\/transactions\/jsapi\n/),
      },
    });
  });

  test("covers the query as sent", async () => {
    const plain = { signed: { target: QUERY.split("?")[0] ?? "" } };
    await expectRefused(await sendV3("GET", QUERY, undefined, plain), 401, "SIGN_ERROR");
  });

  test("covers the path as encoded", async () => {
    await sendV3("POST", JSAPI, orderBody("a|b*c-d_e"));
    const target = `/v3/pay/transactions/out-trade-no/a%7Cb*c-d_e?mchid=${MCH_ID}`;
    expect(await sendV3("GET", target)).toMatchObject({ status: 200 });
    const decoded = { signed: { target: decodeURIComponent(target) } };
    const response = await sendV3("GET", target, undefined, decoded);
    expect(response).toMatchObject({ status: 401, json: { code: "SIGN_ERROR" } });
  });
});

describe("an unknown APIv3 path or method:", () => {
  test.each([
    ["GET", "/v3/pay/transactions/native", 404, "NOT_FOUND"],
    ["GET", "/v3", 404, "NOT_FOUND"],
    ["GET", "/v3/refund/domestic/refunds/%E0%A4%A", 404, "NOT_FOUND"],
    ["GET", JSAPI, 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v3/certificates", 405, "METHOD_NOT_ALLOWED"],
  ])("%s %s", async (method, target, status, code) => {
    await expectRefused(await sendV3(method, target), status, code);
  });
});

test("authenticate refuses a body that is too large", async () => {
  const response = await sendV3(
    "POST",
    JSAPI,
    orderBody(NUMBER, { description: "x".repeat(65_536) }),
  );
  await expectRefused(response, 400, "PARAM_ERROR");
});

test("refused calls appear in the call log with their reason", async () => {
  await order({ serial: FIRST_SERIAL });
  expect((await state()).calls[0]).toMatchObject({
    path: JSAPI,
    outcome: "401 SIGN_ERROR: 商户证书序列号有误 (serial_no is not the merchant's)",
  });
});
