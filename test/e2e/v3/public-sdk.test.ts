import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Aes, Formatter, Rsa, Wechatpay } from "wechatpay-axios-plugin";
import { eventually } from "../../../testkit/eventually.ts";

/**
 * A public SDK as the merchant: its signer, verifier and cipher against the sandbox's. A mistake that
 * the gateway and the sandbox share fails here.
 */

const KEYS = path.resolve("sandbox/keys");
const pem = (name: string): string => readFileSync(path.join(KEYS, name), "utf8");

const MCH_ID = "1900000203";
const APP_ID = "wx2030000000000001";
const SERIAL = "5A4DB0DE000000000000000000000000000000D1";
const API_V3_KEY = "interop0apiv3key0of0thirtytwo0ch";
const PLATFORM = "5A4DB0C1000000000000000000000000000000A1";
const PUBLIC_KEY = "PUB_KEY_ID_0119000001092024010100000000000001";
const CERTS: Readonly<Record<string, string>> = {
  [PLATFORM]: pem("platform-1.cert.pem"),
  [PUBLIC_KEY]: pem("wechatpay-public.pem"),
};
const PRIVATE_KEY = pem("demo-merchant.key.pem");

const { sandboxUrl } = inject("stack");
const sdk = new Wechatpay({
  mchid: MCH_ID,
  serial: SERIAL,
  privateKey: PRIVATE_KEY,
  certs: { ...CERTS },
  baseURL: `${sandboxUrl}/`,
});

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}
const received: Received[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
    response.writeHead(204).end();
  });
});
let notifyUrl: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    receiver.listen(0, "127.0.0.1", resolve);
  });
  const address = receiver.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  notifyUrl = `http://127.0.0.1:${address.port}/notify`;
  await control("POST", "/merchants", {
    mchId: MCH_ID,
    apiKey: "k".repeat(32),
    appIds: [APP_ID],
    apiV3Key: API_V3_KEY,
    merchantCertificate: pem("demo-merchant.cert.pem"),
    verifyMode: "switching",
    switchPercent: 50,
  });
});
afterAll(() => {
  receiver.close();
});

