import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { advance, gate, START } from "../../support/clock.ts";
import { instrumentD1 } from "../../support/d1.ts";
import {
  wechatError,
  lateAnswer,
  UNKNOWN,
  UNKNOWN_BUT_DONE,
  UNKNOWNS,
} from "../../support/faults.ts";
import { postSigned } from "../../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  refundsOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { openSibling } from "../../support/shop.ts";
import { refundPath } from "../../support/notifications.ts";
import { closeScene, openScene, until, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";

afterEach(closeScene);

/** A paid order whose app has confirmed the payment. */
async function openPaidScene(): Promise<Scene & { readonly order: OrderRef }> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** The out_refund_no of the refund calls to WeChat, in order. */
function sentNumbers({ wechat }: Scene): string[] {
  return wechat.callsOf(REFUND).map((call) => call["out_refund_no"] ?? "");
}

describe("requestRefund", () => {
  test("answers with WeChat's and the gateway's refund number", async () => {
    const { order, ...scene } = await openPaidScene();
    const answer = await requestRefund(scene, order);
    const row = await refundOf(order);
    expect(answer).toMatchObject({ status: 200, code: 0, errmsg: null });
    expect(answer.data).toEqual({
      refund_id: scene.wechat.refund(row.number).refundId,
      refund_no: row.number,
    });
    expect(row).toMatchObject({
      number: expect.stringMatching(/^[0-9a-f]{32}$/),
      orderId: order.id,
      appId: scene.shop.appId,
      refundFen: 100,
      state: "accepted",
    });
    expect(scene.wechat.callsOf(REFUND)).toEqual([
      expect.objectContaining({
        out_trade_no: order.number,
        out_refund_no: row.number,
        total_fee: "100",
        refund_fee: "100",
        notify_url: `https://gateway.test${refundPath(scene.shop)}`,
      }),
    ]);
    expect(await viewOrder(scene, order)).toMatchObject({
      pay_state: "2",
      ref_state: "2",
      refund_free: 100,
    });
  });

  test("polls the refund until it succeeds and calls the app", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order, { appRefundNo: "R-1" });
    const { number } = await refundOf(order);
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("accepted");
    expect(scene.app.callsTo(scene.shop.refundUrl)).toEqual([]);
    scene.wechat.refund(number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    expect(await refundOf(order)).toMatchObject({
      state: "succeeded",
      succeededAt: Date.UTC(2040, 0, 1, 4),
      notifyState: "confirmed",
      notifyNumber: 1,
    });
    const [call, ...more] = scene.app.callsTo(scene.shop.refundUrl);
    expect(more).toEqual([]);
    expect([...(call?.parameters ?? [])]).toEqual([
      ["appId", String(scene.shop.appId)],
      ["event", "refund"],
      ["eventId", `refund_${number}_succeeded`],
      ["order_id", String(order.id)],
      ["pay_order_number", order.number],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", scene.wechat.order(order.number).transactionId],
      ["refund_no", number],
      ["refund_id", scene.wechat.refund(number).refundId],
      ["app_refund_no", "R-1"],
      ["refund_free", "100"],
      ["ref_state", "4"],
      ["refund_time", String(Date.UTC(2040, 0, 1, 4) / 1000)],
      ["timestamp", expect.any(String)],
      ["sign", expect.stringMatching(/^[0-9a-f]{40}$/)],
    ]);
    expect(await viewOrder(scene, order)).toMatchObject({
      pay_state: "2",
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 1,
      refund_free: 100,
    });
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    expect(await timerOf(order, "deliver-refund")).toBeUndefined();
  });

  test("polls at growing intervals", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order);
    const waits: number[] = [];
    for (let poll = 0; poll < 6; poll += 1) {
      waits.push(((await timerOf(order, "poll-refund"))?.dueAt ?? 0) - Date.now());
      await runNextTimer(order, "poll-refund");
    }
    expect(waits).toEqual([15_000, 30_000, 60_000, 180_000, 300_000, 600_000]);
  });

  test("returns the same refund for a repeated request, in every state", async () => {
    const { order, ...scene } = await openPaidScene();
    const first = await requestRefund(scene, order);
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0, data: first.data });
    expect(await requestRefund(scene, order, { refundFree: 100 })).toMatchObject({
      data: first.data,
    });
    scene.wechat.refund((await refundOf(order)).number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0, data: first.data });
    expect(scene.wechat.callsOf(REFUND)).toHaveLength(1);
  });
});

