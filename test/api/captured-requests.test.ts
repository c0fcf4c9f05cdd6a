import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import {
  formOf,
  postSigned,
  read,
  send,
  signed,
  type Answer,
  type Values,
} from "../support/gateway.ts";
import { changeApp, operator } from "../support/operator.ts";
import { addKey, FORM, headersOf } from "../support/request-signing.ts";
import {
  makePaidOrder,
  ORDER,
  orderRefOf,
  refundOf,
  refundsOf,
  requestRefund,
  runDueTimers,
  runNextTimer,
  type OrderRef,
} from "../support/scenario.ts";
import { openSibling } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const PATHS = ["/pay/create-order", "/pay/close-order", "/refund/refund-money", "/order"] as const;

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});
afterEach(closeScene);

/** Sends a captured body again, unchanged. */
async function replay(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  bindings?: Env,
): Promise<Answer> {
  const init = { method: "POST", headers: { "content-type": FORM, ...headers }, body };
  return await read(await send(path, init, bindings));
}

const refusal = (detail: string) => ({
  status: 200,
  code: 501,
  errmsg: expect.stringContaining(detail),
  data: null,
});

async function expectRefused(body: string, order: OrderRef): Promise<void> {
  const calls = scene.wechat.calls.length;
  const refunds = await refundsOf(order);
  const json = JSON.stringify(Object.fromEntries(new URLSearchParams(body)));
  for (const path of PATHS) {
    expect(await replay(path, body), path).toMatchObject(refusal("event 与 eventId 不能同时传"));
    expect(await replay(path, json, { "content-type": "application/json" })).toMatchObject(
      refusal("event 与 eventId 不能同时传"),
    );
  }
  expect(scene.wechat.calls).toHaveLength(calls);
  expect(await refundsOf(order)).toEqual(refunds);
}

