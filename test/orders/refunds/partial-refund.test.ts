import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../../../src/db/database.ts";
import { insertRefund } from "../../../src/db/refunds.ts";
import { advance, gate } from "../../support/clock.ts";
import { wechatError, lateAnswer, UNKNOWN, UNKNOWN_BUT_DONE } from "../../support/faults.ts";
import {
  makePaidOrder,
  requestRefund,
  refundsOf,
  runDueTimers,
  runNextTimer,
  timersOf,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { closeScene, openScene, until, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";
const MINUTE_MS = 60_000;

afterEach(closeScene);

type PaidScene = Scene & { readonly order: OrderRef };

/** A paid order over 100 fen whose app has confirmed the payment. */
async function openPaidScene(): Promise<PaidScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** Requests a refund of a part of the payment under the app's own number. */
async function requestPart(scene: PaidScene, appRefundNo: string, refundFree: number) {
  return await requestRefund(scene, scene.order, { appRefundNo, refundFree });
}

/** The out_refund_no of the refund calls to WeChat, in order. */
function sentNumbers({ wechat }: Scene): string[] {
  return wechat.callsOf(REFUND).map((call) => call["out_refund_no"] ?? "");
}

/** The time until the timer of the refund with this app number is due, in ms. */
async function dueIn({ order }: PaidScene, appRefundNo: string): Promise<number | undefined> {
  const rows = await refundsOf(order);
  const number = rows.find((row) => row.appRefundNo === appRefundNo)?.number;
  const timers = await timersOf(order);
  const timer = timers.find(({ kind, refundNo }) => kind === "poll-refund" && refundNo === number);
  return timer && timer.dueAt - Date.now();
}

/** Moves the clock ahead by `ms` and runs the due timers. */
async function advanceAndRun({ order }: PaidScene, ms: number): Promise<void> {
  advance(ms);
  await runDueTimers(order);
}

describe("requestRefund, partial refunds", () => {
  test("stores a row per refund; the order shows the latest refund and the sum", async () => {
    const scene = await openPaidScene();
    const { order } = scene;
    expect(await requestPart(scene, "A", 30)).toMatchObject({ code: 0 });
    await advanceAndRun(scene, MINUTE_MS);
    const second = await requestPart(scene, "B", 25);
    expect(second).toMatchObject({ code: 0 });
    const rows = await refundsOf(order);
    expect(rows).toMatchObject([
      { appRefundNo: "A", refundFen: 30, state: "accepted", source: "app" },
      { appRefundNo: "B", refundFen: 25, state: "accepted", source: "app" },
    ]);
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "2",
      refund_no: rows[1]?.number,
      refund_id: second.data?.["refund_id"],
      refund_free: 55,
    });
    const [call] = scene.wechat.callsOf(REFUND);
    expect(call).toMatchObject({ refund_fee: "30", total_fee: "100" });
  });

  test("reports each refund to the app with its own amount", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    await advanceAndRun(scene, MINUTE_MS);
    await requestPart(scene, "B", 70);
    for (const { number } of await refundsOf(scene.order)) {
      scene.wechat.refund(number).status = "SUCCESS";
    }
    await advanceAndRun(scene, MINUTE_MS);
    const reported = scene.app
      .callsTo(scene.shop.refundUrl)
      .map(
        ({ parameters }) => `${parameters.get("app_refund_no")} ${parameters.get("refund_free")}`,
      );
    expect(reported).toHaveLength(2);
    expect(new Set(reported)).toEqual(new Set(["A 30", "B 70"]));
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "4", refund_free: 100 });
  });

  test("refunds the rest on a request without an amount and refuses any further refund", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    await advanceAndRun(scene, MINUTE_MS);
    const rest = await requestRefund(scene, scene.order);
    expect(rest).toMatchObject({ code: 0 });
    expect(await refundsOf(scene.order)).toMatchObject([{ refundFen: 30 }, { refundFen: 70 }]);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0, data: rest.data });
    expect(await requestPart(scene, "B", 1)).toMatchObject({ code: 501 });
    expect(sentNumbers(scene)).toHaveLength(2);
  });

  test("returns the same refund for a repeated appRefundNo", async () => {
    const scene = await openPaidScene();
    const first = await requestPart(scene, "A", 30);
    expect(await requestPart(scene, "A", 30)).toMatchObject({ code: 0, data: first.data });
    expect(await requestPart(scene, "A", 31)).toMatchObject({ code: 501 });
    expect(sentNumbers(scene)).toHaveLength(1);
  });

  test("sync still queries an open refund when a later one is final", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    await advanceAndRun(scene, MINUTE_MS);
    await requestPart(scene, "B", 30);
    const [first, second] = await refundsOf(scene.order);
    scene.wechat.refund(second?.number ?? "").status = "SUCCESS";
    await viewOrder(scene, scene.order, { sync: 1 });
    scene.wechat.refund(first?.number ?? "").status = "SUCCESS";
    await viewOrder(scene, scene.order, { sync: 1 });
    expect(await refundsOf(scene.order)).toMatchObject([
      { state: "succeeded" },
      { state: "succeeded" },
    ]);
  });
});

