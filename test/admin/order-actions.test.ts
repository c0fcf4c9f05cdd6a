import { afterEach, describe, expect, test } from "vitest";
import { advance } from "../support/clock.ts";
import { UNKNOWN, wechatError } from "../support/faults.ts";
import { changeApp } from "../support/operator.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  refundsOf,
  requestRefund,
  rowOf,
  runDueTimers,
  runNextTimer,
  viewOrder,
} from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";
import { PROTOCOL } from "../support/shop.ts";
import { sendAdmin } from "./support.ts";

afterEach(closeScene);

/** The response's status and body. */
async function act(path: string, body?: object) {
  const { status, json } = await sendAdmin("POST", `/admin/orders/${path}`, { body });
  const parsed: Readonly<Record<string, unknown>> = Object(json);
  return { status, body: parsed };
}

describe("POST /admin/orders/:id/close", () => {
  test("closes an unpaid order and answers with its states", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    advance(300_000);
    expect(await act(`${order.id}/close`)).toMatchObject({
      status: 200,
      body: { closeIn: null, order: { id: order.id, payState: "failed", refunds: [] } },
    });
    expect((await objectOf(order).history()).entries).toContainEqual(
      expect.objectContaining({ event: "order.close_requested", facts: { by: "operator" } }),
    );
  });

  test.skipIf(PROTOCOL === "v3")("says in how many seconds an order is closed", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect(await act(`${order.id}/close`)).toMatchObject({
      status: 200,
      body: { closeIn: 300, order: { payState: "waiting" } },
    });
  });

  test("answers 200 for a paid order, which it finds and tells", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    expect(await act(`${order.id}/close`)).toMatchObject({
      status: 200,
      body: { closeIn: null, order: { payState: "paid" } },
    });
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("answers 409 with the reason when WeChat gives no answer or refuses", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    advance(600_000);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    expect(await act(`${order.id}/close`)).toMatchObject({
      status: 409,
      body: { error: { code: "conflict", message: expect.stringContaining("no usable answer") } },
    });
    scene.wechat.fail("/pay/closeorder", wechatError("NOAUTH"));
    expect(await act(`${order.id}/close`)).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringMatching(/NO_?AUTH/) } },
    });
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("answers 404 for an order that doesn't exist", async () => {
    await openScene();
    expect((await act("999999/close")).status).toBe(404);
  });
});

describe("POST /admin/orders/:id/refund", () => {
  test("refunds what is left and answers with the refund's states; the app is called", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const answer = await act(`${order.id}/refund`, {});
    const [refund] = await refundsOf(order);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        refundNo: refund?.number,
        order: { payState: "paid", refunds: [{ refundFen: 100, state: "accepted" }] },
      },
    });
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("I2: a repeat by the app is the operator's refund", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const body = { refundFen: 30, appRefundNo: "R-1" };
    const first = await act(`${order.id}/refund`, body);
    expect(first.status).toBe(200);
    expect((await act(`${order.id}/refund`, body)).body).toMatchObject({
      refundNo: first.body["refundNo"],
    });
    const repeated = await requestRefund(scene, order, { refundFree: 30, appRefundNo: "R-1" });
    expect(repeated.data).toMatchObject({ refund_no: first.body["refundNo"] });
    expect(scene.wechat.refunds.size).toBe(1);
  });

  test("isn't bound by what the app's requests may do", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await changeApp(scene.shop, {
      canRefund: false,
      maxRefundFenPerDay: 1,
      requireAppRefundNo: true,
    });
    expect((await requestRefund(scene, order, { appRefundNo: "R-1" })).code).toBe(501);
    expect((await act(`${order.id}/refund`, {})).status).toBe(200);
  });

  test("answers 409 with the reason, and 400 for a wrong body", async () => {
    const scene = await openScene();
    const unpaid = await makeOrder(scene);
    expect(await act(`${unpaid.id}/refund`, {})).toMatchObject({
      status: 409,
      body: { error: { message: "订单未支付，不能退款" } },
    });
    const paid = await makePaidOrder(scene);
    expect(await act(`${paid.id}/refund`, { refundFen: 101 })).toMatchObject({ status: 409 });
    expect(await act(`${paid.id}/refund`, { refundFen: 1 })).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringContaining("appRefundNo 在部分退款时必传") } },
    });
    for (const body of [
      { refundFen: 0 },
      { refundFen: 1.5 },
      { refundFen: "1" },
      { refundFen: 2 ** 31 },
      { appRefundNo: "" },
      { appRefundNo: "x".repeat(65) },
      { refundFree: 1 },
    ]) {
      expect(await act(`${paid.id}/refund`, body), JSON.stringify(body)).toMatchObject({
        status: 400,
      });
    }
    expect(await refundsOf(paid)).toEqual([]);
    expect((await act("999999/refund", {})).status).toBe(404);
  });
});
