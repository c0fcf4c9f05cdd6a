import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { says } from "../support/fake-app.ts";
import { UNKNOWN, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timersOf,
  view,
} from "../support/life.ts";
import { notifyPayment, notifyRefund } from "../support/notices.ts";
import { closeWorld, openWorld } from "../support/world.ts";

afterEach(closeWorld);

/** Throws all objects out of memory, at once and unasked; what they have stored stays. */
const evict = abortAllDurableObjects;

describe("an order whose object is evicted after each step", () => {
  test("lives to the same end", async () => {
    const world = await openWorld();
    const { wechat, app, shop } = world;
    const made = await makeOrder(world);
    await evict();
    wechat.fail("/pay/orderquery", UNKNOWN);
    await runNext(made, "poll-payment");
    await evict();
    const paid = wechat.pay(made.number);
    expect(await notifyPayment(shop, made.number, paid)).toBe(true);
    await evict();
    app.reply(says("fail"), says("fail"));
    await runNext(made, "deliver-payment");
    await evict();
    await runNext(made, "deliver-payment");
    await evict();
    await runNext(made, "deliver-payment");
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 3 });
    await evict();
    wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    expect((await refund(world, made)).code).toBe(503);
    await evict();
    await runNext(made, "poll-refund");
    await evict();
    const { number, state } = await refundOf(made);
    expect(state).toBe("accepted");
    expect(await refund(world, made)).toMatchObject({ code: 0, data: { refund_no: number } });
    await evict();
    wechat.refund(number).status = "SUCCESS";
    const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
    expect(await notifyRefund(shop, news)).toBe(true);
    await evict();
    app.reply(says("fail"));
    await runNext(made, "deliver-refund");
    await evict();
    await runNext(made, "deliver-refund");
    expect(await view(world, made)).toMatchObject({
      pay_state: "2",
      pay_notify_state: "2",
      pay_notify_number: 3,
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 2,
    });
    expect(wechat.callsOf("/secapi/pay/refund")).toHaveLength(1);
  });

  test("fails at its expiry all the same", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    while ((await timersOf(made)).length > 0) {
      await evict();
      await runNext(made, "poll-payment");
    }
    expect((await rowOf(made)).payState).toBe("failed");
  });

  test("keeps its timeline", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    await evict();
    await notifyPayment(world.shop, made.number, world.wechat.pay(made.number));
    await evict();
    await runDue(made);
    const { entries } = await objectOf(made).history();
    expect(entries.map(({ event }) => event)).toEqual([
      "wechat.prepay",
      "payment.recorded",
      "app.called",
    ]);
  });
});

test("an evicted object has every timer that it had", async () => {
  const world = await openWorld();
  const made = await makeOrder(world);
  expect((await timersOf(made)).map(({ kind }) => kind)).toEqual(["poll-payment"]);
  await evict();
  expect((await timersOf(made)).map(({ kind }) => kind)).toEqual(["poll-payment"]);
  await notifyPayment(world.shop, made.number, world.wechat.pay(made.number));
  await refund(world, made);
  const before = await timersOf(made);
  expect(before.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "deliver-payment",
    "poll-refund",
  ]);
  await evict();
  expect(await timersOf(made)).toEqual(before);
});
