import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../../../src/db/database.ts";
import { insertRefund } from "../../../src/db/refunds.ts";
import { advance, gate } from "../../support/clock.ts";
import { error, late, UNKNOWN, UNKNOWN_BUT_DONE } from "../../support/faults.ts";
import {
  makePaidOrder,
  refund,
  refundsOf,
  runDue,
  runNext,
  timersOf,
  view,
  type Made,
} from "../../support/life.ts";
import { closeWorld, openWorld, until, type World } from "../../support/world.ts";

const REFUND = "/secapi/pay/refund";
const MINUTE_MS = 60_000;

afterEach(closeWorld);

type PaidWorld = World & { readonly made: Made };

/** A paid order of 100 fen whose app has heard of the payment. */
async function paidWorld(): Promise<PaidWorld> {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await runDue(made);
  return { ...world, made };
}

/** Asks for a part of the order's money under a number of the app's. */
async function part(world: PaidWorld, appRefundNo: string, refundFree: number) {
  return await refund(world, world.made, { appRefundNo, refundFree });
}

/** When and under which number WeChat was asked for refunds. */
function sent({ wechat }: World): string[] {
  return wechat.callsOf(REFUND).map((call) => call["out_refund_no"] ?? "");
}

/** When the refund of this app's number is due, from now on, in ms. */
async function dueIn({ made }: PaidWorld, appRefundNo: string): Promise<number | undefined> {
  const rows = await refundsOf(made);
  const number = rows.find((row) => row.appRefundNo === appRefundNo)?.number;
  const timers = await timersOf(made);
  const timer = timers.find(({ kind, refundNo }) => kind === "poll-refund" && refundNo === number);
  return timer && timer.dueAt - Date.now();
}

/** Moves the clock on and runs what is due. */
async function pass({ made }: PaidWorld, ms: number): Promise<void> {
  advance(ms);
  await runDue(made);
}

describe("parts of a payment", () => {
  test("are refunded one by one, each its own row, and the order shows the latest and the sum", async () => {
    const world = await paidWorld();
    const { made } = world;
    expect(await part(world, "A", 30)).toMatchObject({ code: 0 });
    await pass(world, MINUTE_MS);
    const second = await part(world, "B", 25);
    expect(second).toMatchObject({ code: 0 });
    const rows = await refundsOf(made);
    expect(rows).toMatchObject([
      { appRefundNo: "A", refundFen: 30, state: "accepted", source: "app" },
      { appRefundNo: "B", refundFen: 25, state: "accepted", source: "app" },
    ]);
    expect(await view(world, made)).toMatchObject({
      ref_state: "2",
      refund_no: rows[1]?.number,
      refund_id: second.data?.["refund_id"],
      refund_free: 55,
    });
    const [call] = world.wechat.callsOf(REFUND);
    expect(call).toMatchObject({ refund_fee: "30", total_fee: "100" });
  });

  test("are each told to the app with their own amount", async () => {
    const world = await paidWorld();
    await part(world, "A", 30);
    await pass(world, MINUTE_MS);
    await part(world, "B", 70);
    for (const { number } of await refundsOf(world.made)) {
      world.wechat.refund(number).status = "SUCCESS";
    }
    await pass(world, MINUTE_MS);
    const told = world.app
      .callsTo(world.shop.refundUrl)
      .map(
        ({ parameters }) => `${parameters.get("app_refund_no")} ${parameters.get("refund_free")}`,
      );
    expect(told).toHaveLength(2);
    expect(new Set(told)).toEqual(new Set(["A 30", "B 70"]));
    expect(await view(world, world.made)).toMatchObject({ ref_state: "4", refund_free: 100 });
  });

  test("leave the rest to a request without an amount, and nothing after that", async () => {
    const world = await paidWorld();
    await part(world, "A", 30);
    await pass(world, MINUTE_MS);
    const rest = await refund(world, world.made);
    expect(rest).toMatchObject({ code: 0 });
    expect(await refundsOf(world.made)).toMatchObject([{ refundFen: 30 }, { refundFen: 70 }]);
    expect(await refund(world, world.made)).toMatchObject({ code: 0, data: rest.data });
    expect(await part(world, "B", 1)).toMatchObject({ code: 501 });
    expect(sent(world)).toHaveLength(2);
  });

  test("that are repeated are the same refund", async () => {
    const world = await paidWorld();
    const first = await part(world, "A", 30);
    expect(await part(world, "A", 30)).toMatchObject({ code: 0, data: first.data });
    expect(await part(world, "A", 31)).toMatchObject({ code: 501 });
    expect(sent(world)).toHaveLength(1);
  });

  test("are shown as open to a sync though the latest is settled", async () => {
    const world = await paidWorld();
    await part(world, "A", 30);
    await pass(world, MINUTE_MS);
    await part(world, "B", 30);
    const [first, second] = await refundsOf(world.made);
    world.wechat.refund(second?.number ?? "").status = "SUCCESS";
    await view(world, world.made, { sync: 1 });
    world.wechat.refund(first?.number ?? "").status = "SUCCESS";
    await view(world, world.made, { sync: 1 });
    expect(await refundsOf(world.made)).toMatchObject([
      { state: "succeeded" },
      { state: "succeeded" },
    ]);
  });
});

