import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { advance } from "../support/clock.ts";
import { UNKNOWN, wechatError } from "../support/faults.ts";
import {
  formOf,
  postSigned,
  read,
  send,
  signed,
  type Answer,
  type Values,
} from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import { changeApp } from "../support/operator.ts";
import {
  makeOrder,
  makePaidOrder,
  ORDER,
  refundsOf,
  requestRefund,
  type OrderRef,
} from "../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import type { Shop } from "../support/shop.ts";

const REFUND = "/secapi/pay/refund";

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});
afterEach(closeScene);

const refusal = (detail: string) => ({
  status: 200,
  code: 501,
  errmsg: expect.stringContaining(detail),
  data: null,
});

/** A request to each endpoint that succeeds. */
function requestsFor(order: OrderRef): readonly (readonly [path: string, values: Values])[] {
  return [
    ["/pay/create-order", ORDER],
    ["/order", { order_id: order.id }],
    ["/pay/close-order", { platForm: 1, order_id: order.id }],
    ["/refund/refund-money", { platForm: 1, order_id: order.id }],
  ];
}

describe("requireAppOrderNo", () => {
  test("refuses an order without appOrderNo, and nothing else", async () => {
    await changeApp(scene.shop, { requireAppOrderNo: true });
    for (const number of [{}, { appOrderNo: "" }]) {
      expect(
        await postSigned(scene.shop, "/pay/create-order", { ...ORDER, ...number }),
      ).toMatchObject(refusal("appOrderNo 必传：该应用启用了 requireAppOrderNo"));
    }
    expect(scene.wechat.orders.size).toBe(0);
    const order = await makePaidOrder(scene, { appOrderNo: "O-1" });
    expect((await postSigned(scene.shop, "/order", { order_id: order.id })).code).toBe(0);
    expect((await requestRefund(scene, order)).code).toBe(0);
  });
});

describe("requireAppRefundNo", () => {
  test("refuses a refund without appRefundNo, and nothing else", async () => {
    await changeApp(scene.shop, { requireAppRefundNo: true });
    const order = await makePaidOrder(scene);
    for (const number of [{}, { appRefundNo: "" }]) {
      expect(await requestRefund(scene, order, number)).toMatchObject(
        refusal("appRefundNo 必传：该应用启用了 requireAppRefundNo"),
      );
    }
    expect(scene.wechat.callsOf(REFUND)).toEqual([]);
    expect((await postSigned(scene.shop, "/order", { order_id: order.id })).code).toBe(0);
    expect((await requestRefund(scene, order, { appRefundNo: "R-1" })).code).toBe(0);
  });
});

async function postFrom(
  address: string | null,
  path: string,
  values: Values,
  shop: Pick<Shop, "appId" | "salt"> = scene.shop,
  bindings?: Env,
): Promise<Answer> {
  const headers = address === null ? {} : { "cf-connecting-ip": address };
  return await read(await send(path, formOf(signed(shop, values), headers), bindings));
}

