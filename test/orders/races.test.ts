import { afterEach, describe, expect, test } from "vitest";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponse } from "../support/app-receiver.ts";
import { wechatError, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
} from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { closeScene, openScene, until } from "../support/scene.ts";

const BOOK = /update "orders" set "pay_state"/;

afterEach(closeScene);

describe("a refund", () => {
  test("that D1 took without saying so is settled by its timer, without a repeat", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    const { number, state } = await refundOf(order);
    expect(state).toBe("requested");
    await runNextTimer(order, "poll-refund");
    expect(await refundOf(order)).toMatchObject({ number, state: "accepted" });
  });

  test("that D1 didn't take leaves no timer behind for long", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost before" });
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    await runNextTimer(order, "poll-refund");
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    expect(scene.wechat.callsOf("/secapi/pay/refund")).toEqual([]);
  });

  test("accepted unheard, whose repeat is refused, is not taken for refused", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, wechatError("NOTENOUGH"));
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    const { number } = await refundOf(order);
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 0,
      data: { refund_no: number },
    });
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("accepted unheard and then missed by a query, whose repeat is refused, isn't either", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, wechatError("NOTENOUGH"));
    await requestRefund(scene, order);
    scene.wechat.fail("/pay/refundquery", wechatError("REFUNDNOTEXIST"));
    await runNextTimer(order, "poll-refund");
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("whose repeat is refused while WeChat has another amount stays unknown", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, wechatError("NOTENOUGH"));
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refunds.set(number, { ...scene.wechat.refund(number), refundFen: 1 });
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "0", refund_id: null });
  });
});

describe("a delivery timer", () => {
  test("of a closed order whose late payment D1 didn't take has WeChat asked", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: BOOK, how: "lost before" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    await runNextTimer(order, "deliver-payment");
    await runDueTimers(order);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("that fires while a booking is held up doesn't lose the delivery", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    const [booking, reading] = [gate(), gate()];
    const log = instrumentD1();
    log.fail({ sql: BOOK, how: "held before", gate: booking.opened });
    const asking = objectOf(order).sync();
    await until(() => log.trips.some((trip) => BOOK.test(trip[0] ?? "")));
    log.fail({ sql: /select .* from "orders"/, how: "held after", gate: reading.opened });
    const { length } = log.trips;
    const firing = runNextTimer(order, "deliver-payment");
    await until(() => log.trips.length > length);
    booking.release();
    expect(await asking).toBe("asked");
    reading.release();
    await firing;
    await runDueTimers(order);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("that can't read the app's settings counts no call", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    advance(120_000);
    instrumentD1().fail({ sql: /from "apps"/, how: "lost before", times: 3 });
    for (let turn = 0; turn < 4; turn += 1) await runNextTimer(order, "deliver-payment");
    expect(scene.app.calls).toHaveLength(1);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });
});

test("of an app's answer no more than 8 KB count, though more arrive at once", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  scene.app.respondWith(appResponse(`{"code":0,"pad":"${"x".repeat(9_000)}"}`));
  await runNextTimer(order, "deliver-payment");
  expect((await rowOf(order)).payNotifyState).toBe("failing");
});
