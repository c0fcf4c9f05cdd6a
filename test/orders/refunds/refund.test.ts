import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { advance, gate, START } from "../../support/clock.ts";
import { watchD1 } from "../../support/d1.ts";
import { error, late, UNKNOWN, UNKNOWN_BUT_DONE, UNKNOWNS } from "../../support/faults.ts";
import { ask } from "../../support/gateway.ts";
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
import { openSibling } from "../../support/shop.ts";
import { refundPath } from "../../support/notices.ts";
import { closeWorld, openWorld, until, type World } from "../../support/world.ts";

const REFUND = "/secapi/pay/refund";

afterEach(closeWorld);

/** A paid order whose app has heard of the payment. */
async function paidWorld(): Promise<World & { readonly made: Made }> {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await runDue(made);
  return { ...world, made };
}

/** The numbers under which WeChat was asked for refunds. */
function askedNumbers({ wechat }: World): string[] {
  return wechat.callsOf(REFUND).map((call) => call["out_refund_no"] ?? "");
}

describe("a refund", () => {
  test("that WeChat accepts is answered with both numbers", async () => {
    const { made, ...world } = await paidWorld();
    const answer = await refund(world, made);
    const row = await refundOf(made);
    expect(answer).toMatchObject({ status: 200, code: 0, errmsg: null });
    expect(answer.data).toEqual({
      refund_id: world.wechat.refund(row.number).refundId,
      refund_no: row.number,
    });
    expect(row).toMatchObject({
      number: expect.stringMatching(/^[0-9a-f]{32}$/),
      orderId: made.id,
      appId: world.shop.appId,
      refundFen: 100,
      state: "accepted",
    });
    expect(world.wechat.callsOf(REFUND)).toEqual([
      expect.objectContaining({
        out_trade_no: made.number,
        out_refund_no: row.number,
        total_fee: "100",
        refund_fee: "100",
        notify_url: `https://gateway.test${refundPath(world.shop)}`,
      }),
    ]);
    expect(await view(world, made)).toMatchObject({
      pay_state: "2",
      ref_state: "2",
      refund_free: 100,
    });
  });

  test("is followed up until it has succeeded, and the app is told", async () => {
    const { made, ...world } = await paidWorld();
    await refund(world, made, { appRefundNo: "R-1" });
    const { number } = await refundOf(made);
    await runNext(made, "poll-refund");
    expect((await refundOf(made)).state).toBe("accepted");
    expect(world.app.callsTo(world.shop.refundUrl)).toEqual([]);
    world.wechat.refund(number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    await runDue(made);
    expect(await refundOf(made)).toMatchObject({
      state: "succeeded",
      succeededAt: Date.UTC(2040, 0, 1, 4),
      notifyState: "confirmed",
      notifyNumber: 1,
    });
    const [call, ...more] = world.app.callsTo(world.shop.refundUrl);
    expect(more).toEqual([]);
    expect([...(call?.parameters ?? [])]).toEqual([
      ["appId", String(world.shop.appId)],
      ["event", "refund"],
      ["eventId", `refund_${number}_succeeded`],
      ["order_id", String(made.id)],
      ["pay_order_number", made.number],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", world.wechat.order(made.number).transactionId],
      ["refund_no", number],
      ["refund_id", world.wechat.refund(number).refundId],
      ["app_refund_no", "R-1"],
      ["refund_free", "100"],
      ["ref_state", "4"],
      ["timestamp", expect.any(String)],
      ["sign", expect.stringMatching(/^[0-9a-f]{40}$/)],
    ]);
    expect(await view(world, made)).toMatchObject({
      pay_state: "2",
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 1,
      refund_free: 100,
    });
    expect(await timerOf(made, "poll-refund")).toBeUndefined();
    expect(await timerOf(made, "deliver-refund")).toBeUndefined();
  });

  test("is asked about at growing distances", async () => {
    const { made, ...world } = await paidWorld();
    await refund(world, made);
    const waits: number[] = [];
    for (let asked = 0; asked < 6; asked += 1) {
      waits.push(((await timerOf(made, "poll-refund"))?.dueAt ?? 0) - Date.now());
      await runNext(made, "poll-refund");
    }
    expect(waits).toEqual([15_000, 30_000, 60_000, 180_000, 300_000, 600_000]);
  });

  test("repeated is the same refund, whatever has become of it", async () => {
    const { made, ...world } = await paidWorld();
    const first = await refund(world, made);
    expect(await refund(world, made)).toMatchObject({ code: 0, data: first.data });
    expect(await refund(world, made, { refundFree: 100 })).toMatchObject({ data: first.data });
    world.wechat.refund((await refundOf(made)).number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    expect(await refund(world, made)).toMatchObject({ code: 0, data: first.data });
    expect(world.wechat.callsOf(REFUND)).toHaveLength(1);
  });
});

describe("refunds at the same time", () => {
  test("fifty alike are one refund and one call, all answered alike", async () => {
    const { made, ...world } = await paidWorld();
    const held = gate();
    world.wechat.fail(REFUND, late(held.passed));
    const asked = Array.from({ length: 50 }, async () => await refund(world, made));
    await until(() => world.wechat.callsOf(REFUND).length === 1);
    held.release();
    const answers = await Promise.all(asked);
    const { number } = await refundOf(made);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(askedNumbers(world)).toEqual([number]);
  });

  test("fifty that all stay unknown never have a second number", async () => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, ...Array.from({ length: 60 }, () => UNKNOWN_BUT_DONE));
    const answers = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, index) => await refund(world, made, index % 2 === 0 ? {} : { refundFree: 100 }),
      ),
    );
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([503]));
    expect(new Set(askedNumbers(world))).toEqual(new Set([(await refundOf(made)).number]));
    expect(world.wechat.refunds.size).toBe(1);
  });

  test("of two amounts make one refund, of what is left", async () => {
    const { made, ...world } = await paidWorld();
    const answers = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, index) => await refund(world, made, { refundFree: index % 2 === 0 ? 100 : 60 }),
      ),
    );
    const { number } = await refundOf(made);
    for (const [index, answer] of answers.entries()) {
      if (index % 2 === 0) expect(answer).toMatchObject({ code: 0, data: { refund_no: number } });
      else
        expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("refundFree") });
    }
    expect(askedNumbers(world)).toEqual([number]);
  });

  test("under several numbers of the app make one refund", async () => {
    const { made, ...world } = await paidWorld();
    const answers = await Promise.all(
      ["A", "B", "C", "A", "B", "C"].map(
        async (appRefundNo) => await refund(world, made, { appRefundNo }),
      ),
    );
    const row = await refundOf(made);
    const codes = answers.map(({ code }) => code).toSorted((a, b) => a - b);
    expect(codes).toEqual([0, 0, 501, 501, 501, 501]);
    expect(askedNumbers(world)).toEqual([row.number]);
    const without = await refund(world, made);
    expect(without).toMatchObject({ code: 0, data: { refund_no: row.number } });
  });
});

