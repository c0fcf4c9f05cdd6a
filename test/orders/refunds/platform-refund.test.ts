import { afterEach, describe, expect, test } from "vitest";
import { UNKNOWN } from "../../support/faults.ts";
import { advance } from "../../support/clock.ts";
import {
  makeOrder,
  makePaidOrder,
  refund,
  refundOf,
  refundsOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  view,
  type Made,
} from "../../support/life.ts";
import { notifyRefund } from "../../support/notices.ts";
import { wechatNumber, type FakeRefund } from "../../support/wechat-ledger.ts";
import { closeWorld, openWorld, type World } from "../../support/world.ts";

afterEach(closeWorld);

const REFUND_NO = "platform-refund-1";
let made = 0;

/** A person refunds an order in WeChat's merchant platform. The refund's number. */
function refundInPlatform(
  { wechat }: World,
  { number }: Made,
  refundFen: number,
  status: FakeRefund["status"] = "SUCCESS",
): string {
  made += 1;
  const refundNo = `${REFUND_NO}-${made}`;
  wechat.refunds.set(refundNo, {
    orderNumber: number,
    refundId: wechatNumber("50"),
    refundFen,
    createdAt: Date.now(),
    status,
  });
  return refundNo;
}

/** WeChat's news of it. */
function newsOf(order: Made, refundNo: string, refundFen: number): Record<string, string> {
  return {
    out_trade_no: order.number,
    out_refund_no: refundNo,
    refund_fee: String(refundFen),
    refund_status: "SUCCESS",
    refund_request_source: "VENDOR_PLATFORM",
  };
}

describe("a refund made in WeChat's merchant platform", () => {
  test("is recorded once WeChat confirms it, counted, and told to the app", async () => {
    const world = await openWorld();
    const order = await makePaidOrder(world);
    await runDue(order);
    const refundNo = refundInPlatform(world, order, 40);
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 40))).toBe(true);
    expect(await refundOf(order)).toMatchObject({
      number: refundNo,
      appRefundNo: null,
      refundFen: 40,
      refundId: world.wechat.refund(refundNo).refundId,
      state: "succeeded",
      source: "platform",
    });
    expect(await view(world, order)).toMatchObject({
      ref_state: "4",
      refund_no: refundNo,
      refund_free: 40,
    });
    await runDue(order);
    const [call] = world.app.callsTo(world.shop.refundUrl);
    expect(call?.parameters.get("refund_no")).toBe(refundNo);
    expect(call?.parameters.get("refund_free")).toBe("40");
    expect(await timerOf(order, "poll-refund")).toBeDefined();
    await runNext(order, "poll-refund");
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
  });

  test("leaves the rest to the app, whose request for all gets that", async () => {
    const world = await openWorld();
    const order = await makePaidOrder(world);
    const refundNo = refundInPlatform(world, order, 40);
    await notifyRefund(world.shop, newsOf(order, refundNo, 40));
    advance(60_000);
    expect(await refund(world, order)).toMatchObject({ code: 0 });
    expect(await refundsOf(order)).toMatchObject([{ refundFen: 40 }, { refundFen: 60 }]);
  });

  test("notified twenty times at once is one row and one call to the app", async () => {
    const world = await openWorld();
    const order = await makePaidOrder(world);
    const refundNo = refundInPlatform(world, order, 100);
    const copies = await Promise.all(
      Array.from(
        { length: 20 },
        async () => await notifyRefund(world.shop, newsOf(order, refundNo, 100)),
      ),
    );
    expect(copies).toEqual(Array.from({ length: 20 }, () => true));
    await refundOf(order);
    await runDue(order);
    expect(world.app.callsTo(world.shop.refundUrl)).toHaveLength(1);
  });

  test("that WeChat still processes is recorded, followed up, and acknowledged at its end", async () => {
    const world = await openWorld();
    const order = await makePaidOrder(world);
    const refundNo = refundInPlatform(world, order, 100, "PROCESSING");
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 100))).toBe(false);
    expect(await refundOf(order)).toMatchObject({ state: "accepted" });
    world.wechat.refund(refundNo).status = "SUCCESS";
    await runNext(order, "poll-refund");
    expect(await refundOf(order)).toMatchObject({ state: "succeeded" });
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 100))).toBe(true);
  });

  test("is not recorded while WeChat's word on it can't be had", async () => {
    const world = await openWorld();
    const order = await makePaidOrder(world);
    const refundNo = refundInPlatform(world, order, 100);
    world.wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 100))).toBe(false);
    expect(await refundsOf(order)).toEqual([]);
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 100))).toBe(true);
    await refundOf(order);
  });

  test("of an order whose payment wasn't heard of books the payment too", async () => {
    const world = await openWorld();
    const order = await makeOrder(world);
    world.wechat.pay(order.number);
    const refundNo = refundInPlatform(world, order, 100);
    expect(await notifyRefund(world.shop, newsOf(order, refundNo, 100))).toBe(true);
    expect(await rowOf(order)).toMatchObject({ payState: "paid" });
    expect(await refundOf(order)).toMatchObject({ state: "succeeded" });
  });
});