describe("I2: requestRefund, concurrent requests", () => {
  test("makes one refund, one call and one response of 50 identical requests", async () => {
    const { order, ...scene } = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const requests = Array.from({ length: 50 }, async () => await requestRefund(scene, order));
    await until(() => scene.wechat.callsOf(REFUND).length === 1);
    held.release();
    const answers = await Promise.all(requests);
    const { number } = await refundOf(order);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(sentNumbers(scene)).toEqual([number]);
  });

  test("uses one out_refund_no for 50 requests whose outcome stays unknown", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, ...Array.from({ length: 60 }, () => UNKNOWN_BUT_DONE));
    const answers = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, index) =>
          await requestRefund(scene, order, index % 2 === 0 ? {} : { refundFree: 100 }),
      ),
    );
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([503]));
    expect(new Set(sentNumbers(scene))).toEqual(new Set([(await refundOf(order)).number]));
    expect(scene.wechat.refunds.size).toBe(1);
  });

  test("makes one refund of the full amount when requests over 100 and 60 fen compete", async () => {
    const { order, ...scene } = await openPaidScene();
    const answers = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, index) =>
          await requestRefund(scene, order, { refundFree: index % 2 === 0 ? 100 : 60 }),
      ),
    );
    const { number } = await refundOf(order);
    for (const [index, answer] of answers.entries()) {
      if (index % 2 === 0) expect(answer).toMatchObject({ code: 0, data: { refund_no: number } });
      else
        expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("refundFree") });
    }
    expect(sentNumbers(scene)).toEqual([number]);
  });

  test("makes one full refund of requests under several appRefundNo", async () => {
    const { order, ...scene } = await openPaidScene();
    const answers = await Promise.all(
      ["A", "B", "C", "A", "B", "C"].map(
        async (appRefundNo) => await requestRefund(scene, order, { appRefundNo }),
      ),
    );
    const row = await refundOf(order);
    const codes = answers.map(({ code }) => code).toSorted((a, b) => a - b);
    expect(codes).toEqual([0, 0, 501, 501, 501, 501]);
    expect(sentNumbers(scene)).toEqual([row.number]);
    const without = await requestRefund(scene, order);
    expect(without).toMatchObject({ code: 0, data: { refund_no: row.number } });
  });
});

describe("I2, I6: requestRefund, outcome unknown", () => {
  test.for(UNKNOWNS)("keeps the out_refund_no for the repeat after %s", async ([, fault]) => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, fault);
    const answer = await requestRefund(scene, order);
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("重复本请求是安全的");
    const before = await refundOf(order);
    expect(before).toMatchObject({ state: "requested", refundId: null });
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "0",
      refund_no: before.number,
      refund_id: null,
      refund_free: 100,
    });
    expect(await timerOf(order, "poll-refund")).toMatchObject({ dueAt: START + 15_000 });
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 0,
      data: { refund_no: before.number },
    });
    expect(sentNumbers(scene)).toEqual([before.number, before.number]);
    expect(scene.wechat.refunds.size).toBe(1);
  });

  test.for(UNKNOWNS)(
    "completes the refund by its timer, without a repeat, after %s",
    async ([, fault]) => {
      const { order, ...scene } = await openPaidScene();
      scene.wechat.fail(REFUND, fault);
      await requestRefund(scene, order);
      const { number } = await refundOf(order);
      await runNextTimer(order, "poll-refund");
      expect((await refundOf(order)).state).toBe("accepted");
      scene.wechat.refund(number).status = "SUCCESS";
      await runNextTimer(order, "poll-refund");
      await runDueTimers(order);
      expect((await refundOf(order)).state).toBe("succeeded");
      expect(scene.app.callsTo(scene.shop.refundUrl)).toHaveLength(1);
      expect(new Set(sentNumbers(scene))).toEqual(new Set([number]));
      expect(scene.wechat.refunds.size).toBe(1);
    },
  );

  test("retries with the same out_refund_no when WeChat has no such refund", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    await runNextTimer(order, "poll-refund");
    expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
    expect(sentNumbers(scene)).toEqual([number, number]);
    expect((await refundOf(order)).state).toBe("accepted");
  });

  test("shows the refund as requested while the query is unknown too", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN_BUT_DONE);
    await requestRefund(scene, order);
    for (const [, fault] of UNKNOWNS) {
      scene.wechat.fail("/pay/refundquery", fault);
      await runNextTimer(order, "poll-refund");
      expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "0", refund_free: 100 });
    }
    await runNextTimer(order, "poll-refund");
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2" });
    expect(sentNumbers(scene)).toHaveLength(1);
  });

  test("doesn't change the refund when WeChat reports another amount", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order);
    const before = await refundOf(order);
    const held = scene.wechat.refund(before.number);
    scene.wechat.refunds.set(before.number, { ...held, refundFen: 1, status: "SUCCESS" });
    await runNextTimer(order, "poll-refund");
    expect(await refundOf(order)).toEqual(before);
  });
});