describe("a refund of which WeChat's answer is unknown", () => {
  test.for(UNKNOWNS)("by %s keeps its number until it is settled", async ([, fault]) => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, fault);
    const answer = await refund(world, made);
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("重复本请求是安全的");
    const before = await refundOf(made);
    expect(before).toMatchObject({ state: "requested", refundId: null });
    expect(await view(world, made)).toMatchObject({
      ref_state: "0",
      refund_no: before.number,
      refund_id: null,
      refund_free: 100,
    });
    expect(await timerOf(made, "poll-refund")).toMatchObject({ dueAt: START + 15_000 });
    expect(await refund(world, made)).toMatchObject({
      code: 0,
      data: { refund_no: before.number },
    });
    expect(askedNumbers(world)).toEqual([before.number, before.number]);
    expect(world.wechat.refunds.size).toBe(1);
  });

  test.for(UNKNOWNS)("by %s is settled by its timer, without a repeat", async ([, fault]) => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, fault);
    await refund(world, made);
    const { number } = await refundOf(made);
    await runNext(made, "poll-refund");
    expect((await refundOf(made)).state).toBe("accepted");
    world.wechat.refund(number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    await runDue(made);
    expect((await refundOf(made)).state).toBe("succeeded");
    expect(world.app.callsTo(world.shop.refundUrl)).toHaveLength(1);
    expect(new Set(askedNumbers(world))).toEqual(new Set([number]));
    expect(world.wechat.refunds.size).toBe(1);
  });

  test("and of which WeChat never heard is sent again under the same number", async () => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, UNKNOWN);
    await refund(world, made);
    const { number } = await refundOf(made);
    await runNext(made, "poll-refund");
    expect(world.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
    expect(askedNumbers(world)).toEqual([number, number]);
    expect((await refundOf(made)).state).toBe("accepted");
  });

  test("stays unknown while the query is unknown too", async () => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, UNKNOWN_BUT_DONE);
    await refund(world, made);
    for (const [, fault] of UNKNOWNS) {
      world.wechat.fail("/pay/refundquery", fault);
      await runNext(made, "poll-refund");
      expect(await view(world, made)).toMatchObject({ ref_state: "0", refund_free: 100 });
    }
    await runNext(made, "poll-refund");
    expect(await view(world, made)).toMatchObject({ ref_state: "2" });
    expect(askedNumbers(world)).toHaveLength(1);
  });

  test("because WeChat reports another amount is left as it is", async () => {
    const { made, ...world } = await paidWorld();
    await refund(world, made);
    const before = await refundOf(made);
    const held = world.wechat.refund(before.number);
    world.wechat.refunds.set(before.number, { ...held, refundFen: 1, status: "SUCCESS" });
    await runNext(made, "poll-refund");
    expect(await refundOf(made)).toEqual(before);
  });
});