describe("allowedAddresses", () => {
  test("refuses all three endpoints to any other address", async () => {
    const order = await makePaidOrder(scene);
    await changeApp(scene.shop, { allowedAddresses: ["203.0.113.0/24", "2001:db8::/32"] });
    for (const [path, values] of requestsFor(order)) {
      for (const address of ["203.0.114.1", "2001:db9::1", "::203.0.113.1"]) {
        expect(await postFrom(address, path, values), path).toMatchObject(
          refusal(`不接受来自 ${address} 的请求，须在 allowedAddresses 之内`),
        );
      }
      expect(await postFrom(null, path, values)).toMatchObject(refusal("allowedAddresses"));
    }
    expect(await refundsOf(order)).toEqual([]);
    for (const [path, values] of requestsFor(order)) {
      expect((await postFrom("203.0.113.9", path, values)).code, path).toBe(0);
    }
    for (const address of ["2001:db8::9", "::ffff:203.0.113.9"]) {
      expect((await postFrom(address, "/order", { order_id: order.id })).code, address).toBe(0);
    }
  });

  test("tells a stranger nothing: a wrong sign is answered as ever", async () => {
    await changeApp(scene.shop, { allowedAddresses: ["203.0.113.7"] });
    const wrong = { ...scene.shop, salt: "another-salt-of-app" };
    const unknown = { ...scene.shop, appId: 999_999 };
    const [a, b] = [
      await postFrom("198.51.100.1", "/order", { order_id: 1 }, wrong),
      await postFrom("198.51.100.1", "/order", { order_id: 1 }, unknown),
    ];
    expect(a.text).toBe(b.text);
    expect(a.errmsg).toContain("appId 不存在或 sign 签名错误");
  });

  test("costs the app nothing of its limit when others replay its requests", async () => {
    await changeApp(scene.shop, { allowedAddresses: ["203.0.113.7"] });
    const { bindings, keys } = bindingsWithLimits({ app: 1 });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const answer = await postFrom(
        "198.51.100.1",
        "/order",
        { order_id: 1 },
        scene.shop,
        bindings,
      );
      expect(answer).toMatchObject(refusal("allowedAddresses"));
    }
    expect(keys.filter((key) => key.endsWith(" order"))).toEqual([]);
    const answer = await postFrom("203.0.113.7", "/order", { order_id: 1 }, scene.shop, bindings);
    expect(answer).toMatchObject(refusal("订单不存在"));
  });

  test("is an unverified message in the metrics and the log, with the app's id", async () => {
    await changeApp(scene.shop, { allowedAddresses: ["203.0.113.7"] });
    const { bindings } = bindingsWithLimits({ unverified: 2 });
    const dataPoints = recordDataPoints();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await postFrom("198.51.100.2", "/order", { order_id: 1 }, scene.shop, bindings);
    }
    expect(dataPoints[0]).toMatchObject({
      kind: "unverified",
      subject: "app",
      outcome: "wrong address",
    });
    expect(
      logLinesWith(scene.logged, { event: "request", path: "/order", app: scene.shop.appId }),
    ).toHaveLength(2);
  });
});

describe("canRefund", () => {
  test("refuses each refund, whatever the order's state, and asks WeChat nothing", async () => {
    const [waiting, paid] = [await makeOrder(scene), await makePaidOrder(scene)];
    await changeApp(scene.shop, { canRefund: false });
    const calls = scene.wechat.calls.length;
    for (const order of [waiting, paid, { id: 999_999, number: "" }]) {
      expect(await requestRefund(scene, order)).toMatchObject(refusal("canRefund"));
    }
    expect(scene.wechat.calls).toHaveLength(calls);
    expect((await postSigned(scene.shop, "/order", { order_id: paid.id })).code).toBe(0);
    await changeApp(scene.shop, { canRefund: true });
    expect((await requestRefund(scene, paid)).code).toBe(0);
  });

  test("leaves a repeat of an accepted refund its answer, and refuses another one", async () => {
    const order = await makePaidOrder(scene);
    const part = { refundFree: 30, appRefundNo: "R-1" };
    const first = await requestRefund(scene, order, part);
    expect(first.code).toBe(0);
    await changeApp(scene.shop, { canRefund: false });
    expect((await requestRefund(scene, order, part)).data).toEqual(first.data);
    for (const another of [{ appRefundNo: "R-2", refundFree: 30 }, { appRefundNo: "R-3" }]) {
      expect(await requestRefund(scene, order, another)).toMatchObject(refusal("canRefund"));
    }
    expect(scene.wechat.callsOf(REFUND)).toHaveLength(1);
  });

  test("lets a refund under way be found out, but not one that WeChat refused", async () => {
    const [unknown, refused] = [await makePaidOrder(scene), await makePaidOrder(scene)];
    scene.wechat.fail(REFUND, UNKNOWN, wechatError("NOTENOUGH"));
    expect((await requestRefund(scene, unknown)).code).toBe(503);
    expect((await requestRefund(scene, refused)).code).not.toBe(0);
    await changeApp(scene.shop, { canRefund: false });
    expect((await requestRefund(scene, unknown)).code).toBe(0);
    expect(await requestRefund(scene, refused)).toMatchObject(refusal("canRefund"));
  });
});

test("a changed setting takes effect in every isolate within a minute", async () => {
  await changeApp(scene.shop, { canRefund: true });
  const order = await makePaidOrder(scene);
  // As another isolate's PATCH would: this one's cached settings stay.
  await env.DB.prepare("update apps set require_app_order_no = 1 where id = ?")
    .bind(scene.shop.appId)
    .run();
  expect((await postSigned(scene.shop, "/pay/create-order", ORDER)).code).toBe(0);
  advance(60_001);
  expect(await postSigned(scene.shop, "/pay/create-order", ORDER)).toMatchObject(
    refusal("requireAppOrderNo"),
  );
  expect((await postSigned(scene.shop, "/order", { order_id: order.id })).code).toBe(0);
});