describe("the sum of an order's refunds", () => {
  test("can't pass the payment, whoever asks at once", async () => {
    const world = await paidWorld();
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const fen = index % 2 === 0 ? 7 : 11;
        return await part(world, `R-${index}`, fen);
      }),
    );
    for (let minute = 0; minute < 20; minute += 1) await pass(world, MINUTE_MS);
    const rows = await refundsOf(world.made);
    const sum = rows.reduce((total, { refundFen }) => total + refundFen, 0);
    expect(sum).toBeLessThanOrEqual(100);
    expect(sum).toBeGreaterThan(100 - 7);
    expect(rows.every(({ state }) => state === "accepted")).toBe(true);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([0, 501, 503]));
    const atWechat = [...world.wechat.refunds.values()].map(({ refundFen }) => refundFen);
    expect(atWechat.reduce((total, fen) => total + fen, 0)).toBe(sum);
    expect(new Set(sent(world)).size).toBe(rows.length);
  });

  test("can't pass the payment when the object is thrown out in between", async () => {
    const world = await paidWorld();
    world.wechat.fail(REFUND, UNKNOWN_BUT_DONE, UNKNOWN, UNKNOWN_BUT_DONE);
    for (const [index, fen] of [40, 40, 40, 20].entries()) {
      await part(world, `R-${index}`, fen);
      await abortAllDurableObjects();
    }
    for (let minute = 0; minute < 10; minute += 1) {
      await pass(world, MINUTE_MS);
      await abortAllDurableObjects();
    }
    expect(await refundsOf(world.made)).toMatchObject([
      { refundFen: 40, state: "accepted" },
      { refundFen: 40, state: "accepted" },
      { refundFen: 20, state: "accepted" },
    ]);
    expect(new Set(sent(world)).size).toBe(3);
  });

  test("is guarded by the statement itself, and so is the number of refunds", async () => {
    const { made, shop } = await paidWorld();
    const db = connect(env.DB);
    const insert = async (index: number, refundFen: number) =>
      await insertRefund(
        db,
        {
          orderId: made.id,
          appId: shop.appId,
          number: `${made.number.slice(0, 28)}${String(index).padStart(4, "0")}`,
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
    const world = await paidWorld();
    await part(world, "A", 30);
    advance(20_000);
    const held = await part(world, "B", 30);
    expect(held).toMatchObject({ code: 503, data: null });
    expect(held.errmsg).toMatch(/已登记.*40 秒/);
    expect(held.errmsg).toContain("重复本请求");
    expect(await view(world, world.made)).toMatchObject({ ref_state: "0", refund_free: 60 });
    expect(await dueIn(world, "B")).toBe(40_000);
    await pass(world, 39_999);
    expect(sent(world)).toHaveLength(1);
    await pass(world, 1);
    const [, second] = await refundsOf(world.made);
    expect(second).toMatchObject({ appRefundNo: "B", state: "accepted" });
    expect(sent(world)[1]).toBe(second?.number);
    expect(await part(world, "B", 30)).toMatchObject({
      code: 0,
      data: { refund_no: second?.number },
    });
  });

  test("repeated before its turn stays held, without being put off", async () => {
    const world = await paidWorld();
    await part(world, "A", 30);
    await part(world, "B", 30);
    advance(50_000);
    const repeat = await part(world, "B", 30);
    expect(repeat).toMatchObject({ code: 503, errmsg: expect.stringMatching(/10 秒/) });
    expect(await dueIn(world, "B")).toBe(10_000);
    expect(sent(world)).toHaveLength(1);
  });

  test("waits for those before it, a minute each", async () => {
    const world = await paidWorld();
    for (const name of ["A", "B", "C", "D"]) await part(world, name, 10);
    expect(await dueIn(world, "B")).toBe(MINUTE_MS);
    expect(await dueIn(world, "C")).toBe(2 * MINUTE_MS);
    expect(await dueIn(world, "D")).toBe(3 * MINUTE_MS);
    for (let minute = 2; minute <= 4; minute += 1) {
      await pass(world, MINUTE_MS);
      expect(sent(world)).toHaveLength(minute);
    }
    const rows = await refundsOf(world.made);
    expect(sent(world)).toEqual(rows.map(({ number }) => number));
  });

  test("keeps its distance from when the other one's answer came", async () => {
    const world = await paidWorld();
    const held = gate();
    world.wechat.fail(REFUND, late(held.passed));
    const first = part(world, "A", 30);
    await until(() => sent(world).length === 1);
    advance(9_000);
    held.release();
    await first;
    await part(world, "B", 30);
    expect(await dueIn(world, "B")).toBe(MINUTE_MS);
  });

  test("keeps its distance after the object was thrown out", async () => {
    const world = await paidWorld();
    await part(world, "A", 30);
    await abortAllDurableObjects();
    expect(await part(world, "B", 30)).toMatchObject({ code: 503 });
    expect(sent(world)).toHaveLength(1);
  });

  test("keeps its distance from one that a crash cut short", async () => {
    const world = await paidWorld();
    const held = gate();
    world.wechat.fail(REFUND, late(held.passed));
    const cut = part(world, "A", 30);
    await until(() => sent(world).length === 1);
    await abortAllDurableObjects();
    held.release();
    expect((await cut).code).toBe(503);
    expect(await part(world, "B", 30)).toMatchObject({ code: 503 });
    expect(sent(world)).toHaveLength(1);
    await pass(world, MINUTE_MS);
    const rows = await refundsOf(world.made);
    expect(rows.map(({ state }) => state)).toEqual(["accepted", "accepted"]);
  });

  test("doesn't keep the other one from being repeated", async () => {
    const world = await paidWorld();
    world.wechat.fail(REFUND, UNKNOWN);
    await part(world, "A", 30);
    await part(world, "B", 30);
    expect(await part(world, "A", 30)).toMatchObject({ code: 0 });
  });

  test("is put off when the other one had to be sent once more", async () => {
    const world = await paidWorld();
    world.wechat.fail(REFUND, UNKNOWN);
    await part(world, "A", 30);
    await part(world, "B", 30);
    advance(50_000);
    expect(await part(world, "A", 30)).toMatchObject({ code: 0 });
    await pass(world, 10_000);
    expect(sent(world)).toHaveLength(2);
    expect(await dueIn(world, "B")).toBe(50_000);
  });

  test("that was refused before is held too, and shown as neither", async () => {
    const world = await paidWorld();
    world.wechat.fail(REFUND, error("NOTENOUGH"));
    await part(world, "A", 30);
    await pass(world, MINUTE_MS);
    await part(world, "B", 30);
    expect(await part(world, "A", 30)).toMatchObject({ code: 503, data: null });
    expect((await refundsOf(world.made))[0]).toMatchObject({ state: "requested" });
    await runNext(world.made, "poll-refund");
    await pass(world, MINUTE_MS);
    expect(await refundsOf(world.made)).toMatchObject([
      { state: "accepted" },
      { state: "accepted" },
    ]);
  });
});

describe("a payment's last refunds", () => {
  test("end with the fiftieth", async () => {
    const world = await paidWorld();
    for (let index = 0; index < 50; index += 1) {
      expect(await part(world, `R-${index}`, 1)).toMatchObject({ code: 0 });
      advance(MINUTE_MS);
    }
    expect(await part(world, "R-50", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("50"),
    });
    expect(await part(world, "R-49", 1)).toMatchObject({ code: 0 });
  });

  test("end a year after it", async () => {
    const world = await paidWorld();
    advance(366 * 24 * 3600_000);
    expect(await part(world, "R", 1)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("一年"),
    });
    expect(sent(world)).toEqual([]);
  });
});