describe("I1: the sum of an order's refunds", () => {
  test("never exceeds the payment with 50 concurrent requests", async () => {
    const scene = await openPaidScene();
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const fen = index % 2 === 0 ? 7 : 11;
        return await requestPart(scene, `R-${index}`, fen);
      }),
    );
    for (let minute = 0; minute < 20; minute += 1) await advanceAndRun(scene, MINUTE_MS);
    const rows = await refundsOf(scene.order);
    const sum = rows.reduce((total, { refundFen }) => total + refundFen, 0);
    expect(sum).toBeLessThanOrEqual(100);
    expect(sum).toBeGreaterThan(100 - 7);
    expect(rows.every(({ state }) => state === "accepted")).toBe(true);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([0, 501, 503]));
    const atWechat = [...scene.wechat.refunds.values()].map(({ refundFen }) => refundFen);
    expect(atWechat.reduce((total, fen) => total + fen, 0)).toBe(sum);
    expect(new Set(sentNumbers(scene)).size).toBe(rows.length);
  });

  test("never exceeds the payment when the object is evicted between requests", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN_BUT_DONE, UNKNOWN, UNKNOWN_BUT_DONE);
    for (const [index, fen] of [40, 40, 40, 20].entries()) {
      await requestPart(scene, `R-${index}`, fen);
      await abortAllDurableObjects();
    }
    for (let minute = 0; minute < 10; minute += 1) {
      await advanceAndRun(scene, MINUTE_MS);
      await abortAllDurableObjects();
    }
    expect(await refundsOf(scene.order)).toMatchObject([
      { refundFen: 40, state: "accepted" },
      { refundFen: 40, state: "accepted" },
      { refundFen: 20, state: "accepted" },
    ]);
    expect(new Set(sentNumbers(scene)).size).toBe(3);
  });

  test("insertRefund itself refuses a 51st refund", async () => {
    const { order, shop } = await openPaidScene();
    const db = connect(env.DB);
    const insert = async (index: number, refundFen: number) =>
      await insertRefund(
        db,
        {
          orderId: order.id,
          appId: shop.appId,
          number: `${order.number.slice(0, 28)}${String(index).padStart(4, "0")}`,
          appRefundNo: null,
          refundFen,
          notifyUrl: "https://gateway.test/",
          reason: null,
          fundsAccount: null,
        },
        null,
        Date.now(),
      );
    for (let index = 0; index < 50; index += 1) expect(await insert(index, 1)).not.toBeNull();
    expect(await insert(50, 1)).toBeNull();
  });
});

