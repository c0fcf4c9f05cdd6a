import { afterEach, describe, expect, test } from "vitest";
import { gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { saysLater } from "../support/fake-app.ts";
import { UNKNOWN } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  refund,
  refundOf,
  runDue,
  runNext,
  timersOf,
} from "../support/life.ts";
import { notifyPayment, notifyRefund } from "../support/notices.ts";
import { openShop } from "../support/shop.ts";
import { closeWorld, openWorld, until } from "../support/world.ts";

const BOOK = /update "orders" set "pay_state"/;
const READ = /select .* from "orders"/;

afterEach(closeWorld);

describe("a notification that contradicts the order", () => {
  test("and whose booking is held up doesn't take away the delivery of the right one", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const other = await openShop();
    const held = gate();
    const log = watchD1();
    log.fail({ sql: BOOK, how: "held before", gate: held.passed });
    const appid = world.shop.wechatAppId;
    const refused = notifyPayment(other, made.number, paid, { appid });
    await until(() => log.trips.some((trip) => BOOK.test(trip[0] ?? "")));
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    held.release();
    expect(await refused).toBe(false);
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("and that read the order before it was booked doesn't either", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const held = gate();
    const log = watchD1();
    log.fail({ sql: READ, how: "held after", gate: held.passed });
    const refused = notifyPayment(world.shop, made.number, paid, { total_fee: "1" });
    await until(() => log.trips.some((trip) => READ.test(trip[0] ?? "")));
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    held.release();
    expect(await refused).toBe(false);
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });
});

describe("a refund that needed a person and has succeeded", () => {
  test("is not acknowledged while the record has only that it needed a person", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refund(number).status = "CHANGE";
    await runNext(made, "poll-refund");
    expect((await refundOf(made)).state).toBe("abnormal");
    world.wechat.refund(number).status = "SUCCESS";
    world.wechat.fail("/pay/refundquery", UNKNOWN);
    const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
    expect(await notifyRefund(world.shop, news)).toBe(false);
    expect((await refundOf(made)).state).toBe("abnormal");
    expect(await notifyRefund(world.shop, news)).toBe(true);
    expect((await refundOf(made)).state).toBe("succeeded");
  });

  test("which D1 took without saying so, while the old news was being told, is told", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await runDue(made);
    await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refund(number).status = "CHANGE";
    await runNext(made, "poll-refund");
    const held = gate();
    world.app.reply(saysLater(held.passed));
    const delivering = runDue(made);
    await until(() => world.app.callsTo(world.shop.refundUrl).length === 1);
    world.wechat.refund(number).status = "SUCCESS";
    watchD1().fail({ sql: /update "refunds" set "state"/, how: "lost after" });
    const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
    expect(await notifyRefund(world.shop, news)).toBe(false);
    held.release();
    await delivering;
    expect((await refundOf(made)).state).toBe("succeeded");
    for (let turn = 0; turn < 5; turn += 1) {
      const [next] = await timersOf(made);
      if (next !== undefined) await runNext(made, next.kind);
    }
    const told = world.app
      .callsTo(world.shop.refundUrl)
      .map(({ parameters }) => parameters.get("ref_state"));
    expect(told).toEqual(["3", "4"]);
  });
});
