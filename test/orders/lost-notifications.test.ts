import { afterEach, describe, expect, test } from "vitest";
import { gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponseAfter } from "../support/app-receiver.ts";
import { UNKNOWN } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  runDueTimers,
  runNextTimer,
  timersOf,
} from "../support/scenario.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene, until } from "../support/scene.ts";

const RECORD = /update "orders" set "pay_state"/;
const READ = /select .* from "orders"/;

afterEach(closeScene);

describe("recordPayment, a contradicting notification", () => {
  test("keeps the valid payment's delivery when the contradicting write is slow", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const other = await openShop();
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: RECORD, how: "held before", gate: held.opened });
    const appid = scene.shop.wechatAppId;
    const refused = notifyPayment(other, order.number, paid, { appid });
    await until(() => log.trips.some((trip) => RECORD.test(trip[0] ?? "")));
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    held.release();
    expect(await refused).toBe(false);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("keeps the valid payment's delivery when the contradicting one read the order first", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: READ, how: "held after", gate: held.opened });
    const refused = notifyPayment(scene.shop, order.number, paid, { total_fee: "1" });
    await until(() => log.trips.some((trip) => READ.test(trip[0] ?? "")));
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    held.release();
    expect(await refused).toBe(false);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });
});

describe("handleRefundNotification, an abnormal refund that succeeds", () => {
  test("refuses the notification while the record still says abnormal", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("abnormal");
    scene.wechat.refund(number).status = "SUCCESS";
    scene.wechat.fail("/pay/refundquery", UNKNOWN);
    const notification = {
      out_trade_no: order.number,
      out_refund_no: number,
      refund_status: "SUCCESS",
    };
    expect(await notifyRefund(scene.shop, notification)).toBe(false);
    expect((await refundOf(order)).state).toBe("abnormal");
    expect(await notifyRefund(scene.shop, notification)).toBe(true);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("reports the success when D1 lost the result of storing it during the older call", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened));
    const delivering = runDueTimers(order);
    await until(() => scene.app.callsTo(scene.shop.refundUrl).length === 1);
    scene.wechat.refund(number).status = "SUCCESS";
    instrumentD1().fail({ sql: /update "refunds" set "state"/, how: "lost after" });
    const notification = {
      out_trade_no: order.number,
      out_refund_no: number,
      refund_status: "SUCCESS",
    };
    expect(await notifyRefund(scene.shop, notification)).toBe(false);
    held.release();
    await delivering;
    expect((await refundOf(order)).state).toBe("succeeded");
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const [next] = await timersOf(order);
      if (next !== undefined) await runNextTimer(order, next.kind);
    }
    const reportedStates = scene.app
      .callsTo(scene.shop.refundUrl)
      .map(({ parameters }) => parameters.get("ref_state"));
    expect(reportedStates).toEqual(["3", "4"]);
  });
});
