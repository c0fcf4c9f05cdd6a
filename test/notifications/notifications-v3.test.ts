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
import { refundOf as refundBodyOf, transactionOf } from "../support/fake-wechat-v3.ts";
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

/** The order's payment in WeChat's form, with `changes` applied. */
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

/** Posts a notification, asserts that it is refused and changes no row; returns the status. */
async function postRefused(path: string, init: RequestInit): Promise<number> {
  const before = await rows();
  const response = await send(path, init);
  // Not `toBe` on the rows: a failure would print all of them.
  expect((await rows()) === before).toBe(true);
  expect(await response.json()).toEqual({ code: "FAIL", message: expect.any(String) });
  return response.status;
}

function request(body: string, headers: HeadersInit): RequestInit {
  return { method: "POST", headers, body };
}

describe("I10: forged APIv3 payment notification", () => {
  const HEADERS = [
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Serial",
    "Wechatpay-Signature",
  ];

  test.for(HEADERS)("with %s absent, empty or repeated is refused", async (name) => {
    const body = paidBody();
    const headers = signedHeaders(body);
    const value = headers[name] ?? "";
    const others = Object.entries(headers).filter(([header]) => header !== name);
    const path = payPath(scene.shop);
    expect(await postRefused(path, request(body, others))).toBe(401);
    expect(await postRefused(path, request(body, [...others, [name, ""]]))).toBe(401);
    expect(await postRefused(path, request(body, [...others, [name, value], [name, value]]))).toBe(
      401,
    );
    expect(await postRefused(path, request(body, [...others, [name, "x"], [name, value]]))).toBe(
      401,
    );
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
    ["301 s old", () => ({ timestamp: nowS() - 301 })],
    ["301 s in the future", () => ({ timestamp: nowS() + 301 })],
  ])("with a signature %s is refused", async ([, signing]) => {
    const forged = signedPost(paidBody(), signing());
    expect(await postRefused(payPath(scene.shop), forged)).toBe(401);
    expect(scene.logged.join()).toContain("notification_rejected");
  });

  test.for<[string, (body: string) => string]>([
    ["a changed body", (body) => body.replace("支付成功", "支付失败")],
    ["a truncated body", (body) => body.slice(0, -1)],
    ["text after the body", (body) => `${body}\n`],
    ["an empty body", () => ""],
    ["the same JSON formatted differently", (body) => JSON.stringify(JSON.parse(body), null, 1)],
  ])("with %s is refused", async ([, forge]) => {
    const body = paidBody();
    expect(forge(body)).not.toBe(body);
    const forged = request(forge(body), signedHeaders(body));
    expect(await postRefused(payPath(scene.shop), forged)).toBe(401);
  });

  test("over 64 KB is refused", async () => {
    const forged = signedPost(`${paidBody()}${" ".repeat(65_536)}`);
    expect(await postRefused(payPath(scene.shop), forged)).toBe(413);
  });

  test.for(["/notify/v3/999999/pay", "/notify/v3/0/pay", "/notify/v3/x/pay"])(
    "at %s, a path without a merchant, is refused",
    async (path) => {
      expect(await postRefused(path, signedPost(paidBody()))).toBe(401);
    },
  );
});

