import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { updateMerchant } from "../../src/db/merchants.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { API_V3_KEY, certificateB, keys, publicKey } from "../wechat/v3/support/fixtures.ts";
import {
  notificationBody,
  seal,
  signedHeaders,
  type Signer,
  type Signing,
} from "../wechat/v3/support/messages.ts";
import { signedXml } from "../wechat/support/messages.ts";
import { instrumentD1 } from "../support/d1.ts";
import { refundOf as refundNews, transactionOf } from "../support/fake-wechat-v3.ts";
import { send } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  type OrderRef,
} from "../support/scenario.ts";
import {
  isAcknowledged,
  notifyPayment,
  paymentNotificationFields,
  payPath,
  refundPath,
  signedPost,
  xmlPost,
} from "../support/notifications.ts";
import { openShop } from "../support/shop.ts";
import type { Fields } from "../support/wechat-ledger.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const TABLES = ["merchants", "apps", "users", "orders", "refunds", "verify_keys"];
const PAID = "TRANSACTION.SUCCESS";

let scene: Scene;
let order: OrderRef;

beforeEach(async () => {
  scene = await openScene("RSA");
  order = await makeOrder(scene);
  scene.wechat.pay(order.number);
});

afterEach(closeScene);

/** The order's payment as WeChat would tell it, with one or the other field wrong. */
function payment(changes: Fields = {}): object {
  const { shop, wechat } = scene;
  return transactionOf(
    paymentNotificationFields(shop, order.number, wechat.order(order.number), changes),
  );
}

const paidBody = (changes: Fields = {}) => notificationBody(PAID, payment(changes));

const nowS = () => Math.floor(Date.now() / 1000);

async function rows(): Promise<string> {
  const found = await env.DB.batch(
    TABLES.map((table) => env.DB.prepare(`select * from ${table} order by id`)),
  );
  return JSON.stringify(found.map(({ results }) => results));
}

/** Posts a notification, and asserts that it changes no row. Its status. */
async function statusOf(path: string, posted: RequestInit): Promise<number> {
  const before = await rows();
  const response = await send(path, posted);
  // Not `toBe`: it would print every row.
  expect((await rows()) === before).toBe(true);
  expect(await response.json()).toEqual({ code: "FAIL", message: expect.any(String) });
  return response.status;
}

function request(body: string, headers: HeadersInit): RequestInit {
  return { method: "POST", headers, body };
}

describe("a payment notification that is forged", () => {
  const HEADERS = [
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Serial",
    "Wechatpay-Signature",
  ];

  test.for(HEADERS)("without %s, with an empty one, or with two, is refused", async (name) => {
    const body = paidBody();
    const headers = signedHeaders(body);
    const value = headers[name] ?? "";
    const others = Object.entries(headers).filter(([other]) => other !== name);
    const path = payPath(scene.shop);
    expect(await statusOf(path, request(body, others))).toBe(401);
    expect(await statusOf(path, request(body, [...others, [name, ""]]))).toBe(401);
    expect(await statusOf(path, request(body, [...others, [name, value], [name, value]]))).toBe(
      401,
    );
    expect(await statusOf(path, request(body, [...others, [name, "x"], [name, value]]))).toBe(401);
  });

  test.for<[string, () => Signing]>([
    [
      "of another key",
      () => ({ signer: { ...keys.publicKey, privateKey: keys.otherMerchant.privateKey } }),
    ],
    [
      "of the merchant's own key",
      () => ({ signer: { ...keys.publicKey, privateKey: keys.merchant.privateKey } }),
    ],
    ["under an unknown serial", () => ({ signer: { ...keys.publicKey, id: "PUB_KEY_ID_9" } })],
    [
      "under the other key's serial",
      () => ({ signer: { ...keys.publicKey, id: keys.certificateA.id } }),
    ],
    ["old by 301 s", () => ({ timestamp: nowS() - 301 })],
    ["from 301 s ahead", () => ({ timestamp: nowS() + 301 })],
  ])("with a signature %s is refused", async ([, signing]) => {
    const forged = signedPost(paidBody(), signing());
    expect(await statusOf(payPath(scene.shop), forged)).toBe(401);
    expect(scene.logged.join()).toContain("notification_rejected");
  });

  test.for<[string, (body: string) => string]>([
    ["another body's signature", (body) => body.replace("支付成功", "支付失败")],
    ["its end cut off", (body) => body.slice(0, -1)],
    ["something after its end", (body) => `${body}\n`],
    ["nothing in it", () => ""],
    ["another way to write the same", (body) => JSON.stringify(JSON.parse(body), null, 1)],
  ])("with %s is refused", async ([, forge]) => {
    const body = paidBody();
    expect(forge(body)).not.toBe(body);
    const forged = request(forge(body), signedHeaders(body));
    expect(await statusOf(payPath(scene.shop), forged)).toBe(401);
  });

  test("beyond 64 KB is refused", async () => {
    const forged = signedPost(`${paidBody()}${" ".repeat(65_536)}`);
    expect(await statusOf(payPath(scene.shop), forged)).toBe(413);
  });

  test.for(["/notify/v3/999999/pay", "/notify/v3/0/pay", "/notify/v3/x/pay"])(
    "at %s, where no merchant is, is refused",
    async (path) => {
      expect(await statusOf(path, signedPost(paidBody()))).toBe(401);
    },
  );
});

