import { afterEach, describe, expect, test } from "vitest";
import { advance, gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { says } from "../support/fake-app.ts";
import { error, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  view,
} from "../support/life.ts";
import { notifyPayment } from "../support/notices.ts";
import { closeWorld, openWorld, until } from "../support/world.ts";

const BOOK = /update "orders" set "pay_state"/;

afterEach(closeWorld);

describe("a refund", () => {
  test("that D1 took without saying so is settled by its timer, without a repeat", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    watchD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await refund(world, made)).toMatchObject({ code: 503 });
    const { number, state } = await refundOf(made);
    expect(state).toBe("requested");
    await runNext(made, "poll-refund");
    expect(await refundOf(made)).toMatchObject({ number, state: "accepted" });
  });

  test("that D1 didn't take leaves no timer behind for long", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    watchD1().fail({ sql: /insert into "refunds"/, how: "lost before" });
    expect(await refund(world, made)).toMatchObject({ code: 503 });
    await runNext(made, "poll-refund");
    expect(await timerOf(made, "poll-refund")).toBeUndefined();
    expect(world.wechat.callsOf("/secapi/pay/refund")).toEqual([]);
  });

  test("accepted unheard, whose repeat is refused, is not taken for refused", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, error("NOTENOUGH"));
    expect(await refund(world, made)).toMatchObject({ code: 503 });
    const { number } = await refundOf(made);
    expect(await refund(world, made)).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(await view(world, made)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("accepted unheard and then missed by a query, whose repeat is refused, isn't either", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, error("NOTENOUGH"));
    await refund(world, made);
    world.wechat.fail("/pay/refundquery", error("REFUNDNOTEXIST"));
    await runNext(made, "poll-refund");
    expect(await view(world, made)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("whose repeat is refused while WeChat has another amount stays unknown", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE, error("NOTENOUGH"));
    await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refunds.set(number, { ...world.wechat.refund(number), refundFen: 1 });
    expect(await refund(world, made)).toMatchObject({ code: 503 });
    expect(await view(world, made)).toMatchObject({ ref_state: "0", refund_id: null });
  });
});

describe("a delivery timer", () => {
  test("of a closed order whose late payment D1 didn't take has WeChat asked", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.order(made.number).state = "CLOSED";
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: BOOK, how: "lost before" });
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(false);
    await runNext(made, "deliver-payment");
    await runDue(made);
    expect((await rowOf(made)).payState).toBe("paid");
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("that fires while a booking is held up doesn't lose the delivery", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.pay(made.number);
    const [booking, reading] = [gate(), gate()];
    const log = watchD1();
    log.fail({ sql: BOOK, how: "held before", gate: booking.passed });
    const asking = objectOf(made).sync();
    await until(() => log.trips.some((trip) => BOOK.test(trip[0] ?? "")));
    log.fail({ sql: /select .* from "orders"/, how: "held after", gate: reading.passed });
    const { length } = log.trips;
    const firing = runNext(made, "deliver-payment");
    await until(() => log.trips.length > length);
    booking.release();
    expect(await asking).toBe("asked");
    reading.release();
    await firing;
    await runDue(made);
    expect((await rowOf(made)).payState).toBe("paid");
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("that can't read the app's settings counts no call", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    advance(120_000);
    watchD1().fail({ sql: /from "apps"/, how: "lost before", times: 3 });
    for (let turn = 0; turn < 4; turn += 1) await runNext(made, "deliver-payment");
    expect(world.app.calls).toHaveLength(1);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });
});

test("of an app's answer no more than 8 KB count, though more arrive at once", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  world.app.reply(says(`{"code":0,"pad":"${"x".repeat(9_000)}"}`));
  await runNext(made, "deliver-payment");
  expect((await rowOf(made)).payNotifyState).toBe("failing");
});
