import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { insertPlatformRefund } from "../../../src/db/refunds.ts";
import { connect } from "../../../src/db/database.ts";
import { listIncidents } from "../../../src/db/incidents.ts";
import { advance, START } from "../../support/clock.ts";
import { UNKNOWN, wechatError } from "../../support/faults.ts";
import type { Answer } from "../../support/gateway.ts";
import { changeApp } from "../../support/operator.ts";
import {
  makePaidOrder,
  refundsOf,
  requestRefund,
  rowOf,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../../support/scenario.ts";
import { openSibling } from "../../support/shop.ts";
import { closeScene, openScene, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";
/** Tests start at 08:00 in Beijing. */
const TO_MIDNIGHT_MS = 16 * 3600_000;

const db = connect(env.DB);

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});
afterEach(closeScene);

async function limitTo(maxRefundFenPerDay: number | null): Promise<void> {
  await changeApp(scene.shop, { maxRefundFenPerDay });
}

/** Asks for a refund of the paid order, or of a new one of 100 fen. */
async function refund(refundFree: number, order?: OrderRef): Promise<Answer> {
  const paid = order ?? (await makePaidOrder(scene));
  return await requestRefund(scene, paid, {
    refundFree,
    appRefundNo: `R-${refundFree}-${paid.id}`,
  });
}

/** The incidents about this scene's limit, newest first. */
async function incidents() {
  const found = await listIncidents(
    db,
    { state: "open", kind: "refund_day_limit", merchantId: scene.shop.merchantId },
    Number.MAX_SAFE_INTEGER,
    9,
  );
  return found.map(({ seen, subject, facts, orderNumber }) => ({
    seen,
    subject,
    facts,
    orderNumber,
  }));
}

const overLimit = {
  status: 200,
  code: 501,
  errmsg: expect.stringContaining("maxRefundFenPerDay"),
  data: null,
};