describe("a signature probe", () => {
  test("is refused with a 401, counted, and no alarm", async () => {
    const body = paidBody();
    const headers = { ...signedHeaders(body), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/x y" };
    expect(await statusOf(payPath(scene.shop), request(body, headers))).toBe(401);
    const logged = scene.logged.join("\n");
    expect(logged).toContain('{"level":"info","event":"signature_probe_rejected"');
    expect(logged).not.toMatch(/"level":"(warn|error)"/);
    expect(await notifyPayment(scene.shop, order.number, scene.wechat.order(order.number))).toBe(
      true,
    );
  });
});

describe("a payment notification that is rightly signed", () => {
  test("books the payment, and is acknowledged by an empty 204", async () => {
    const response = await send(payPath(scene.shop), signedPost(paidBody()));
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(await rowOf(order)).toMatchObject({ payState: "paid", protocol: "v3", signType: "RSA" });
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test.for<[string, Fields]>([
    ["one fen less", { total_fee: "99" }],
    ["one fen more", { total_fee: "101" }],
    ["no amount", { total_fee: "" }],
    ["another currency", { fee_type: "USD" }],
    ["another app", { appid: "wx0000000000000000" }],
    ["another merchant", { mch_id: "1900999999" }],
    ["an order that isn't there", { out_trade_no: "f".repeat(32) }],
    ["no transaction", { transaction_id: "" }],
    ["an unpaid state", { trade_state: "NOTPAY" }],
  ])("but tells %s changes nothing", async ([, changes]) => {
    expect(await statusOf(payPath(scene.shop), signedPost(paidBody(changes)))).toBe(400);
  });

  test("whose amount fits only after discounts changes nothing", async () => {
    const told = { ...payment(), amount: { total: 150, payer_total: 100, currency: "CNY" } };
    const body = notificationBody(PAID, told);
    expect(await statusOf(payPath(scene.shop), signedPost(body))).toBe(400);
  });

  test("by WeChat for another merchant pays no order but that merchant's own", async () => {
    const other = await openShop("RSA");
    const body = notificationBody(PAID, { ...payment(), mchid: other.mchId });
    expect(await statusOf(payPath(other), signedPost(body))).toBe(400);
    expect(scene.logged.join()).toContain('"what":"merchant"');
  });

  test("but encrypted under another key changes nothing", async () => {
    const body = notificationBody(PAID, payment(), {}, "x".repeat(32));
    expect(await statusOf(payPath(scene.shop), signedPost(body))).toBe(400);
  });

  test("but a refund's changes nothing", async () => {
    const body = notificationBody("REFUND.SUCCESS", payment());
    expect(await statusOf(payPath(scene.shop), signedPost(body))).toBe(400);
    const paid = paidBody();
    expect(await statusOf(refundPath(scene.shop), signedPost(paid))).toBe(400);
  });

  test("in APIv2, with the merchant's own key, is a downgrade", async () => {
    const { shop } = scene;
    const notice = paymentNotificationFields(shop, order.number, scene.wechat.order(order.number));
    const xml = xmlPost(await signedXml(notice, shop.v2SignType, shop.apiKey));
    const before = await rows();
    expect(await isAcknowledged(await send(`/notify/v2/${shop.merchantId}/pay`, xml))).toBe(false);
    expect(await rows()).toBe(before);
    expect(scene.logged.join()).toContain("sign-type");
  });

  test("while D1 is down is a 503, so that WeChat comes again", async () => {
    const log = instrumentD1();
    log.fail({ sql: /update "orders" set "pay_state"/, how: "lost before" });
    expect(await statusOf(payPath(scene.shop), signedPost(paidBody()))).toBe(503);
    log.fail({ sql: /from "merchants"/, how: "lost before" });
    forgetSettings();
    expect(await statusOf(payPath(scene.shop), signedPost(paidBody()))).toBe(503);
    expect((await send(payPath(scene.shop), signedPost(paidBody()))).status).toBe(204);
  });
});

/** Posts the order's payment, signed by this key. */
async function post(signer: Signer): Promise<number> {
  return (await send(payPath(scene.shop), signedPost(paidBody(), { signer }))).status;
}

describe("WeChat's keys", () => {
  const masterKey = importMasterKey(env.MASTER_KEY);

  /** An operator's change in another isolate: this one's settings aren't told. */
  async function change(changes: Parameters<typeof updateMerchant>[3]): Promise<void> {
    const db = connect(env.DB);
    await updateMerchant(db, await masterKey, scene.shop.merchantId, changes, Date.now());
  }

  test("verify side by side, as certificate and as public key", async () => {
    expect(await post(keys.certificateA)).toBe(204);
    expect(await post(keys.publicKey)).toBe(204);
  });

  test("count from when they are entered, though the settings are remembered", async () => {
    await change({ droppedVerifyKeys: [keys.certificateA.id] });
    forgetSettings();
    expect(await post(keys.publicKey)).toBe(204);
    vi.setSystemTime(Date.now() + 5_000);
    await change({ verifyKeys: [certificateB] });
    expect(await post(keys.certificateB)).toBe(204);
  });

  test("that are unknown cost one look at D1 in five seconds", async () => {
    expect(await post(keys.publicKey)).toBe(204);
    vi.setSystemTime(Date.now() + 5_000);
    const log = instrumentD1();
    const forged = async () => await post({ ...keys.certificateB, id: "PUB_KEY_ID_9" });
    for (let times = 0; times < 5; times += 1) expect(await forged()).toBe(401);
    const reads = () => log.trips.filter(([sql]) => /from "merchants"/.test(sql ?? "")).length;
    expect(reads()).toBe(1);
  });

  test("are fetched in the background when a certificate is unknown, and count the next time", async () => {
    const list = vi.fn(() => certificatesAnswer());
    const { fetch } = globalThis;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
      new Request(input).url.endsWith("/v3/certificates") ? list() : await fetch(input, init),
    );
    expect(await post(keys.certificateB)).toBe(401);
    await vi.waitFor(() => expect(scene.logged.join()).toContain("certificates_fetched"));
    expect(await post(keys.certificateB)).toBe(204);
    expect(await post(keys.certificateA)).toBe(204);
    expect(await post(keys.publicKey)).toBe(204);
    expect(await post({ ...keys.certificateB, id: "AB" })).toBe(401);
    expect(list).toHaveBeenCalledTimes(1);
  });

  test("of a merchant with a public key only are never fetched", async () => {
    await change({ droppedVerifyKeys: [keys.certificateA.id] });
    forgetSettings();
    const before = vi.mocked(globalThis.fetch).mock.calls.length;
    expect(await post(keys.certificateB)).toBe(401);
    expect(vi.mocked(globalThis.fetch).mock.calls.length).toBe(before);
  });
});

/** Both platform certificates, signed by the newer. */
function certificatesAnswer(): Response {
  const data = [keys.certificateA, keys.certificateB].map(({ id, certificate }) => ({
    serial_no: id,
    encrypt_certificate: seal(certificate, "certificate", API_V3_KEY),
  }));
  const body = JSON.stringify({ data });
  return new Response(body, { headers: signedHeaders(body, { signer: keys.certificateB }) });
}

/** A paid order under refund, and how WeChat tells of it. */
async function refunded() {
  order = await makePaidOrder(scene);
  const answer = await requestRefund(scene, order);
  const number = String(answer.data?.["refund_no"]);
  const tell = (event: string, status: string, changes: object = {}) => {
    const { status: _, ...told } = refundNews({
      out_trade_no: order.number,
      out_refund_no: number,
      refund_fee: "100",
    });
    const news = { ...told, refund_status: status, mchid: scene.shop.mchId, ...changes };
    return signedPost(notificationBody(event, news));
  };
  return { number, tell };
}

describe("a refund notification", () => {
  const EVENTS = [
    ["REFUND.SUCCESS", "SUCCESS", "SUCCESS", "succeeded"],
    ["REFUND.ABNORMAL", "ABNORMAL", "CHANGE", "abnormal"],
    ["REFUND.CLOSED", "CLOSED", "REFUNDCLOSE", "closed"],
  ] as const;

  test.for(EVENTS)(
    "%s is booked as WeChat says when asked",
    async ([event, status, own, state]) => {
      const { number, tell } = await refunded();
      scene.wechat.refund(number).status = own;
      expect((await send(refundPath(scene.shop), tell(event, status))).status).toBe(204);
      expect((await refundOf(order)).state).toBe(state);
    },
  );

  test("without a status is recorded as WeChat says when queried", async () => {
    const { number, tell } = await refunded();
    scene.wechat.refund(number).status = "SUCCESS";
    const message = tell("REFUND.SUCCESS", "SUCCESS", { refund_status: undefined });
    expect((await send(refundPath(scene.shop), message)).status).toBe(204);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("is not acknowledged while WeChat, asked, says otherwise", async () => {
    const { tell } = await refunded();
    const response = await send(refundPath(scene.shop), tell("REFUND.SUCCESS", "SUCCESS"));
    expect(response.status).toBe(503);
    expect((await refundOf(order)).state).toBe("accepted");
  });

  test.for<[string, object, number]>([
    ["another merchant's", { mchid: "1900999999" }, 400],
    ["no number", { out_refund_no: "" }, 400],
    ["an unknown number", { out_refund_no: "f".repeat(32) }, 503],
  ])("with %s changes nothing", async ([, changes, status]) => {
    const { tell, number } = await refunded();
    scene.wechat.refund(number).status = "SUCCESS";
    const forged = tell("REFUND.SUCCESS", "SUCCESS", changes);
    expect(await statusOf(refundPath(scene.shop), forged)).toBe(status);
  });

  test("that is forged changes nothing, and asks nothing", async () => {
    const { tell, number } = await refunded();
    scene.wechat.refund(number).status = "SUCCESS";
    const asked = scene.wechat.calls.length;
    const told = tell("REFUND.SUCCESS", "SUCCESS");
    const body = await new Request("https://gateway.test", told).text();
    const wrong = {
      ...Object.fromEntries(new Headers(told.headers)),
      "wechatpay-serial": publicKey.id,
      "wechatpay-nonce": "x",
    };
    expect(await statusOf(refundPath(scene.shop), request(body, wrong))).toBe(401);
    expect(scene.wechat.calls).toHaveLength(asked);
  });
});

test("a merchant without APIv3 has no such notifications", async () => {
  const v2 = await openShop("MD5");
  const path = `/notify/v3/${v2.merchantId}/pay`;
  expect(await statusOf(path, signedPost(paidBody()))).toBe(401);
});