describe("WeChat's signature probe", () => {
  test("is refused with 401 and logged at level info", async () => {
    const body = paidBody();
    const headers = { ...signedHeaders(body), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/x y" };
    expect(await postRefused(payPath(scene.shop), request(body, headers))).toBe(401);
    const logged = scene.logged.join("\n");
    expect(logged).toContain('{"level":"info","event":"signature_probe_rejected"');
    expect(logged).not.toMatch(/"level":"(warn|error)"/);
    expect(await notifyPayment(scene.shop, order.number, scene.wechat.order(order.number))).toBe(
      true,
    );
  });
});

describe("APIv3 payment notification with a valid signature", () => {
  test("records the payment and is acknowledged with an empty 204", async () => {
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
    ["an absent order", { out_trade_no: "f".repeat(32) }],
    ["no transaction_id", { transaction_id: "" }],
    ["an unpaid state", { trade_state: "NOTPAY" }],
  ])("with %s is refused and changes nothing", async ([, changes]) => {
    expect(await postRefused(payPath(scene.shop), signedPost(paidBody(changes)))).toBe(400);
  });

  test("whose total differs but payer_total matches is refused and changes nothing", async () => {
    const changed = { ...payment(), amount: { total: 150, payer_total: 100, currency: "CNY" } };
    const body = notificationBody(PAID, changed);
    expect(await postRefused(payPath(scene.shop), signedPost(body))).toBe(400);
  });

  test("for another merchant can't pay this merchant's order", async () => {
    const other = await openShop("RSA");
    const body = notificationBody(PAID, { ...payment(), mchid: other.mchId });
    expect(await postRefused(payPath(other), signedPost(body))).toBe(400);
    expect(scene.logged.join()).toContain('"what":"merchant"');
  });

  test("encrypted with another key is refused and changes nothing", async () => {
    const body = notificationBody(PAID, payment(), {}, "x".repeat(32));
    expect(await postRefused(payPath(scene.shop), signedPost(body))).toBe(400);
  });

  test("with a refund's event or on the refund path is refused and changes nothing", async () => {
    const body = notificationBody("REFUND.SUCCESS", payment());
    expect(await postRefused(payPath(scene.shop), signedPost(body))).toBe(400);
    const paid = paidBody();
    expect(await postRefused(refundPath(scene.shop), signedPost(paid))).toBe(400);
  });

  test("in APIv2 form with the merchant's own key is refused for an APIv3 order", async () => {
    const { shop } = scene;
    const fields = paymentNotificationFields(shop, order.number, scene.wechat.order(order.number));
    const xml = xmlPost(await signedXml(fields, shop.v2SignType, shop.apiKey));
    const before = await rows();
    expect(await isAcknowledged(await send(`/notify/v2/${shop.merchantId}/pay`, xml))).toBe(false);
    expect(await rows()).toBe(before);
    expect(scene.logged.join()).toContain("sign-type");
  });

  test("I3: answers 503 while D1 is down, so that WeChat repeats it", async () => {
    const log = instrumentD1();
    log.fail({ sql: /update "orders" set "pay_state"/, how: "lost before" });
    expect(await postRefused(payPath(scene.shop), signedPost(paidBody()))).toBe(503);
    log.fail({ sql: /from "merchants"/, how: "lost before" });
    forgetSettings();
    expect(await postRefused(payPath(scene.shop), signedPost(paidBody()))).toBe(503);
    expect((await send(payPath(scene.shop), signedPost(paidBody()))).status).toBe(204);
  });
});

/** Posts the order's payment signed with this key; returns the status. */
async function postSignedBy(signer: Signer): Promise<number> {
  return (await send(payPath(scene.shop), signedPost(paidBody(), { signer }))).status;
}

describe("verifying keys", () => {
  const masterKey = importMasterKey(env.MASTER_KEY);

  /** Changes the merchant as another isolate would: this isolate's cached settings stay. */
  async function change(changes: Parameters<typeof updateMerchant>[3]): Promise<void> {
    const db = connect(env.DB);
    await updateMerchant(db, await masterKey, scene.shop.merchantId, changes, Date.now());
  }

  test("accept certificate and public key side by side", async () => {
    expect(await postSignedBy(keys.certificateA)).toBe(204);
    expect(await postSignedBy(keys.publicKey)).toBe(204);
  });

  test("take effect when entered, despite cached settings", async () => {
    await change({ droppedVerifyKeys: [keys.certificateA.id] });
    forgetSettings();
    expect(await postSignedBy(keys.publicKey)).toBe(204);
    vi.setSystemTime(Date.now() + 5_000);
    await change({ verifyKeys: [certificateB] });
    expect(await postSignedBy(keys.certificateB)).toBe(204);
  });

  test("cause one D1 read per five seconds when unknown", async () => {
    expect(await postSignedBy(keys.publicKey)).toBe(204);
    vi.setSystemTime(Date.now() + 5_000);
    const log = instrumentD1();
    const forged = async () => await postSignedBy({ ...keys.certificateB, id: "PUB_KEY_ID_9" });
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await forged()).toBe(401);
    const reads = () => log.trips.filter(([sql]) => /from "merchants"/.test(sql ?? "")).length;
    expect(reads()).toBe(1);
  });

  test("are fetched in the background for an unknown certificate and used from then on", async () => {
    const list = vi.fn(() => certificatesAnswer());
    const { fetch } = globalThis;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
      new Request(input).url.endsWith("/v3/certificates") ? list() : await fetch(input, init),
    );
    expect(await postSignedBy(keys.certificateB)).toBe(401);
    await vi.waitFor(() => expect(scene.logged.join()).toContain("certificates_fetched"));
    expect(await postSignedBy(keys.certificateB)).toBe(204);
    expect(await postSignedBy(keys.certificateA)).toBe(204);
    expect(await postSignedBy(keys.publicKey)).toBe(204);
    expect(await postSignedBy({ ...keys.certificateB, id: "AB" })).toBe(401);
    expect(list).toHaveBeenCalledTimes(1);
  });

  test("are never fetched for a merchant with a public key only", async () => {
    await change({ droppedVerifyKeys: [keys.certificateA.id] });
    forgetSettings();
    const before = vi.mocked(globalThis.fetch).mock.calls.length;
    expect(await postSignedBy(keys.certificateB)).toBe(401);
    expect(vi.mocked(globalThis.fetch).mock.calls.length).toBe(before);
  });
});