describe("maxRefundFenPerDay", () => {
  test("may be reached exactly, over several orders, but not exceeded", async () => {
    await limitTo(100);
    expect((await refund(60)).code).toBe(0);
    expect(await refund(41)).toMatchObject({
      ...overLimit,
      errmsg:
        "提交上来的参数错误：超过该应用的每日退款上限 maxRefundFenPerDay：北京时间今日已退 60 分，本笔 41 分，上限 100 分。本笔未退款；请联系网关运维，或次日重复本请求",
    });
    expect((await refund(40)).code).toBe(0);
    expect(await refund(1)).toMatchObject(overLimit);
    expect(scene.wechat.callsOf(REFUND).map((call) => call["refund_fee"])).toEqual(["60", "40"]);
  });

  test("leaves no row and no timer of a refund beyond it", async () => {
    await limitTo(50);
    const order = await makePaidOrder(scene);
    expect(await requestRefund(scene, order)).toMatchObject(overLimit);
    expect(await refundsOf(order)).toEqual([]);
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    await limitTo(100);
    expect((await requestRefund(scene, order)).code).toBe(0);
  });

  test("opens one incident per app and day, and counts further refunds on it", async () => {
    await limitTo(50);
    const orders = [await makePaidOrder(scene), await makePaidOrder(scene)] as const;
    for (const order of orders) expect(await requestRefund(scene, order)).toMatchObject(overLimit);
    const { appId } = scene.shop;
    expect(await incidents()).toEqual([
      {
        seen: 2,
        subject: `app:${appId}:2040-01-01`,
        orderNumber: orders[0].number,
        facts: {
          appId,
          day: "2040-01-01",
          order: orders[1].number,
          refundFen: 100,
          refundedFen: 0,
          maxRefundFenPerDay: 50,
        },
      },
    ]);
    advance(TO_MIDNIGHT_MS);
    expect(await requestRefund(scene, orders[0])).toMatchObject(overLimit);
    expect((await incidents()).map(({ subject }) => subject)).toEqual([
      `app:${appId}:2040-01-02`,
      `app:${appId}:2040-01-01`,
    ]);
  });

  test("begins again at midnight in Beijing", async () => {
    await limitTo(100);
    const orders = [await makePaidOrder(scene), await makePaidOrder(scene)] as const;
    advance(TO_MIDNIGHT_MS - 1);
    expect((await refund(100, orders[0])).code).toBe(0);
    expect(await refund(1, orders[1])).toMatchObject(overLimit);
    advance(1);
    expect(new Date(Date.now()).toISOString()).toBe("2040-01-01T16:00:00.000Z");
    expect((await refund(100, orders[1])).code).toBe(0);
    expect(Date.now()).toBe(START + TO_MIDNIGHT_MS);
  });

  test("counts the day's refunds from before it was set", async () => {
    expect((await refund(60)).code).toBe(0);
    await limitTo(100);
    expect(await refund(41)).toMatchObject(overLimit);
  });

  test("answers a repeat of an accepted refund with code 0", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    const first = await refund(100, order);
    expect(first.code).toBe(0);
    await limitTo(1);
    expect(await refund(100, order)).toMatchObject({ code: 0, data: first.data });
    expect(await incidents()).toEqual([]);
  });

  test("counts a refund without WeChat's answer, and lets its repeat through", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    scene.wechat.fail(REFUND, UNKNOWN);
    expect((await refund(100, order)).code).toBe(503);
    expect(await refund(1)).toMatchObject(overLimit);
    expect((await refund(100, order)).code).toBe(0);
  });

  test("doesn't count closed refunds", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    expect((await refund(100, order)).code).toBe(0);
    const [{ number } = { number: "" }] = await refundsOf(order);
    scene.wechat.refund(number).status = "REFUNDCLOSE";
    await runNextTimer(order, "poll-refund");
    expect((await refundsOf(order)).map(({ state }) => state)).toEqual(["closed"]);
    expect((await refund(100)).code).toBe(0);
  });

  test("doesn't count refused refunds, and counts one that is sent again", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    expect((await refund(60, order)).code).not.toBe(0);
    expect((await refund(60)).code).toBe(0);
    // It would be 120.
    advance(60_000);
    expect(await refund(60, order)).toMatchObject(overLimit);
    expect((await refundsOf(order)).map(({ state }) => state)).toEqual(["refused"]);
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    expect(scene.wechat.callsOf(REFUND)).toHaveLength(2);
    await limitTo(120);
    expect((await refund(60, order)).code).toBe(0);
    expect(await refund(1)).toMatchObject(overLimit);
  });

  test("counts a refund that is sent again for the day of that", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    expect((await refund(100, order)).code).not.toBe(0);
    advance(TO_MIDNIGHT_MS);
    expect((await refund(100, order)).code).toBe(0);
    expect(await refund(1)).toMatchObject(overLimit);
  });

  test("doesn't count refunds that were made in the merchant platform", async () => {
    await limitTo(100);
    const order = await makePaidOrder(scene);
    const platform = { number: "P-1", refundFen: 50, refundId: "5000", notifyUrl: "" };
    await insertPlatformRefund(db, await rowOf(order), platform, Date.now());
    expect((await refund(50, order)).code).toBe(0);
    expect((await refund(50)).code).toBe(0);
  });

  test("is each app's own", async () => {
    await limitTo(100);
    expect((await refund(100)).code).toBe(0);
    const sibling = { ...scene, shop: await openSibling(scene.shop) };
    await changeApp(sibling.shop, { maxRefundFenPerDay: 100 });
    const order = await makePaidOrder(sibling);
    expect((await requestRefund(sibling, order)).code).toBe(0);
  });

  test("holds when refunds of different orders run in parallel", async () => {
    await limitTo(250);
    const orders: OrderRef[] = [];
    for (let at = 0; at < 8; at += 1) orders.push(await makePaidOrder(scene));
    const answers = await Promise.all(orders.map(async (order) => await refund(50, order)));
    expect(answers.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([
      0, 0, 0, 0, 0, 501, 501, 501,
    ]);
    expect(scene.wechat.refunds.size).toBe(5);
    expect(await incidents()).toMatchObject([{ seen: 3 }]);
  });

  test("holds when refused refunds of different orders are sent again in parallel", async () => {
    const orders: OrderRef[] = [];
    for (let at = 0; at < 6; at += 1) orders.push(await makePaidOrder(scene));
    scene.wechat.fail(REFUND, ...orders.map(() => wechatError("NOTENOUGH")));
    for (const order of orders) expect((await refund(50, order)).code).not.toBe(0);
    await limitTo(150);
    advance(60_000);
    const answers = await Promise.all(orders.map(async (order) => await refund(50, order)));
    expect(answers.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([
      0, 0, 0, 501, 501, 501,
    ]);
    expect(scene.wechat.refunds.size).toBe(3);
  });
});
