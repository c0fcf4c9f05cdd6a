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

/** A paid order of 100 fen whose app has heard of the payment. */
async function openPaidScene(): Promise<PaidScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** Asks for a part of the order's money under a number of the app's. */
async function part(scene: PaidScene, appRefundNo: string, refundFree: number) {
  return await requestRefund(scene, scene.order, { appRefundNo, refundFree });
}

/** When and under which number WeChat was asked for refunds. */
function sent({ wechat }: Scene): string[] {
  return wechat.callsOf(REFUND).map((call) => call["out_refund_no"] ?? "");
}

/** When the refund of this app's number is due, from now on, in ms. */
async function dueIn({ order }: PaidScene, appRefundNo: string): Promise<number | undefined> {
  const rows = await refundsOf(order);
  const number = rows.find((row) => row.appRefundNo === appRefundNo)?.number;
  const timers = await timersOf(order);
  const timer = timers.find(({ kind, refundNo }) => kind === "poll-refund" && refundNo === number);
  return timer && timer.dueAt - Date.now();
}

/** Moves the clock on and runs what is due. */
async function pass({ order }: PaidScene, ms: number): Promise<void> {
  advance(ms);
  await runDueTimers(order);
}

describe("parts of a payment", () => {
  test("are refunded one by one, each its own row, and the order shows the latest and the sum", async () => {
    const scene = await openPaidScene();
    const { order } = scene;
    expect(await part(scene, "A", 30)).toMatchObject({ code: 0 });
    await pass(scene, MINUTE_MS);
    const second = await part(scene, "B", 25);
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

  test("are each told to the app with their own amount", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    await pass(scene, MINUTE_MS);
    await part(scene, "B", 70);
    for (const { number } of await refundsOf(scene.order)) {
      scene.wechat.refund(number).status = "SUCCESS";
    }
    await pass(scene, MINUTE_MS);
    const told = scene.app
      .callsTo(scene.shop.refundUrl)
      .map(
        ({ parameters }) => `${parameters.get("app_refund_no")} ${parameters.get("refund_free")}`,
      );
    expect(told).toHaveLength(2);
    expect(new Set(told)).toEqual(new Set(["A 30", "B 70"]));
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "4", refund_free: 100 });
  });

  test("leave the rest to a request without an amount, and nothing after that", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    await pass(scene, MINUTE_MS);
    const rest = await requestRefund(scene, scene.order);
    expect(rest).toMatchObject({ code: 0 });
    expect(await refundsOf(scene.order)).toMatchObject([{ refundFen: 30 }, { refundFen: 70 }]);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0, data: rest.data });
    expect(await part(scene, "B", 1)).toMatchObject({ code: 501 });
    expect(sent(scene)).toHaveLength(2);
  });

  test("that are repeated are the same refund", async () => {
    const scene = await openPaidScene();
    const first = await part(scene, "A", 30);
    expect(await part(scene, "A", 30)).toMatchObject({ code: 0, data: first.data });
    expect(await part(scene, "A", 31)).toMatchObject({ code: 501 });
    expect(sent(scene)).toHaveLength(1);
  });

  test("are shown as open to a sync though the latest is settled", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    await pass(scene, MINUTE_MS);
    await part(scene, "B", 30);
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

describe("the sum of an order's refunds", () => {
  test("can't pass the payment, whoever asks at once", async () => {
    const scene = await openPaidScene();
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const fen = index % 2 === 0 ? 7 : 11;
        return await part(scene, `R-${index}`, fen);
      }),
    );
    for (let minute = 0; minute < 20; minute += 1) await pass(scene, MINUTE_MS);
    const rows = await refundsOf(scene.order);
    const sum = rows.reduce((total, { refundFen }) => total + refundFen, 0);
    expect(sum).toBeLessThanOrEqual(100);
    expect(sum).toBeGreaterThan(100 - 7);
    expect(rows.every(({ state }) => state === "accepted")).toBe(true);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([0, 501, 503]));
    const atWechat = [...scene.wechat.refunds.values()].map(({ refundFen }) => refundFen);
    expect(atWechat.reduce((total, fen) => total + fen, 0)).toBe(sum);
    expect(new Set(sent(scene)).size).toBe(rows.length);
  });

  test("can't pass the payment when the object is thrown out in between", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN_BUT_DONE, UNKNOWN, UNKNOWN_BUT_DONE);
    for (const [index, fen] of [40, 40, 40, 20].entries()) {
      await part(scene, `R-${index}`, fen);
      await abortAllDurableObjects();
    }
    for (let minute = 0; minute < 10; minute += 1) {
      await pass(scene, MINUTE_MS);
      await abortAllDurableObjects();
    }
    expect(await refundsOf(scene.order)).toMatchObject([
      { refundFen: 40, state: "accepted" },
      { refundFen: 40, state: "accepted" },
      { refundFen: 20, state: "accepted" },
    ]);
    expect(new Set(sent(scene)).size).toBe(3);
  });

  test("is guarded by the statement itself, and so is the number of refunds", async () => {
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
        },
        Date.now(),
      );
    for (let index = 0; index < 50; index += 1) expect(await insert(index, 1)).not.toBeNull();
    expect(await insert(50, 1)).toBeNull();
  });
});