describe("I11: requestRefund, refused by WeChat", () => {
  test("answers with WeChat's message and retries under the same out_refund_no", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH", "基本账户余额不足"));
    const answer = await requestRefund(scene, order);
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("NOTENOUGH 基本账户余额不足");
    const { number, state } = await refundOf(order);
    expect(state).toBe("refused");
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "1",
      refund_no: number,
      refund_free: 0,
    });
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 0,
      data: { refund_no: number },
    });
    expect(sentNumbers(scene)).toEqual([number, number]);
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test.for([
    ["TRADE_OVERDUE", 501],
    ["NOAUTH", 503],
    ["REFUND_FEE_MISMATCH", 503],
  ] as const)("answers %s with code %i", async ([code, expected]) => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError(code));
    expect(await requestRefund(scene, order)).toMatchObject({ code: expected });
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "1" });
  });

  test.for(UNKNOWNS)(
    "doesn't show the refund as refused when its repeat ends in %s",
    async ([, fault]) => {
      const { order, ...scene } = await openPaidScene();
      scene.wechat.fail(REFUND, wechatError("NOTENOUGH"), fault);
      await requestRefund(scene, order);
      expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "1" });
      expect(await requestRefund(scene, order)).toMatchObject({ code: 503 });
      expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "0", refund_free: 100 });
      await runNextTimer(order, "poll-refund");
      expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2" });
      expect(new Set(sentNumbers(scene)).size).toBe(1);
    },
  );

  test("doesn't show the refund as refused while its repeat is in flight", async () => {
    const { order, ...scene } = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"), lateAnswer(held.opened));
    await requestRefund(scene, order);
    const repeat = requestRefund(scene, order);
    await until(() => scene.wechat.callsOf(REFUND).length === 2);
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "0" });
    held.release();
    expect((await repeat).code).toBe(0);
  });
});

describe("requestRefund, WeChat names the amount", () => {
  const fault = wechatError("PARAM_ERROR", "invalid refund_fee");

  test("names refundFree when the app has chosen the amount", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, fault);
    const answer = await requestRefund(scene, order, { refundFree: 30, appRefundNo: "R-1" });
    expect(answer).toMatchObject({ code: 501, data: null });
    expect(answer.errmsg).toContain("PARAM_ERROR invalid refund_fee");
    expect(answer.errmsg).toContain("请检查参数 refundFree");
  });

  test("answers 503 for a whole refund, whose amount is the gateway's", async () => {
    const { order, ...scene } = await openPaidScene();
    scene.wechat.fail(REFUND, fault);
    const answer = await requestRefund(scene, order);
    expect(answer).toMatchObject({ code: 503, errmsg: expect.not.stringContaining("refundFree") });
  });
});

describe("I11: requestRefund, closed by WeChat", () => {
  test("calls the app and gives a new request a new out_refund_no", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order, { appRefundNo: "R-1" });
    const closed = await refundOf(order);
    scene.wechat.refund(closed.number).status = "REFUNDCLOSE";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "3", refund_free: 0 });
    expect(scene.app.callsTo(scene.shop.refundUrl)[0]?.parameters.get("ref_state")).toBe("3");

    const named = await requestRefund(scene, order, { appRefundNo: "R-1" });
    expect(named).toMatchObject({ code: 501, errmsg: expect.stringContaining("appRefundNo") });
    advance(60_000);
    const again = await requestRefund(scene, order, { appRefundNo: "R-2" });
    expect(again.code).toBe(0);
    expect(again.data?.["refund_no"]).not.toBe(closed.number);
    expect((await refundsOf(order)).map(({ state }) => state)).toEqual(["closed", "accepted"]);
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });
});

describe("requestRefund, abnormal refund", () => {
  test("reserves the amount and calls the app again when it succeeds", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "3",
      ref_notify_state: "2",
      refund_free: 100,
    });
    const repeat = await requestRefund(scene, order);
    expect(repeat).toMatchObject({ code: 501, errmsg: expect.stringContaining("退款异常") });
    expect(repeat.errmsg).toContain(number);
    expect(sentNumbers(scene)).toEqual([number]);

    scene.wechat.refund(number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "4", ref_notify_state: "0" });
    await runDueTimers(order);
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 2,
    });
    const reported = scene.app
      .callsTo(scene.shop.refundUrl)
      .map(({ parameters }) => [parameters.get("eventId"), parameters.get("ref_state")]);
    expect(reported).toEqual([
      [`refund_${number}_abnormal`, "3"],
      [`refund_${number}_succeeded`, "4"],
    ]);
  });
});