async function control(method: string, target: string, body: object): Promise<void> {
  const response = await fetch(`${sandboxUrl}/sandbox/api${target}`, {
    method,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${target}: ${await response.text()}`);
}

/** Waits for the notification of an order; the SDK verifies and decrypts it. */
async function waitForNotification(
  type: string,
  outTradeNo: string,
): Promise<Record<string, unknown>> {
  return await eventually(`${type} of ${outTradeNo}`, () => find(type, outTradeNo));
}

function find(type: string, outTradeNo: string): Record<string, unknown> | undefined {
  for (const { headers, body } of received) {
    const event = JSON.parse(body);
    const { ciphertext, nonce, associated_data: aad } = event.resource;
    const resource = JSON.parse(Aes.AesGcm.decrypt(ciphertext, API_V3_KEY, nonce, aad));
    if (event.event_type !== type || resource.out_trade_no !== outTradeNo) continue;
    const serial = String(headers["wechatpay-serial"]);
    const message = Formatter.response(
      String(headers["wechatpay-timestamp"]),
      String(headers["wechatpay-nonce"]),
      body,
    );
    const certificate = CERTS[serial];
    if (certificate === undefined) throw new Error(`an unknown serial: ${serial}`);
    expect(Rsa.verify(message, String(headers["wechatpay-signature"]), certificate)).toBe(true);
    return resource;
  }
  return undefined;
}

const order = (outTradeNo: string): object => ({
  appid: APP_ID,
  mchid: MCH_ID,
  description: "公仔 & <plush>",
  out_trade_no: outTradeNo,
  notify_url: notifyUrl,
  amount: { total: 100, currency: "CNY" },
  payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
});
interface Placed {
  status: number;
  headers: Record<string, unknown>;
  data: { prepay_id: string };
}

const JSAPI = "v3/pay/transactions/jsapi";
const place = async (body: object, headers: Record<string, string> = {}): Promise<Placed> =>
  await sdk.chain(JSAPI).post<object, Placed>(body, { headers });
const number = (): string => `SDK${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;

test("SDK: fetches, verifies and decrypts the platform certificate", async () => {
  const { data } = await sdk.chain("v3/certificates").get();
  const { nonce, ciphertext, associated_data: aad } = data.data[0].encrypt_certificate;
  expect(Aes.AesGcm.decrypt(ciphertext, API_V3_KEY, nonce, aad)).toBe(CERTS[PLATFORM]);
});

test.each([PLATFORM, PUBLIC_KEY])(
  "SDK: order, payment and refund, verified by %s",
  async (serial) => {
    const headers = { "Wechatpay-Serial": serial };
    const outTradeNo = number();
    const placed = await place(order(outTradeNo), headers);
    expect(placed.headers["wechatpay-serial"]).toBe(serial);
    const bridge = {
      appId: APP_ID,
      timeStamp: String(Formatter.timestamp()),
      nonceStr: Formatter.nonce(),
      package: `prepay_id=${placed.data.prepay_id}`,
    };
    const message = Formatter.joinedByLineFeed(...Object.values(bridge));
    const paySign = Rsa.sign(message, PRIVATE_KEY);
    await control("POST", `/orders/${outTradeNo}/pay`, {
      bridge: { ...bridge, signType: "RSA", paySign },
    });
    const paid = await waitForNotification("TRANSACTION.SUCCESS", outTradeNo);
    expect(paid).toMatchObject({ trade_state: "SUCCESS", amount: { total: 100 } });

    const params = { mchid: MCH_ID };
    const query = `v3/pay/transactions/out-trade-no/${outTradeNo}`;
    expect((await sdk.chain(query).get({ params, headers })).data).toEqual(paid);

    const refund = {
      out_trade_no: outTradeNo,
      out_refund_no: `R${outTradeNo}`,
      notify_url: notifyUrl,
      amount: { refund: 40, total: 100, currency: "CNY" },
    };
    const accepted = await sdk.chain("v3/refund/domestic/refunds").post(refund, { headers });
    expect(accepted.data).toMatchObject({ status: "PROCESSING" });
    await control("POST", `/refunds/R${outTradeNo}/outcome`, { status: "SUCCESS" });
    expect(await waitForNotification("REFUND.SUCCESS", outTradeNo)).toMatchObject({
      amount: { refund: 40 },
    });
    const refunded = await sdk.chain(`v3/refund/domestic/refunds/R${outTradeNo}`).get({ headers });
    expect(refunded.data).toMatchObject({ status: "SUCCESS" });
  },
);

test.each([false, true])(
  "SDK: downloads, checks and parses a bill; compressed: %s",
  async (gzip) => {
    const outTradeNo = number();
    await place(order(outTradeNo));
    await control("POST", `/orders/${outTradeNo}/pay`, {});
    const { success_time: paidAt } = await waitForNotification("TRANSACTION.SUCCESS", outTradeNo);
    await control("POST", `/orders/${outTradeNo}/platform-refund`, { refundFee: 40 });

    const params = {
      bill_date: String(paidAt).slice(0, 10),
      bill_type: "ALL",
      ...(gzip ? { tar_type: "GZIP" } : {}),
    };
    const { data } = await sdk.chain("v3/bill/tradebill").get({ params });
    const { pathname, searchParams } = new URL(data.download_url);
    const file = await sdk.chain(pathname.slice(1)).get({
      params: Object.fromEntries(searchParams),
      responseType: "arraybuffer",
    });
    const bytes = gzip ? gunzipSync(file.data) : Buffer.from(file.data);
    expect(createHash("sha1").update(bytes).digest("hex")).toBe(data.hash_value);
    expect(Formatter.castCsvBill(bytes)).toMatchObject({
      rows: expect.arrayContaining([
        expect.objectContaining({ 商户订单号: outTradeNo, 交易状态: "SUCCESS", 订单金额: "1.00" }),
        expect.objectContaining({
          商户订单号: outTradeNo,
          交易状态: "REFUND",
          申请退款金额: "0.40",
        }),
      ]),
      summary: { 总交易单数: expect.stringMatching(/^\d+$/) },
    });
  },
);

test("SDK: closing an unpaid order gives 204", async () => {
  const outTradeNo = number();
  await place(order(outTradeNo));
  const close = `v3/pay/transactions/out-trade-no/${outTradeNo}/close`;
  expect((await sdk.chain(close).post({ mchid: MCH_ID })).status).toBe(204);
});

test("SDK: a refusal has status, code and field", async () => {
  const wrong = { ...order(number()), sub_mchid: null };
  await expect(place(wrong)).rejects.toMatchObject({
    response: { status: 400, data: { code: "PARAM_ERROR", detail: { field: "/sub_mchid" } } },
  });
});

test.each([
  ["wrong-signature", "EV3_RES_HEADER_SIGNATURE_DIGEST"],
  ["other-body", "EV3_RES_HEADER_SIGNATURE_DIGEST"],
  ["probe", "EV3_RES_HEADER_SIGNATURE_DIGEST"],
  ["wrong-clock", "EV3_RES_HEADER_TIMESTAMP_OFFSET"],
  ["unknown-serial", "EV3_RES_HEADER_PLATFORM_SERIAL"],
  ["missing-header", "EV3_RES_HEADERS_INCOMPLATE"],
  ["unsigned", "EV3_RES_HEADERS_INCOMPLATE"],
])("SDK: rejects an answer with the fault %s", async (fault, code) => {
  const outTradeNo = number();
  await control("POST", "/faults", { on: "call", path: "unifiedorder", fault, outTradeNo });
  await expect(place(order(outTradeNo))).rejects.toMatchObject({ code });
  expect((await place(order(outTradeNo))).data.prepay_id).toMatch(/^wx/);
});
