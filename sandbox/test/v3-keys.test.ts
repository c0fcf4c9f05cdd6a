import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import certificate from "../keys/demo-merchant.cert.pem";
import first from "../keys/platform-1.cert.pem";
import second from "../keys/platform-2.cert.pem";
import publicKey from "../keys/wechatpay-public.pem";
import {
  APP_ID,
  control,
  freshSandbox,
  KEY,
  MCH_ID,
  merchant,
  ORIGIN,
  pass,
  runAlarm,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";
import {
  API_V3_KEY,
  call3,
  certificatesOf,
  FIRST,
  orderBody,
  placeOrder3,
  PUBLIC,
  SECOND,
  SERIAL,
  type Json,
  type Reply3,
} from "./v3-helpers.ts";

const NUMBER = "KEYED3000001";
const JSAPI = "/v3/pay/transactions/jsapi";
const MERCHANT = {
  mchId: MCH_ID,
  apiKey: KEY,
  appIds: [APP_ID, SECOND_APP_ID],
  apiV3Key: API_V3_KEY,
};

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const mode = async (change: Json): Promise<void> => {
  expect((await control("PATCH", `/merchants/${MCH_ID}`, change)).status).toBe(200);
};
const stage = async (certificateStage: string): Promise<void> => {
  await mode({ certificateStage });
};
const certificates = async (): Promise<Reply3> => await call3("GET", "/v3/certificates");
const serialOf = ({ headers }: Reply3): string | null => headers.get("wechatpay-serial");
const named = async (serial: string): Promise<Reply3> =>
  await call3("POST", JSAPI, orderBody(NUMBER), { "wechatpay-serial": serial });

describe("/v3/certificates", () => {
  test("gives the certificate, encrypted and signed by it", async () => {
    const reply = await certificates();
    expect(serialOf(reply)).toBe(FIRST);
    expect(reply.json).toEqual({
      data: [
        {
          serial_no: FIRST,
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
    expect(certificatesOf(reply)).toEqual([{ serialNo: FIRST, pem: first }]);
    expect((await call3("GET", "/v3/certificates?algorithm_type=RSA")).status).toBe(200);
  });

  test.each([
    ["first", [FIRST], FIRST],
    ["second-offered", [FIRST, SECOND], FIRST],
    ["second-signs", [FIRST, SECOND], SECOND],
    ["second-only", [SECOND], SECOND],
  ])("at the stage %s of a rotation", async (name, offered, signing) => {
    await stage(name);
    const reply = await certificates();
    const expected = offered.map((id) => ({ serialNo: id, pem: id === FIRST ? first : second }));
    expect(certificatesOf(reply)).toEqual(expected);
    expect(serialOf(reply)).toBe(signing);
  });

  test("is a 404 in public-key mode, which is normal", async () => {
    await mode({ verifyMode: "public-key" });
    expect(await certificates()).toMatchObject({
      status: 404,
      json: { code: "RESOURCE_NOT_EXISTS" },
    });
  });

  test("can't be encrypted without an APIv3 key", async () => {
    const { apiV3Key: _key, ...without } = MERCHANT;
    await control("POST", "/merchants", { ...without, merchantCertificate: certificate });
    expect(await certificates()).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
  });
});

describe("a reply is signed by", () => {
  test("the certificate, or the one that the request names", async () => {
    await stage("second-signs");
    expect(serialOf(await placeOrder3(NUMBER))).toBe(SECOND);
    expect(serialOf(await named(FIRST))).toBe(FIRST);
    expect((await named(PUBLIC)).status).toBe(400);
  });

  test("the public key in public-key mode, named or not", async () => {
    await mode({ verifyMode: "public-key" });
    expect(serialOf(await placeOrder3(NUMBER))).toBe(PUBLIC);
    expect(serialOf(await named(PUBLIC))).toBe(PUBLIC);
    expect((await named(FIRST)).status).toBe(400);
  });

  test("whichever key the request names while the merchant is switching", async () => {
    await mode({ verifyMode: "switching", switchPercent: 0 });
    expect(serialOf(await placeOrder3(NUMBER))).toBe(FIRST);
    expect(serialOf(await named(PUBLIC))).toBe(PUBLIC);
    expect(serialOf(await named(FIRST))).toBe(FIRST);
    expect((await certificates()).status).toBe(200);
  });

  test("no certificate that is offered no longer", async () => {
    await stage("second-only");
    expect((await named(FIRST)).status).toBe(400);
  });
});

const serials = async (count: number): Promise<(string | null)[]> => {
  const posts = merchant(() => new Response(null, { status: 204 }));
  await placeOrder3(NUMBER);
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
  for (let it = 0; it < count; it++) await control("POST", `/orders/${NUMBER}/notify`);
  await runAlarm();
  return posts.map((post) => post.headers.get("wechatpay-serial"));
};

describe("notifications", () => {
  test.each([
    [{ verifyMode: "certificate" }, FIRST],
    [{ verifyMode: "public-key" }, PUBLIC],
    [{ verifyMode: "switching", switchPercent: 0 }, FIRST],
    [{ verifyMode: "switching", switchPercent: 100 }, PUBLIC],
  ])("with %j come by one key", async (change, serial) => {
    await mode(change);
    expect(new Set(await serials(20))).toEqual(new Set([serial]));
  });

  test("change over in a share while the merchant is switching", async () => {
    await mode({ verifyMode: "switching", switchPercent: 50 });
    const by = await serials(60);
    const share = by.filter((serial) => serial === PUBLIC).length;
    // Beyond these bounds by chance: less than once in a million.
    expect(share).toBeGreaterThan(10);
    expect(share).toBeLessThan(50);
    expect(by.every((serial) => serial === PUBLIC || serial === FIRST)).toBe(true);
  });

  test("follow a change of mode between attempts", async () => {
    const posts = merchant(() => new Response(null, { status: 500 }));
    await placeOrder3(NUMBER);
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    await mode({ verifyMode: "public-key" });
    pass(15_000);
    await runAlarm();
    expect(posts.map((post) => post.headers.get("wechatpay-serial"))).toEqual([FIRST, PUBLIC]);
  });
});

test("the keys to verify with are told to everybody, private keys to nobody", async () => {
  const reply = await control("GET", "/keys");
  expect(reply.json).toMatchObject({
    certificates: [
      { serialNo: FIRST, certificate: first },
      { serialNo: SECOND, certificate: second },
    ],
    publicKey: { id: PUBLIC, publicKey },
  });
  const page = await (await exports.default.fetch(`${ORIGIN}/`)).text();
  for (const text of [JSON.stringify(reply.json), JSON.stringify(await state()), page]) {
    expect(text).not.toContain("PRIVATE KEY");
    expect(text).not.toContain(API_V3_KEY);
  }
});

test("a mode and a stage change apart, for one merchant alone", async () => {
  const other = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
  await control("POST", "/merchants", other);
  await mode({ certificateStage: "second-signs" });
  await mode({ verifyMode: "switching", switchPercent: 5 });
  const keep = { serialNos: [SERIAL], apiV3: true };
  expect((await state()).merchants).toMatchObject([
    { ...keep, verifyMode: "switching", switchPercent: 5, certificateStage: "second-signs" },
    { mchId: other.mchId, verifyMode: "certificate", certificateStage: "first" },
  ]);
  await mode({});
  await mode({ certificateStage: "first" });
  expect((await state()).merchants[0]).toMatchObject({ ...keep, verifyMode: "switching" });
});