/** A response with both platform certificates, signed with the newer one. */
function certificatesAnswer(): Response {
  const data = [keys.certificateA, keys.certificateB].map(({ id, certificate }) => ({
    serial_no: id,
    encrypt_certificate: seal(certificate, "certificate", API_V3_KEY),
  }));
  const body = JSON.stringify({ data });
  return new Response(body, { headers: signedHeaders(body, { signer: keys.certificateB }) });
}

/** Requests a refund of a paid order; `notificationOf` builds WeChat's notification of it. */
async function openRefund() {
  order = await makePaidOrder(scene);
  const answer = await requestRefund(scene, order);
  const number = String(answer.data?.["refund_no"]);
  const notificationOf = (event: string, status: string, changes: object = {}) => {
    const { status: _, ...rest } = refundBodyOf({
      out_trade_no: order.number,
      out_refund_no: number,
      refund_fee: "100",
    });
    const content = { ...rest, refund_status: status, mchid: scene.shop.mchId, ...changes };
    return signedPost(notificationBody(event, content));
  };
  return { number, notificationOf };
}

describe("APIv3 refund notification", () => {
  const EVENTS = [
    ["REFUND.SUCCESS", "SUCCESS", "SUCCESS", "succeeded"],
    ["REFUND.ABNORMAL", "ABNORMAL", "CHANGE", "abnormal"],
    ["REFUND.CLOSED", "CLOSED", "REFUNDCLOSE", "closed"],
  ] as const;

  test.for(EVENTS)(
    "%s is recorded with the state from WeChat's query",
    async ([event, status, own, state]) => {
      const { number, notificationOf } = await openRefund();
      scene.wechat.refund(number).status = own;
      expect((await send(refundPath(scene.shop), notificationOf(event, status))).status).toBe(204);
      expect((await refundOf(order)).state).toBe(state);
    },
  );

  test("without a status is recorded with the state from WeChat's query", async () => {
    const { number, notificationOf } = await openRefund();
    scene.wechat.refund(number).status = "SUCCESS";
    const message = notificationOf("REFUND.SUCCESS", "SUCCESS", { refund_status: undefined });
    expect((await send(refundPath(scene.shop), message)).status).toBe(204);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("isn't acknowledged while WeChat's query says otherwise", async () => {
    const { notificationOf } = await openRefund();
    const response = await send(
      refundPath(scene.shop),
      notificationOf("REFUND.SUCCESS", "SUCCESS"),
    );
    expect(response.status).toBe(503);
    expect((await refundOf(order)).state).toBe("accepted");
  });

  test.for<[string, object, number]>([
    ["another merchant's mchid", { mchid: "1900999999" }, 400],
    ["no out_refund_no", { out_refund_no: "" }, 400],
    ["an unknown out_refund_no", { out_refund_no: "f".repeat(32) }, 503],
  ])("with %s is refused and changes nothing", async ([, changes, status]) => {
    const { notificationOf, number } = await openRefund();
    scene.wechat.refund(number).status = "SUCCESS";
    const forged = notificationOf("REFUND.SUCCESS", "SUCCESS", changes);
    expect(await postRefused(refundPath(scene.shop), forged)).toBe(status);
  });

  test("I10: that is forged changes nothing and causes no query", async () => {
    const { notificationOf, number } = await openRefund();
    scene.wechat.refund(number).status = "SUCCESS";
    const callsBefore = scene.wechat.calls.length;
    const genuine = notificationOf("REFUND.SUCCESS", "SUCCESS");
    const body = await new Request("https://gateway.test", genuine).text();
    const forgedHeaders = {
      ...Object.fromEntries(new Headers(genuine.headers)),
      "wechatpay-serial": publicKey.id,
      "wechatpay-nonce": "x",
    };
    expect(await postRefused(refundPath(scene.shop), request(body, forgedHeaders))).toBe(401);
    expect(scene.wechat.calls).toHaveLength(callsBefore);
  });
});

test("APIv3 notifications are refused for a merchant without APIv3", async () => {
  const v2 = await openShop("MD5");
  const path = `/notify/v3/${v2.merchantId}/pay`;
  expect(await postRefused(path, signedPost(paidBody()))).toBe(401);
});