describe("requestRefund, validation and D1 faults", () => {
  test.for([1, 60, 99])(
    "refuses %i of 100 fen without appRefundNo with 501",
    async (refundFree) => {
      const { order, ...scene } = await openPaidScene();
      const answer = await requestRefund(scene, order, { refundFree });
      expect(answer).toMatchObject({ code: 501, data: null });
      expect(answer.errmsg).toMatch(/appRefundNo.*100/);
      expect(await refundsOf(order)).toEqual([]);
      expect(sentNumbers(scene)).toEqual([]);
    },
  );

  test("refuses more than was paid with 501", async () => {
    const { order, ...scene } = await openPaidScene();
    const answer = await requestRefund(scene, order, { refundFree: 101 });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringMatching(/refundFree.*100/) });
    expect(await refundsOf(order)).toEqual([]);
  });

  test("accepts an explicit refundFree over the whole payment", async () => {
    const { order, ...scene } = await openPaidScene();
    expect(await requestRefund(scene, order, { refundFree: 100 })).toMatchObject({ code: 0 });
  });

  test("refuses a repeated appRefundNo with another amount with 501", async () => {
    const { order, ...scene } = await openPaidScene();
    await requestRefund(scene, order, { appRefundNo: "R-1" });
    const answer = await requestRefund(scene, order, { appRefundNo: "R-1", refundFree: 60 });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("refundFree") });
  });

  test("refuses an appRefundNo of another order with 501", async () => {
    const { order, ...scene } = await openPaidScene();
    const other = await makePaidOrder(scene);
    await requestRefund(scene, other, { appRefundNo: "R-1" });
    const answer = await requestRefund(scene, order, { appRefundNo: "R-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("appRefundNo") });
    expect(await refundsOf(order)).toEqual([]);
  });

  test("queries WeChat about an unpaid order, then refuses with 501", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("未支付"),
    });
    expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(1);
    expect(await refundsOf(order)).toEqual([]);
  });

  test("records a payment whose notification was lost, then refunds it", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0 });
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("answers 503 when WeChat's answer about the payment is unknown", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    const answer = await requestRefund(scene, order);
    expect(answer).toMatchObject({ code: 503, errmsg: expect.stringContaining("安全") });
    expect(await refundsOf(order)).toEqual([]);
  });

  test("I7: gives another app's order the same response as an absent one", async () => {
    const { order, ...scene } = await openPaidScene();
    const sibling = await openSibling(scene.shop);
    const path = "/refund/refund-money";
    const others = await postSigned(sibling, path, { platForm: 1, order_id: order.id });
    const absent = await postSigned(sibling, path, { platForm: 1, order_id: 999_999 });
    expect(others.text).toBe(absent.text);
    expect(others.code).toBe(501);
    expect(await refundsOf(order)).toEqual([]);
    expect(sentNumbers(scene)).toEqual([]);
  });

  test("answers 503 without calling WeChat when D1 doesn't store the refund", async () => {
    const { order, ...scene } = await openPaidScene();
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost before" });
    expect(await requestRefund(scene, order)).toMatchObject({ status: 200, code: 503 });
    expect(sentNumbers(scene)).toEqual([]);
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0 });
  });

  test("I2: keeps the out_refund_no for the repeat when D1 lost the insert's result", async () => {
    const { order, ...scene } = await openPaidScene();
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await requestRefund(scene, order)).toMatchObject({ status: 200, code: 503 });
    const { number } = await refundOf(order);
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 0,
      data: { refund_no: number },
    });
    expect(sentNumbers(scene)).toEqual([number]);
  });

  test("records the acceptance by the timer when D1 failed to store it", async () => {
    const { order, ...scene } = await openPaidScene();
    instrumentD1().fail({ sql: /update "refunds" set "state"/, how: "lost before" });
    expect(await requestRefund(scene, order)).toMatchObject({ status: 200, code: 503 });
    expect((await refundOf(order)).state).toBe("requested");
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("accepted");
    expect(sentNumbers(scene)).toHaveLength(1);
  });
});

test("requestRefund doesn't change another order's rows", async () => {
  const { order, ...scene } = await openPaidScene();
  const other = await makePaidOrder(scene);
  const before = await rowOf(other);
  await requestRefund(scene, order);
  expect(await rowOf(other)).toEqual(before);
  expect(
    (await env.DB.prepare("select * from refunds where order_id = ?").bind(other.id).all()).results,
  ).toEqual([]);
});