describe("a refund that WeChat refuses", () => {
  test("is told with WeChat's words, and asked for again under the same number", async () => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, error("NOTENOUGH", "基本账户余额不足"));
    const answer = await refund(world, made);
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("NOTENOUGH 基本账户余额不足");
    const { number, state } = await refundOf(made);
    expect(state).toBe("refused");
    expect(await view(world, made)).toMatchObject({
      ref_state: "1",
      refund_no: number,
      refund_free: 0,
    });
    expect(await timerOf(made, "poll-refund")).toBeUndefined();
    expect(await refund(world, made)).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(askedNumbers(world)).toEqual([number, number]);
    expect(await view(world, made)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test.for([
    ["TRADE_OVERDUE", 501],
    ["NOAUTH", 503],
    ["REFUND_FEE_MISMATCH", 503],
  ] as const)("with %s is a %i", async ([code, expected]) => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, error(code));
    expect(await refund(world, made)).toMatchObject({ code: expected });
    expect(await view(world, made)).toMatchObject({ ref_state: "1" });
  });

  test.for(UNKNOWNS)("and is then unknown by %s is not shown as refused", async ([, fault]) => {
    const { made, ...world } = await paidWorld();
    world.wechat.fail(REFUND, error("NOTENOUGH"), fault);
    await refund(world, made);
    expect(await view(world, made)).toMatchObject({ ref_state: "1" });
    expect(await refund(world, made)).toMatchObject({ code: 503 });
    expect(await view(world, made)).toMatchObject({ ref_state: "0", refund_free: 100 });
    await runNext(made, "poll-refund");
    expect(await view(world, made)).toMatchObject({ ref_state: "2" });
    expect(new Set(askedNumbers(world)).size).toBe(1);
  });

  test("is never shown as refused while its repeat is under way", async () => {
    const { made, ...world } = await paidWorld();
    const held = gate();
    world.wechat.fail(REFUND, error("NOTENOUGH"), late(held.passed));
    await refund(world, made);
    const repeat = refund(world, made);
    await until(() => world.wechat.callsOf(REFUND).length === 2);
    expect(await view(world, made)).toMatchObject({ ref_state: "0" });
    held.release();
    expect((await repeat).code).toBe(0);
  });
});

