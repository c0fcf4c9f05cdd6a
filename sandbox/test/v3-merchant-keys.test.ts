import { generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import certificate from "../keys/demo-merchant.cert.pem";
import publicKey from "../keys/wechatpay-public.pem";
import {
  APP_ID,
  control,
  KEY,
  MCH_ID,
  placeOrder,
  resetSandbox,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";
import {
  API_V3_KEY,
  orderBody,
  placeOrderV3,
  queryOrderV3,
  sendV3,
  SERIAL,
  type Json,
  type V3Response,
} from "./v3-helpers.ts";
import vectors from "./vectors/v3-rsa.json";

const NUMBER = "KEYED3000001";
const JSAPI = "/v3/pay/transactions/jsapi";
const MERCHANT = {
  mchId: MCH_ID,
  apiKey: KEY,
  appIds: [APP_ID, SECOND_APP_ID],
  apiV3Key: API_V3_KEY,
};
const vector = vectors.vectors.find((it) => it.name.includes('"message"'));
const OTHER_CERTIFICATE = vector?.certificate_pem ?? "";
const OTHER_SERIAL = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115";
const OTHER_KEY = vector?.private_key_pem ?? "";

beforeEach(resetSandbox);

const addKey = async (merchantSerialNo: string): Promise<number> => {
  const key = { merchantSerialNo, merchantPublicKey: publicKey };
  return (await control("POST", `/merchants/${MCH_ID}/keys`, key)).status;
};

describe("a merchant's API certificate key", () => {
  const other = { merchantCertificate: OTHER_CERTIFICATE };
  const withOther = async (): Promise<V3Response> =>
    await sendV3("POST", JSAPI, orderBody(NUMBER), { key: OTHER_KEY, serial: OTHER_SERIAL });

  test("can be added beside another one and removed", async () => {
    expect((await withOther()).status).toBe(401);
    expect(await control("POST", `/merchants/${MCH_ID}/keys`, other)).toMatchObject({
      status: 200,
      json: { mchId: MCH_ID, serialNos: [SERIAL, OTHER_SERIAL] },
    });
    expect((await withOther()).status).toBe(200);
    expect((await placeOrderV3(NUMBER)).status).toBe(200);
    const dropped = await control("DELETE", `/merchants/${MCH_ID}/keys/${SERIAL}`);
    expect(dropped).toMatchObject({ status: 200, json: { serialNos: [OTHER_SERIAL] } });
    expect((await withOther()).status).toBe(200);
    expect((await queryOrderV3(NUMBER)).status).toBe(401);
  });

  test("can be given as a public key with its serial number", async () => {
    const key = { merchantSerialNo: "AB12", merchantPublicKey: vector?.negative?.public_key_pem };
    const response = await control("POST", "/merchants", { ...MERCHANT, ...key });
    expect(response).toEqual({ status: 200, json: { mchId: MCH_ID, appIds: MERCHANT.appIds } });
    expect((await state()).merchants).toMatchObject([{ serialNos: ["AB12"], apiV3: true }]);
  });

  test.each<[string, Json, string]>([
    ["a serial without a key", { merchantSerialNo: "AB12" }, "merchantPublicKey"],
    ["a key without a serial", { merchantPublicKey: publicKey }, "merchantSerialNo"],
    ["an invalid key", { merchantSerialNo: "AB12", merchantPublicKey: "x" }, "merchantPublicKey"],
    [
      "a private key",
      { merchantSerialNo: "AB12", merchantPublicKey: OTHER_KEY },
      "merchantPublicKey",
    ],
    ["an invalid certificate", { merchantCertificate: publicKey }, "merchantCertificate"],
    [
      "another serial than the certificate's",
      { ...other, merchantSerialNo: "AB" },
      "merchantSerialNo",
    ],
    ["both at once", { ...other, merchantPublicKey: publicKey }, "merchantPublicKey"],
    [
      "a serial in lower case",
      { merchantSerialNo: "ab", merchantPublicKey: publicKey },
      "merchantSerialNo",
    ],
  ])("%s is refused", async (_what, key, field) => {
    const fault = {
      status: 400,
      json: { fields: expect.arrayContaining([expect.objectContaining({ field })]) },
    };
    expect(await control("POST", "/merchants", { ...MERCHANT, ...key })).toMatchObject(fault);
    expect(await control("POST", `/merchants/${MCH_ID}/keys`, key)).toMatchObject(fault);
  });

  test("of another size than RSA-2048 is refused", async () => {
    const { publicKey: large } = generateKeyPairSync("rsa", {
      modulusLength: 1024,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const key = { merchantSerialNo: "AB12", merchantPublicKey: large };
    expect((await control("POST", `/merchants/${MCH_ID}/keys`, key)).status).toBe(400);
  });

  test("is one of at most three with different serial numbers", async () => {
    await control("POST", `/merchants/${MCH_ID}/keys`, other);
    const again = await control("POST", `/merchants/${MCH_ID}/keys`, other);
    expect(again).toMatchObject({ status: 409 });
    expect([await addKey("AB12"), await addKey("AB13")]).toEqual([200, 409]);
  });

  test("can't be changed for an unknown merchant", async () => {
    const path = "/merchants/1900000999";
    expect((await control("POST", `${path}/keys`, other)).status).toBe(404);
    expect((await control("DELETE", `${path}/keys/AB`)).status).toBe(404);
    expect((await control("PATCH", path, { verifyMode: "public-key" })).status).toBe(404);
  });
});

describe("the verifyMode of a merchant", () => {
  test.each<[Json, string]>([
    [{ verifyMode: "both" }, "verifyMode"],
    [{ verifyMode: "switching" }, "switchPercent"],
    [{ verifyMode: "switching", switchPercent: 101 }, "switchPercent"],
    [{ verifyMode: "public-key", switchPercent: 1 }, "switchPercent"],
  ])("%j is refused", async (change, field) => {
    expect(await control("PATCH", `/merchants/${MCH_ID}`, change)).toMatchObject({
      status: 400,
      json: { fields: [{ field }] },
    });
  });

  test("can be set when the merchant is registered", async () => {
    const change = { verifyMode: "switching", switchPercent: 0.1 };
    await control("POST", "/merchants", {
      ...MERCHANT,
      merchantCertificate: certificate,
      ...change,
    });
    expect((await state()).merchants).toMatchObject([change]);
  });
});

test("a merchant without APIv3 fields can use APIv2", async () => {
  const { apiV3Key: _key, ...plain } = MERCHANT;
  await control("POST", "/merchants", plain);
  expect((await state()).merchants).toMatchObject([{ apiV3: false, serialNos: [] }]);
  expect(await placeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
});
