import { afterEach, describe, expect, test } from "vitest";
import { advance, START } from "../support/clock.ts";
import { UNKNOWN } from "../support/faults.ts";
import { postSigned, read, send, signed } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  viewOrder,
} from "../support/scenario.ts";
import { openShop, openSibling } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";

const PATH = "/order";

afterEach(closeScene);

describe("I7: POST /order", () => {
  test("returns exactly the contract's names and types for a waiting order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    advance(5_000);
    expect(await viewOrder(scene, order)).toStrictEqual({
      id: order.id,
      pay_order_number: order.number,
      app_id: scene.shop.appId,
      platform: "1",
      sdk_type: "JSAPI",
      desc: "测试商品",
      total_free: 100,
      tag: "test",
      user_id: (await rowOf(order)).userId,
      pay_state: "0",
      ref_state: "0",
      pay_notify_state: "0",
      ref_notify_state: "0",
      transaction_id: null,
      pay_notify_number: 0,
      ref_notify_number: 0,
      refund_id: null,
      refund_no: null,
      create_time: START / 1000,
      update_time: START / 1000,
      attach: null,
      app_order_no: null,
      refund_free: 0,
      pay_time: null,
    });
    expect(scene.wechat.calls).toHaveLength(1);
  });

  test("returns exactly the contract's names and types for a refunded order", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene, { attach: "附加" });
    await runDueTimers(order);
    advance(7_000);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    expect(await viewOrder(scene, order)).toStrictEqual({
      id: order.id,
      pay_order_number: order.number,
      app_id: scene.shop.appId,
      platform: "1",
      sdk_type: "JSAPI",
      desc: "测试商品",
      total_free: 100,
      tag: "test",
      user_id: (await rowOf(order)).userId,
      pay_state: "2",
      ref_state: "2",
      pay_notify_state: "2",
      ref_notify_state: "0",
      transaction_id: scene.wechat.order(order.number).transactionId,
      pay_notify_number: 1,
      ref_notify_number: 0,
      refund_id: scene.wechat.refund(number).refundId,
      refund_no: number,
      create_time: START / 1000,
      update_time: START / 1000 + 7,
      attach: "附加",
      app_order_no: null,
      refund_free: 100,
      pay_time: Math.floor(((await rowOf(order)).paidAt ?? 0) / 1000),
    });
  });

  test("accepts a signed JSON body", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const values = Object.fromEntries(signed(scene.shop, { order_id: order.id }));
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...values, order_id: order.id, appId: scene.shop.appId }),
    };
    expect((await read(await send(PATH, init))).data).toMatchObject({ id: order.id });
  });

  test("gives another app's order the same response as an absent one", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    for (const other of [await openSibling(scene.shop), await openShop()]) {
      for (const sync of [{}, { sync: 1 }]) {
        const foreign = await postSigned(other, PATH, { order_id: order.id, ...sync });
        const absent = await postSigned(other, PATH, { order_id: 999_999, ...sync });
        expect(foreign.text).toBe(absent.text);
        expect(foreign).toMatchObject({ status: 200, code: 501, data: null });
      }
    }
  });
});

describe("POST /order with sync=1", () => {
  test("queries WeChat first for a waiting order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ pay_state: "0" });
    const paid = scene.wechat.pay(order.number);
    expect(await viewOrder(scene, order, { sync: 0 })).toMatchObject({ pay_state: "0" });
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({
      pay_state: "2",
      transaction_id: paid.transactionId,
    });
    expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(2);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("answers 503 instead of an old state when the payment query is unknown", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    const answer = await postSigned(scene.shop, PATH, { order_id: order.id, sync: 1 });
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("重复本请求是安全的");
  });

  test("queries WeChat about an open refund", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ ref_state: "2" });
    scene.wechat.refund((await refundOf(order)).number).status = "SUCCESS";
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ ref_state: "4" });
    expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(2);
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ ref_state: "4" });
    expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(2);
  });

  test("answers 503 when the refund query is unknown", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    scene.wechat.fail("/pay/refundquery", UNKNOWN);
    const answer = await postSigned(scene.shop, PATH, { order_id: order.id, sync: 1 });
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
  });

  test("makes no query for a paid order without a refund", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const calls = scene.wechat.calls.length;
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ pay_state: "2" });
    expect(scene.wechat.calls).toHaveLength(calls);
  });
});