describe("a captured callback", () => {
  test("about a payment is no request", async () => {
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    const [call] = scene.app.callsTo(scene.shop.payUrl);
    await expectRefused(call?.body ?? "", order);
  });

  test("about a refund is no request", async () => {
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    scene.wechat.refund((await refundOf(order)).number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    const [call] = scene.app.callsTo(scene.shop.refundUrl);
    await expectRefused(call?.body ?? "", order);
  });
});

/** The body of a query, which the contract's sign alone makes a refund of everything that is left. */
async function captureQuery(): Promise<{ readonly order: OrderRef; readonly body: string }> {
  const order = await makePaidOrder(scene);
  const values: Values = { platForm: 1, order_id: order.id };
  const body = signed(scene.shop, values).toString();
  expect((await replay("/order", body)).code).toBe(0);
  return { order, body };
}

describe("a captured query that carries platForm", () => {
  test.for<[setting: string, changes: object]>([
    ["appRefundNo", { requireAppRefundNo: true }],
    ["canRefund", { canRefund: false }],
    ["allowedAddresses", { allowedAddresses: ["203.0.113.7"] }],
    ["maxRefundFenPerDay", { maxRefundFenPerDay: 99 }],
  ])("is no refund with %s", async ([name, changes]) => {
    const { order, body } = await captureQuery();
    await changeApp(scene.shop, changes);
    const from = { "cf-connecting-ip": "198.51.100.1" };
    expect(await replay("/refund/refund-money", body, from)).toMatchObject(refusal(name));
    expect(await refundsOf(order)).toEqual([]);
    expect(scene.wechat.refunds.size).toBe(0);
  });

  test("is no refund with request signatures, its own included", async () => {
    const { order, body } = await captureQuery();
    const key = await addKey(scene.shop);
    await changeApp(scene.shop, { requestSignature: "refunds" });
    const headers = headersOf(key, "/order", body);
    expect((await replay("/order", body, headers)).code).toBe(0);
    expect(await replay("/refund/refund-money", body, headers)).toMatchObject(
      refusal("签名验证失败"),
    );
    expect(await refundsOf(order)).toEqual([]);
  });
});

describe("a captured order", () => {
  test("makes no second order with requireAppOrderNo", async () => {
    await changeApp(scene.shop, { requireAppOrderNo: true });
    const body = signed(scene.shop, { ...ORDER, appOrderNo: "O-1" }).toString();
    const first = orderRefOf(await replay("/pay/create-order", body));
    expect(orderRefOf(await replay("/pay/create-order", body))).toEqual(first);
    expect(scene.wechat.orders.size).toBe(1);
  });

  test("is no query and no refund", async () => {
    const body = signed(scene.shop, { ...ORDER, appOrderNo: "O-1" }).toString();
    expect((await replay("/pay/create-order", body)).code).toBe(0);
    expect(await replay("/refund/refund-money", body)).toMatchObject(refusal("order_id 必传"));
    // It names the order: as a query it tells only who has captured it what it already knows.
    expect((await replay("/order", body)).code).toBe(0);
  });
});

describe("a captured refund, replayed", () => {
  test("is the same refund", async () => {
    await changeApp(scene.shop, { requireAppRefundNo: true });
    const order = await makePaidOrder(scene);
    const values = { platForm: 1, order_id: order.id, appRefundNo: "R-1" };
    const body = signed(scene.shop, values).toString();
    const first = await replay("/refund/refund-money", body);
    expect(first.code).toBe(0);
    expect((await replay("/refund/refund-money", body)).data).toEqual(first.data);
    expect(scene.wechat.refunds.size).toBe(1);
  });
});

describe("at another app", () => {
  test("a request with another appId isn't signed, even with the same salt", async () => {
    const order = await makePaidOrder(scene);
    const { merchantId, wechatAppId, salt, payUrl, refundUrl } = scene.shop;
    const urls = { payNotifyUrl: payUrl, refundNotifyUrl: refundUrl };
    const registration = { name: "Sibling", merchantId, wechatAppId, salt, ...urls };
    const made = await operator("POST", "/admin/apps", registration);
    const { id } = z.object({ id: z.number() }).parse(await made.json());
    const captured = signed(scene.shop, { platForm: 1, order_id: order.id });
    captured.set("appId", String(id));
    for (const path of PATHS) {
      expect(await replay(path, captured.toString()), path).toMatchObject(
        refusal("appId 不存在或 sign 签名错误"),
      );
    }
  });

  test("a request signed for one app's key doesn't serve the other", async () => {
    const sibling = await openSibling(scene.shop);
    const order = await makePaidOrder({ ...scene, shop: sibling });
    const [key] = [await addKey(scene.shop), await addKey(sibling)];
    await changeApp(sibling, { requestSignature: "all" });
    const body = signed(sibling, { order_id: order.id }).toString();
    expect(await replay("/order", body, headersOf(key, "/order", body))).toMatchObject(
      refusal("keyid 不是该应用已登记的密钥"),
    );
  });

  test("an order is absent", async () => {
    const order = await makePaidOrder(scene);
    const sibling = await openSibling(scene.shop);
    expect(await postSigned(sibling, "/order", { order_id: order.id })).toMatchObject(
      refusal("订单不存在"),
    );
  });
});

describe("in another environment", () => {
  /** Another gateway that has the same app with the same secrets. */
  const other = { ...env, PUBLIC_URL: "https://gateway-qa.test" };

  test("a request signed by RFC 9421 is refused, whatever its host is", async () => {
    const order = await makePaidOrder(scene);
    const key = await addKey(scene.shop);
    await changeApp(scene.shop, { requestSignature: "all" });
    const requests: readonly (readonly [string, Values])[] = [
      ["/pay/create-order", { ...ORDER, appOrderNo: "O-1" }],
      ["/refund/refund-money", { platForm: 1, order_id: order.id, appRefundNo: "R-1" }],
      ["/order", { order_id: order.id }],
      ["/pay/close-order", { platForm: 1, order_id: order.id }],
    ];
    for (const [path, values] of requests) {
      const body = signed(scene.shop, values).toString();
      const headers = { ...headersOf(key, path, body), host: "gateway.test" };
      expect(await replay(path, body, headers, other), path).toMatchObject(refusal("签名验证失败"));
      expect((await replay(path, body, headers)).code, path).toBe(0);
    }
  });

  test("a request from outside the app's allowed addresses is refused", async () => {
    await changeApp(scene.shop, { allowedAddresses: ["203.0.113.7"] });
    const captured = formOf(signed(scene.shop, ORDER), { "cf-connecting-ip": "198.51.100.1" });
    expect(await read(await send("/pay/create-order", captured, other))).toMatchObject(
      refusal("allowedAddresses"),
    );
  });
});
