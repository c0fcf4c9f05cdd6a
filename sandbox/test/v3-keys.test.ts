import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import certificate from "../keys/demo-merchant.cert.pem";
import first from "../keys/platform-1.cert.pem";
import second from "../keys/platform-2.cert.pem";
import publicKey from "../keys/wechatpay-public.pem";
import {
  advanceClock,
  APP_ID,
  control,
  KEY,
  MCH_ID,
  mockMerchant,
  ORIGIN,
  resetSandbox,
  runAlarm,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";
import {
  API_V3_KEY,
  callV3,
  certificatesOf,
  FIRST_SERIAL,
  orderBody,
  placeOrderV3,
  PUBLIC_KEY_ID,
  SECOND_SERIAL,
  SERIAL,
  type Json,
  type V3Response,
} from "./v3-helpers.ts";

const NUMBER = "KEYED3000001";
const JSAPI = "/v3/pay/transactions/jsapi";
const MERCHANT = {
  mchId: MCH_ID,
  apiKey: KEY,
  appIds: [APP_ID, SECOND_APP_ID],
  apiV3Key: API_V3_KEY,
};

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const changeKeys = async (change: Json): Promise<void> => {
  expect((await control("PATCH", `/merchants/${MCH_ID}`, change)).status).toBe(200);
};
const changeStage = async (certificateStage: string): Promise<void> => {
  await changeKeys({ certificateStage });
};
const certificates = async (): Promise<V3Response> => await callV3("GET", "/v3/certificates");
const serialOf = ({ headers }: V3Response): string | null => headers.get("wechatpay-serial");
const placeOrderNamingKey = async (serial: string): Promise<V3Response> =>
  await callV3("POST", JSAPI, orderBody(NUMBER), { "wechatpay-serial": serial });

describe("/v3/certificates", () => {
  test("returns the certificate, encrypted and signed by it", async () => {
    const response = await certificates();
    expect(serialOf(response)).toBe(FIRST_SERIAL);
    expect(response.json).toEqual({
      data: [
        {
          serial_no: FIRST_SERIAL,
          effective_time: "2024-01-01T08:00:00+08:00",
          expire_time: "2124-01-01T07:59:59+08:00",
          encrypt_certificate: {
            algorithm: "AEAD_AES_256_GCM",
            associated_data: "certificate",
            nonce: expect.stringMatching(/^.{12}$/),
            ciphertext: expect.any(String),
          },
        },
      ],
    });
    expect(certificatesOf(response)).toEqual([{ serialNo: FIRST_SERIAL, pem: first }]);
    expect((await callV3("GET", "/v3/certificates?algorithm_type=RSA")).status).toBe(200);
  });

  test.each([
    ["first", [FIRST_SERIAL], FIRST_SERIAL],
    ["second-offered", [FIRST_SERIAL, SECOND_SERIAL], FIRST_SERIAL],
    ["second-signs", [FIRST_SERIAL, SECOND_SERIAL], SECOND_SERIAL],
    ["second-only", [SECOND_SERIAL], SECOND_SERIAL],
  ])("returns the certificates of the rotation stage %s", async (name, offered, signing) => {
    await changeStage(name);
    const response = await certificates();
    const expected = offered.map((id) => ({
      serialNo: id,
      pem: id === FIRST_SERIAL ? first : second,
    }));
    expect(certificatesOf(response)).toEqual(expected);
    expect(serialOf(response)).toBe(signing);
  });

  test("responds with a 404 in public-key mode", async () => {
    await changeKeys({ verifyMode: "public-key" });
    expect(await certificates()).toMatchObject({
      status: 404,
      json: { code: "RESOURCE_NOT_EXISTS" },
    });
  });

  test("fails without an APIv3 key", async () => {
    const { apiV3Key: _key, ...without } = MERCHANT;
    await control("POST", "/merchants", { ...without, merchantCertificate: certificate });
    expect(await certificates()).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
  });
});

describe("an APIv3 response is signed by", () => {
  test("the current certificate or that of the request", async () => {
    await changeStage("second-signs");
    expect(serialOf(await placeOrderV3(NUMBER))).toBe(SECOND_SERIAL);
    expect(serialOf(await placeOrderNamingKey(FIRST_SERIAL))).toBe(FIRST_SERIAL);
    expect((await placeOrderNamingKey(PUBLIC_KEY_ID)).status).toBe(400);
  });

  test("the public key in public-key mode, with and without its id in the request", async () => {
    await changeKeys({ verifyMode: "public-key" });
    expect(serialOf(await placeOrderV3(NUMBER))).toBe(PUBLIC_KEY_ID);
    expect(serialOf(await placeOrderNamingKey(PUBLIC_KEY_ID))).toBe(PUBLIC_KEY_ID);
    expect((await placeOrderNamingKey(FIRST_SERIAL)).status).toBe(400);
  });

  test("the key of the request while the merchant is switching", async () => {
    await changeKeys({ verifyMode: "switching", switchPercent: 0 });
    expect(serialOf(await placeOrderV3(NUMBER))).toBe(FIRST_SERIAL);
    expect(serialOf(await placeOrderNamingKey(PUBLIC_KEY_ID))).toBe(PUBLIC_KEY_ID);
    expect(serialOf(await placeOrderNamingKey(FIRST_SERIAL))).toBe(FIRST_SERIAL);
    expect((await certificates()).status).toBe(200);
  });

  test("no certificate that is no longer offered", async () => {
    await changeStage("second-only");
    expect((await placeOrderNamingKey(FIRST_SERIAL)).status).toBe(400);
  });
});

const serials = async (count: number): Promise<(string | null)[]> => {
  const posts = mockMerchant(() => new Response(null, { status: 204 }));
  await placeOrderV3(NUMBER);
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
  for (let it = 0; it < count; it++) await control("POST", `/orders/${NUMBER}/notify`);
  await runAlarm();
  return posts.map((post) => post.headers.get("wechatpay-serial"));
};

describe("APIv3 notifications", () => {
  test.each([
    [{ verifyMode: "certificate" }, FIRST_SERIAL],
    [{ verifyMode: "public-key" }, PUBLIC_KEY_ID],
    [{ verifyMode: "switching", switchPercent: 0 }, FIRST_SERIAL],
    [{ verifyMode: "switching", switchPercent: 100 }, PUBLIC_KEY_ID],
  ])("with %j are signed by one key", async (change, serial) => {
    await changeKeys(change);
    expect(new Set(await serials(20))).toEqual(new Set([serial]));
  });

  test("are signed by either key while the merchant is switching", async () => {
    await changeKeys({ verifyMode: "switching", switchPercent: 50 });
    const by = await serials(60);
    const share = by.filter((serial) => serial === PUBLIC_KEY_ID).length;
    // The probability of a random result outside these bounds is below one in a million.
    expect(share).toBeGreaterThan(10);
    expect(share).toBeLessThan(50);
    expect(by.every((serial) => serial === PUBLIC_KEY_ID || serial === FIRST_SERIAL)).toBe(true);
  });

  test("are signed by the new key after a change of mode", async () => {
    const posts = mockMerchant(() => new Response(null, { status: 500 }));
    await placeOrderV3(NUMBER);
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    await changeKeys({ verifyMode: "public-key" });
    advanceClock(15_000);
    await runAlarm();
    expect(posts.map((post) => post.headers.get("wechatpay-serial"))).toEqual([
      FIRST_SERIAL,
      PUBLIC_KEY_ID,
    ]);
  });
});

test("GET /keys returns the public keys; private keys are never returned", async () => {
  const response = await control("GET", "/keys");
  expect(response.json).toMatchObject({
    certificates: [
      { serialNo: FIRST_SERIAL, certificate: first },
      { serialNo: SECOND_SERIAL, certificate: second },
    ],
    publicKey: { id: PUBLIC_KEY_ID, publicKey },
  });
  const page = await (await exports.default.fetch(`${ORIGIN}/`)).text();
  for (const text of [JSON.stringify(response.json), JSON.stringify(await state()), page]) {
    expect(text).not.toContain("PRIVATE KEY");
    expect(text).not.toContain(API_V3_KEY);
  }
});

test("mode and certificate stage change independently, for one merchant only", async () => {
  const other = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
  await control("POST", "/merchants", other);
  await changeKeys({ certificateStage: "second-signs" });
  await changeKeys({ verifyMode: "switching", switchPercent: 5 });
  const keep = { serialNos: [SERIAL], apiV3: true };
  expect((await state()).merchants).toMatchObject([
    { ...keep, verifyMode: "switching", switchPercent: 5, certificateStage: "second-signs" },
    { mchId: other.mchId, verifyMode: "certificate", certificateStage: "first" },
  ]);
  await changeKeys({});
  await changeKeys({ certificateStage: "first" });
  expect((await state()).merchants[0]).toMatchObject({ ...keep, verifyMode: "switching" });
});