describe("a refund within a minute of another", () => {
  test("is stored, said to be held back, and sent when its turn comes", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    advance(20_000);
    const held = await part(scene, "B", 30);
    expect(held).toMatchObject({ code: 503, data: null });
    expect(held.errmsg).toMatch(/已登记.*40 秒/);
    expect(held.errmsg).toContain("重复本请求");
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "0", refund_free: 60 });
    expect(await dueIn(scene, "B")).toBe(40_000);
    await pass(scene, 39_999);
    expect(sent(scene)).toHaveLength(1);
    await pass(scene, 1);
    const [, second] = await refundsOf(scene.order);
    expect(second).toMatchObject({ appRefundNo: "B", state: "accepted" });
    expect(sent(scene)[1]).toBe(second?.number);
    expect(await part(scene, "B", 30)).toMatchObject({
      code: 0,
      data: { refund_no: second?.number },
    });
  });

  test("repeated before its turn stays held, without being put off", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    await part(scene, "B", 30);
    advance(50_000);
    const repeat = await part(scene, "B", 30);
    expect(repeat).toMatchObject({ code: 503, errmsg: expect.stringMatching(/10 秒/) });
    expect(await dueIn(scene, "B")).toBe(10_000);
    expect(sent(scene)).toHaveLength(1);
  });

  test("waits for those before it, a minute each", async () => {
    const scene = await openPaidScene();
    for (const name of ["A", "B", "C", "D"]) await part(scene, name, 10);
    expect(await dueIn(scene, "B")).toBe(MINUTE_MS);
    expect(await dueIn(scene, "C")).toBe(2 * MINUTE_MS);
    expect(await dueIn(scene, "D")).toBe(3 * MINUTE_MS);
    for (let minute = 2; minute <= 4; minute += 1) {
      await pass(scene, MINUTE_MS);
      expect(sent(scene)).toHaveLength(minute);
    }
    const rows = await refundsOf(scene.order);
    expect(sent(scene)).toEqual(rows.map(({ number }) => number));
  });

  test("keeps its distance from when the other one's answer came", async () => {
    const scene = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const first = part(scene, "A", 30);
    await until(() => sent(scene).length === 1);
    advance(9_000);
    held.release();
    await first;
    await part(scene, "B", 30);
    expect(await dueIn(scene, "B")).toBe(MINUTE_MS);
  });

  test("keeps its distance after the object was thrown out", async () => {
    const scene = await openPaidScene();
    await part(scene, "A", 30);
    await abortAllDurableObjects();
    expect(await part(scene, "B", 30)).toMatchObject({ code: 503 });
    expect(sent(scene)).toHaveLength(1);
  });

  test("keeps its distance from one that a crash cut short", async () => {
    const scene = await openPaidScene();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const cut = part(scene, "A", 30);
    await until(() => sent(scene).length === 1);
    await abortAllDurableObjects();
    held.release();
    expect((await cut).code).toBe(503);
    expect(await part(scene, "B", 30)).toMatchObject({ code: 503 });
    expect(sent(scene)).toHaveLength(1);
    await pass(scene, MINUTE_MS);
    const rows = await refundsOf(scene.order);
    expect(rows.map(({ state }) => state)).toEqual(["accepted", "accepted"]);
  });

  test("doesn't keep the other one from being repeated", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN);
    await part(scene, "A", 30);
    await part(scene, "B", 30);
    expect(await part(scene, "A", 30)).toMatchObject({ code: 0 });
  });

  test("is put off when the other one had to be sent once more", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN);
    await part(scene, "A", 30);
    await part(scene, "B", 30);
    advance(50_000);
    expect(await part(scene, "A", 30)).toMatchObject({ code: 0 });
    await pass(scene, 10_000);
    expect(sent(scene)).toHaveLength(2);
    expect(await dueIn(scene, "B")).toBe(50_000);
  });

  test("that was refused before is held too, and shown as neither", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    await part(scene, "A", 30);
    await pass(scene, MINUTE_MS);
    await part(scene, "B", 30);
    expect(await part(scene, "A", 30)).toMatchObject({ code: 503, data: null });
    expect((await refundsOf(scene.order))[0]).toMatchObject({ state: "requested" });
    await runNextTimer(scene.order, "poll-refund");
    await pass(scene, MINUTE_MS);
    expect(await refundsOf(scene.order)).toMatchObject([
      { state: "accepted" },
      { state: "accepted" },
    ]);
  });
});

describe("a payment's last refunds", () => {
  test("end with the fiftieth", async () => {
    const scene = await openPaidScene();
    for (let index = 0; index < 50; index += 1) {
      expect(await part(scene, `R-${index}`, 1)).toMatchObject({ code: 0 });
      advance(MINUTE_MS);
    }
    expect(await part(scene, "R-50", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("50"),
    });
    expect(await part(scene, "R-49", 1)).toMatchObject({ code: 0 });
  });

  test("end a year after it", async () => {
    const scene = await openPaidScene();
    advance(366 * 24 * 3600_000);
    expect(await part(scene, "R", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("一年"),
    });
    expect(sent(scene)).toEqual([]);
  });
});