describe("requestRefund, within a minute of another refund", () => {
  test("stores the refund, answers 503 with the wait and sends it when its slot is due", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    advance(20_000);
    const held = await requestPart(scene, "B", 30);
    expect(held).toMatchObject({ code: 503, data: null });
    expect(held.errmsg).toMatch(/已登记.*40 秒/);
    expect(held.errmsg).toContain("重复本请求");
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "0", refund_free: 60 });
    expect(await dueIn(scene, "B")).toBe(40_000);
    await advanceAndRun(scene, 39_999);
    expect(sentNumbers(scene)).toHaveLength(1);
    await advanceAndRun(scene, 1);
    const [, second] = await refundsOf(scene.order);
    expect(second).toMatchObject({ appRefundNo: "B", state: "accepted" });
    expect(sentNumbers(scene)[1]).toBe(second?.number);
    expect(await requestPart(scene, "B", 30)).toMatchObject({
      code: 0,
      data: { refund_no: second?.number },
    });
  });

  test("keeps the slot of a held refund that is repeated early", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    await requestPart(scene, "B", 30);
    advance(50_000);
    const repeat = await requestPart(scene, "B", 30);
    expect(repeat).toMatchObject({ code: 503, errmsg: expect.stringMatching(/10 秒/) });
    expect(await dueIn(scene, "B")).toBe(10_000);
    expect(sentNumbers(scene)).toHaveLength(1);
  });

  test("gives each held refund a slot one minute after the one before", async () => {
    const scene = await openPaidScene();
    for (const name of ["A", "B", "C", "D"]) await requestPart(scene, name, 10);
    expect(await dueIn(scene, "B")).toBe(MINUTE_MS);
    expect(await dueIn(scene, "C")).toBe(2 * MINUTE_MS);
    expect(await dueIn(scene, "D")).toBe(3 * MINUTE_MS);
    for (let minute = 2; minute <= 4; minute += 1) {
      await advanceAndRun(scene, MINUTE_MS);
      expect(sentNumbers(scene)).toHaveLength(minute);
    }
    const rows = await refundsOf(scene.order);
    expect(sentNumbers(scene)).toEqual(rows.map(({ number }) => number));
  });

  test("measures the minute from the answer to the other refund", async () => {
    const scene = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const first = requestPart(scene, "A", 30);
    await until(() => sentNumbers(scene).length === 1);
    advance(9_000);
    held.release();
    await first;
    await requestPart(scene, "B", 30);
    expect(await dueIn(scene, "B")).toBe(MINUTE_MS);
  });

  test("keeps the minute after the object was evicted", async () => {
    const scene = await openPaidScene();
    await requestPart(scene, "A", 30);
    await abortAllDurableObjects();
    expect(await requestPart(scene, "B", 30)).toMatchObject({ code: 503 });
    expect(sentNumbers(scene)).toHaveLength(1);
  });

  test("keeps the minute from a refund whose call a crash cut off", async () => {
    const scene = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const interrupted = requestPart(scene, "A", 30);
    await until(() => sentNumbers(scene).length === 1);
    await abortAllDurableObjects();
    held.release();
    expect((await interrupted).code).toBe(503);
    expect(await requestPart(scene, "B", 30)).toMatchObject({ code: 503 });
    expect(sentNumbers(scene)).toHaveLength(1);
    await advanceAndRun(scene, MINUTE_MS);
    const rows = await refundsOf(scene.order);
    expect(rows.map(({ state }) => state)).toEqual(["accepted", "accepted"]);
  });

  test("doesn't delay the repeat of the earlier refund", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN);
    await requestPart(scene, "A", 30);
    await requestPart(scene, "B", 30);
    expect(await requestPart(scene, "A", 30)).toMatchObject({ code: 0 });
  });

  test("postpones a held refund when the earlier one was sent again", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN);
    await requestPart(scene, "A", 30);
    await requestPart(scene, "B", 30);
    advance(50_000);
    expect(await requestPart(scene, "A", 30)).toMatchObject({ code: 0 });
    await advanceAndRun(scene, 10_000);
    expect(sentNumbers(scene)).toHaveLength(2);
    expect(await dueIn(scene, "B")).toBe(50_000);
  });

  test("holds the repeat of a refused refund and shows it as requested", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    await requestPart(scene, "A", 30);
    await advanceAndRun(scene, MINUTE_MS);
    await requestPart(scene, "B", 30);
    expect(await requestPart(scene, "A", 30)).toMatchObject({ code: 503, data: null });
    expect((await refundsOf(scene.order))[0]).toMatchObject({ state: "requested" });
    await runNextTimer(scene.order, "poll-refund");
    await advanceAndRun(scene, MINUTE_MS);
    expect(await refundsOf(scene.order)).toMatchObject([
      { state: "accepted" },
      { state: "accepted" },
    ]);
  });
});

describe("requestRefund, WeChat's limits per payment", () => {
  test("refuses the 51st refund and still repeats the 50th", async () => {
    const scene = await openPaidScene();
    for (let index = 0; index < 50; index += 1) {
      expect(await requestPart(scene, `R-${index}`, 1)).toMatchObject({ code: 0 });
      advance(MINUTE_MS);
    }
    expect(await requestPart(scene, "R-50", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("50"),
    });
    expect(await requestPart(scene, "R-49", 1)).toMatchObject({ code: 0 });
  });

  test("refuses a refund more than a year after the payment", async () => {
    const scene = await openPaidScene();
    advance(366 * 24 * 3600_000);
    expect(await requestPart(scene, "R", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("一年"),
    });
    expect(sentNumbers(scene)).toEqual([]);
  });
});