describe("a refund that WeChat closes for good", () => {
  test("is told to the app, and a new request gets a new number", async () => {
    const { made, ...world } = await paidWorld();
    await refund(world, made, { appRefundNo: "R-1" });
    const closed = await refundOf(made);
    world.wechat.refund(closed.number).status = "REFUNDCLOSE";
    await runNext(made, "poll-refund");
    await runDue(made);
    expect(await view(world, made)).toMatchObject({ ref_state: "3", refund_free: 0 });
    expect(world.app.callsTo(world.shop.refundUrl)[0]?.parameters.get("ref_state")).toBe("3");

    const named = await refund(world, made, { appRefundNo: "R-1" });
    expect(named).toMatchObject({ code: 501, errmsg: expect.stringContaining("appRefundNo") });
    advance(60_000);
    const again = await refund(world, made, { appRefundNo: "R-2" });
    expect(again.code).toBe(0);
    expect(again.data?.["refund_no"]).not.toBe(closed.number);
    expect((await refundsOf(made)).map(({ state }) => state)).toEqual(["closed", "accepted"]);
    expect(await view(world, made)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });
});

describe("a refund that needs a person", () => {
  test("holds its amount, and is told again when it succeeds after all", async () => {
    const { made, ...world } = await paidWorld();
    const first = await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refund(number).status = "CHANGE";
    await runNext(made, "poll-refund");
    await runDue(made);
    expect(await view(world, made)).toMatchObject({
      ref_state: "3",
      ref_notify_state: "2",
      refund_free: 100,
    });
    expect(await refund(world, made)).toMatchObject({ code: 0, data: first.data });
    expect(askedNumbers(world)).toEqual([number]);

    world.wechat.refund(number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    expect(await view(world, made)).toMatchObject({ ref_state: "4", ref_notify_state: "0" });
    await runDue(made);
    expect(await view(world, made)).toMatchObject({
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 2,
    });
    const told = world.app
      .callsTo(world.shop.refundUrl)
      .map(({ parameters }) => [parameters.get("eventId"), parameters.get("ref_state")]);
    expect(told).toEqual([
      [`refund_${number}_abnormal`, "3"],
      [`refund_${number}_succeeded`, "4"],
    ]);
  });
});

describe("a request for a refund", () => {
  test.for([1, 60, 99])(
    "of %i of 100 fen without the app's number is a 501",
    async (refundFree) => {
      const { made, ...world } = await paidWorld();
      const answer = await refund(world, made, { refundFree });
      expect(answer).toMatchObject({ code: 501, data: null });
      expect(answer.errmsg).toMatch(/appRefundNo.*100/);
      expect(await refundsOf(made)).toEqual([]);
      expect(askedNumbers(world)).toEqual([]);
    },
  );

  test("of more than was paid is a 501", async () => {
    const { made, ...world } = await paidWorld();
    const answer = await refund(world, made, { refundFree: 101 });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringMatching(/refundFree.*100/) });
    expect(await refundsOf(made)).toEqual([]);
  });

  test("of all that was paid is a refund", async () => {
    const { made, ...world } = await paidWorld();
    expect(await refund(world, made, { refundFree: 100 })).toMatchObject({ code: 0 });
  });

  test("that repeats a number with another amount is a 501", async () => {
    const { made, ...world } = await paidWorld();
    await refund(world, made, { appRefundNo: "R-1" });
    const answer = await refund(world, made, { appRefundNo: "R-1", refundFree: 60 });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("refundFree") });
  });

  test("with a number used for another order is a 501", async () => {
    const { made, ...world } = await paidWorld();
    const other = await makePaidOrder(world);
    await refund(world, other, { appRefundNo: "R-1" });
    const answer = await refund(world, made, { appRefundNo: "R-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("appRefundNo") });
    expect(await refundsOf(made)).toEqual([]);
  });

  test("of an unpaid order has WeChat asked first, and is a 501 then", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    expect(await refund(world, made)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("未支付"),
    });
    expect(world.wechat.callsOf("/pay/orderquery")).toHaveLength(1);
    expect(await refundsOf(made)).toEqual([]);
  });

  test("of an order whose payment wasn't heard of books the payment and refunds it", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.pay(made.number);
    expect(await refund(world, made)).toMatchObject({ code: 0 });
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("of an order of which WeChat says nothing clear is a 503", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.pay(made.number);
    world.wechat.fail("/pay/orderquery", UNKNOWN);
    const answer = await refund(world, made);
    expect(answer).toMatchObject({ code: 503, errmsg: expect.stringContaining("安全") });
    expect(await refundsOf(made)).toEqual([]);
  });

  test("of another app's order is answered as for none", async () => {
    const { made, ...world } = await paidWorld();
    const sibling = await openSibling(world.shop);
    const path = "/refund/refund-money";
    const others = await ask(sibling, path, { platForm: 1, order_id: made.id });
    const absent = await ask(sibling, path, { platForm: 1, order_id: 999_999 });
    expect(others.text).toBe(absent.text);
    expect(others.code).toBe(501);
    expect(await refundsOf(made)).toEqual([]);
    expect(askedNumbers(world)).toEqual([]);
  });

  test("that D1 doesn't take is a 503, and WeChat isn't called", async () => {
    const { made, ...world } = await paidWorld();
    watchD1().fail({ sql: /insert into "refunds"/, how: "lost before" });
    expect(await refund(world, made)).toMatchObject({ status: 200, code: 503 });
    expect(askedNumbers(world)).toEqual([]);
    expect(await refund(world, made)).toMatchObject({ code: 0 });
  });

  test("that D1 takes without saying so is repeated under the number it got", async () => {
    const { made, ...world } = await paidWorld();
    watchD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await refund(world, made)).toMatchObject({ status: 200, code: 503 });
    const { number } = await refundOf(made);
    expect(await refund(world, made)).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(askedNumbers(world)).toEqual([number]);
  });

  test("whose acceptance D1 doesn't take is settled by its timer", async () => {
    const { made, ...world } = await paidWorld();
    watchD1().fail({ sql: /update "refunds" set "state"/, how: "lost before" });
    expect(await refund(world, made)).toMatchObject({ status: 200, code: 503 });
    expect((await refundOf(made)).state).toBe("requested");
    await runNext(made, "poll-refund");
    expect((await refundOf(made)).state).toBe("accepted");
    expect(askedNumbers(world)).toHaveLength(1);
  });
});

test("an order's other rows stay as they are when it is refunded", async () => {
  const { made, ...world } = await paidWorld();
  const bystander = await makePaidOrder(world);
  const before = await rowOf(bystander);
  await refund(world, made);
  expect(await rowOf(bystander)).toEqual(before);
  expect(
    (await env.DB.prepare("select * from refunds where order_id = ?").bind(bystander.id).all())
      .results,
  ).toEqual([]);
});
