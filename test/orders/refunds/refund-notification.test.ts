import { afterEach, describe, expect, test } from "vitest";
import { signedXml } from "../../wechat/support/messages.ts";
import { UNKNOWN, UNKNOWN_BUT_DONE } from "../../support/faults.ts";
import {
  makePaidOrder,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  timersOf,
  type Made,
} from "../../support/life.ts";
import {
  notifyRefund,
  paymentNotice,
  payPath,
  post,
  refundNotice,
  refundPath,
} from "../../support/notices.ts";
import { openShop } from "../../support/shop.ts";
import { closeWorld, openWorld, type World } from "../../support/world.ts";

afterEach(closeWorld);

type RefundWorld = World & { readonly made: Made; readonly refundNo: string };

/** A paid order with an accepted refund. */
async function refundWorld(): Promise<RefundWorld> {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await runDue(made);
  await refund(world, made);
  return { ...world, made, refundNo: (await refundOf(made)).number };
}

/** What WeChat would report of the refund. */
function newsOf({ made, refundNo }: RefundWorld, status = "SUCCESS"): Record<string, string> {
  return { out_trade_no: made.number, out_refund_no: refundNo, refund_status: status };
}

describe("a refund notification", () => {
  test.for([
    ["SUCCESS", "succeeded"],
    ["REFUNDCLOSE", "closed"],
    ["CHANGE", "abnormal"],
  ] as const)(
    "of %s is acknowledged once WeChat's answer is booked as %s",
    async ([status, state]) => {
      const world = await refundWorld();
      const { made, refundNo, shop, app, wechat } = world;
      wechat.refund(refundNo).status = status;
      expect(await notifyRefund(shop, newsOf(world, status))).toBe(true);
      expect((await refundOf(made)).state).toBe(state);
      await runDue(made);
      expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    },
  );

  test("in twenty copies at once is told to the app once", async () => {
    const world = await refundWorld();
    const { made, refundNo, shop, app, wechat } = world;
    wechat.refund(refundNo).status = "SUCCESS";
    const copies = await Promise.all(
      Array.from({ length: 20 }, async () => await notifyRefund(shop, newsOf(world))),
    );
    expect(copies).toEqual(Array.from({ length: 20 }, () => true));
    await runDue(made);
    expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    expect(wechat.callsOf("/pay/refundquery")).toHaveLength(1);
  });

  test("is a hint for a refund whose acceptance wasn't heard of", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refund(number).status = "SUCCESS";
    const news = newsOf({ ...world, made, refundNo: number });
    expect(await notifyRefund(world.shop, news)).toBe(true);
    expect(await refundOf(made)).toMatchObject({
      state: "succeeded",
      refundId: world.wechat.refund(number).refundId,
    });
  });
});

describe("what a refund notification claims", () => {
  test.for(["SUCCESS", "REFUNDCLOSE", "CHANGE"])(
    "of %s changes nothing while WeChat says that it is processing",
    async (status) => {
      const world = await refundWorld();
      const before = await refundOf(world.made);
      expect(await notifyRefund(world.shop, newsOf(world, status))).toBe(false);
      expect(await refundOf(world.made)).toEqual(before);
      expect(world.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
      await runDue(world.made);
      expect(world.app.callsTo(world.shop.refundUrl)).toEqual([]);
    },
  );

  test("changes nothing while WeChat's answer is unknown, and is found out by the timer", async () => {
    const world = await refundWorld();
    const { made, refundNo, shop, wechat } = world;
    const before = await refundOf(made);
    wechat.refund(refundNo).status = "SUCCESS";
    wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(shop, newsOf(world))).toBe(false);
    expect(await refundOf(made)).toEqual(before);
    await runNext(made, "poll-refund");
    expect((await refundOf(made)).state).toBe("succeeded");
  });

  test("yields to what WeChat answers", async () => {
    const world = await refundWorld();
    world.wechat.refund(world.refundNo).status = "REFUNDCLOSE";
    await notifyRefund(world.shop, newsOf(world, "SUCCESS"));
    expect((await refundOf(world.made)).state).toBe("closed");
  });
});

describe("a refund notification that isn't right", () => {
  test.for([
    ["of an order that doesn't exist", { out_trade_no: "f".repeat(32) }],
    ["without a refund", { out_refund_no: "" }],
  ] as const)("%s changes nothing", async ([, changes]) => {
    const world = await refundWorld();
    world.wechat.refund(world.refundNo).status = "SUCCESS";
    const before = await refundOf(world.made);
    expect(await notifyRefund(world.shop, { ...newsOf(world), ...changes })).toBe(false);
    expect(await refundOf(world.made)).toEqual(before);
    expect(world.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("in fields that aren't needed is a reason to query, like any other", async () => {
    const world = await refundWorld();
    world.wechat.refund(world.refundNo).status = "SUCCESS";
    const notification = { ...newsOf(world), refund_id: "", refund_fee: "1e2" };
    expect(await notifyRefund(world.shop, notification)).toBe(true);
    expect(await refundOf(world.made)).toMatchObject({ state: "succeeded" });
  });

  test("of a refund that WeChat doesn't know changes nothing", async () => {
    const world = await refundWorld();
    const before = await refundOf(world.made);
    const news = { ...newsOf(world), out_refund_no: "f".repeat(32) };
    expect(await notifyRefund(world.shop, news)).toBe(false);
    expect(await refundOf(world.made)).toEqual(before);
    expect(world.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
    const asking = (await timersOf(world.made)).filter(({ kind }) => kind === "poll-refund");
    expect(asking.map(({ refundNo }) => refundNo)).toEqual([before.number]);
  });

  test("of another order's refund changes neither", async () => {
    const world = await refundWorld();
    const other = await makePaidOrder(world);
    world.wechat.refund(world.refundNo).status = "SUCCESS";
    const news = { ...newsOf(world), out_trade_no: other.number };
    expect(await notifyRefund(world.shop, news)).toBe(false);
    expect((await refundOf(world.made)).state).toBe("accepted");
    expect(await timerOf(other, "poll-refund")).toBeUndefined();
  });

  test("under another key changes nothing", async () => {
    const world = await refundWorld();
    world.wechat.refund(world.refundNo).status = "SUCCESS";
    const wrong = "another-key-of-32-characters-lon";
    expect(await notifyRefund(world.shop, newsOf(world), wrong)).toBe(false);
    const other = await openShop();
    const foreign = await refundNotice(world.shop, newsOf(world), other.apiKey);
    expect(await post(refundPath(other), foreign)).toBe(false);
    expect((await refundOf(world.made)).state).toBe("accepted");
    expect(world.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("at the payments' path is not a payment", async () => {
    const world = await refundWorld();
    const before = await rowOf(world.made);
    const xml = await refundNotice(world.shop, newsOf(world));
    expect(await post(payPath(world.shop), xml)).toBe(false);
    expect(await rowOf(world.made)).toEqual(before);
    expect((await refundOf(world.made)).state).toBe("accepted");
  });

  test("because it is a payment's changes nothing", async () => {
    const world = await refundWorld();
    const { made, shop, wechat } = world;
    const before = await rowOf(made);
    const notice = paymentNotice(shop, made.number, wechat.order(made.number));
    const xml = await signedXml(notice, shop.v2SignType, shop.apiKey);
    expect(await post(refundPath(shop), xml)).toBe(false);
    expect(await rowOf(made)).toEqual(before);
  });
});
