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

const RECORD = /update "orders" set "pay_state"/;

afterEach(closeScene);

describe("I2: requestRefund, lost results", () => {
  test("sends the refund by its timer, without a repeat, when D1 lost the insert's result", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    const { number, state } = await refundOf(order);
    expect(state).toBe("requested");
    await runNextTimer(order, "poll-refund");
    expect(await refundOf(order)).toMatchObject({ number, state: "accepted" });
  });

  test("removes the timer of a refund that D1 never stored", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost before" });
    expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
    await runNextTimer(order, "poll-refund");
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    expect(scene.wechat.callsOf("/secapi/pay/refund")).toEqual([]);
  });

  test("keeps a refund accepted when its acceptance was lost and its repeat is refused", async () => {
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

  test("keeps a refund accepted when a query missed it before its repeat is refused", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, wechatError("NOTENOUGH"));
    await requestRefund(scene, order);
    scene.wechat.fail("/pay/refundquery", wechatError("REFUNDNOTEXIST"));
    await runNextTimer(order, "poll-refund");
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("stays unknown when its repeat is refused and WeChat reports another amount", async () => {
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

describe("timer deliver-payment", () => {
  test("queries WeChat when D1 failed to record a late payment of a closed order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: RECORD, how: "lost before" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    await runNextTimer(order, "deliver-payment");
    await runDueTimers(order);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("keeps the delivery when it fires during a slow write of the payment", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    const [recording, reading] = [gate(), gate()];
    const log = instrumentD1();
    log.fail({ sql: RECORD, how: "held before", gate: recording.opened });
    const syncing = objectOf(order).sync();
    await until(() => log.trips.some((trip) => RECORD.test(trip[0] ?? "")));
    log.fail({ sql: /select .* from "orders"/, how: "held after", gate: reading.opened });
    const { length } = log.trips;
    const firing = runNextTimer(order, "deliver-payment");
    await until(() => log.trips.length > length);
    recording.release();
    expect(await syncing).toBe("asked");
    reading.release();
    await firing;
    await runDueTimers(order);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("counts no call while it can't read the app's settings", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    advance(120_000);
    instrumentD1().fail({ sql: /from "apps"/, how: "lost before", times: 3 });
    for (let attempt = 0; attempt < 4; attempt += 1) await runNextTimer(order, "deliver-payment");
    expect(scene.app.calls).toHaveLength(1);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });
});

test("callApp reads only 8 KB of a response, even if more arrives at once", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  scene.app.respondWith(appResponse(`{"code":0,"pad":"${"x".repeat(9_000)}"}`));
  await runNextTimer(order, "deliver-payment");
  expect((await rowOf(order)).payNotifyState).toBe("failing");
});
