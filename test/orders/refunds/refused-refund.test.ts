import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../../../src/db/database.ts";
import { insertRefund } from "../../../src/db/refunds.ts";
import { advance, gate } from "../../support/clock.ts";
import { instrumentD1 } from "../../support/d1.ts";
import { lateAnswer, UNKNOWN, UNKNOWN_BUT_DONE, wechatError } from "../../support/faults.ts";
import { notifyRefund } from "../../support/notifications.ts";
import {
  makePaidOrder,
  objectOf,
  refundInPlatform,
  refundOf,
  refundsOf,
  requestRefund,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { PROTOCOL } from "../../support/shop.ts";
import { closeScene, openScene, until, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";
const QUERY = "/pay/refundquery";
const MINUTE_MS = 60_000;
const IS_V3 = PROTOCOL === "v3";

afterEach(closeScene);

type PaidScene = Scene & { readonly order: OrderRef };

/** A paid order over 100 fen whose app has confirmed the payment. */
async function openPaidScene(): Promise<PaidScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** The amounts of the refund calls to WeChat by out_refund_no, in order. */
function sent({ wechat }: Scene): string[] {
  return wechat.callsOf(REFUND).map((call) => `${call["out_refund_no"]} ${call["refund_fee"]}`);
}

/** WeChat notifies the gateway of a refund that was made in the merchant platform. */
async function notifyPlatformRefund(scene: PaidScene, refundNo: string, refundFen: number) {
  return await notifyRefund(scene.shop, {
    out_trade_no: scene.order.number,
    out_refund_no: refundNo,
    refund_fee: String(refundFen),
    refund_status: "SUCCESS",
    refund_request_source: "VENDOR_PLATFORM",
  });
}

/** 30 of 100 fen are refunded in the platform, then the app asks for everything and is refused. */
async function refusedInFull(values = {}): Promise<PaidScene & { readonly refundNo: string }> {
  const scene = await openPaidScene();
  const refundNo = refundInPlatform(scene, scene.order, 30);
  advance(MINUTE_MS);
  const refused = await requestRefund(scene, scene.order, values);
  expect(refused).toMatchObject({ code: 501, errmsg: expect.stringContaining("INVALID_REQUEST") });
  if (IS_V3) {
    // APIv3 can't list an order's refunds: the amount is free, the import comes by notification.
    expect(refused.errmsg).toContain("剩余可退金额为 100 分");
    expect(await viewOrder(scene, scene.order)).toMatchObject({ refund_free: 0 });
    expect(await notifyPlatformRefund(scene, refundNo, 30)).toBe(true);
  } else expect(refused.errmsg).toContain("剩余可退金额为 70 分");
  expect(await viewOrder(scene, scene.order)).toMatchObject({ refund_free: 30 });
  return { ...scene, refundNo };
}

describe("requestRefund, refused because of a refund made elsewhere", () => {
  test("lets a repeat of the whole refund take what is left, under a new number", async () => {
    const scene = await refusedInFull();
    const answer = await requestRefund(scene, scene.order);
    const rows = await refundsOf(scene.order);
    expect(rows).toHaveLength(3);
    const refused = rows.find(({ state }) => state === "refused");
    const second = rows.find(({ refundFen }) => refundFen === 70);
    expect(refused).toMatchObject({ refundFen: 100, released: "taken" });
    expect(answer).toMatchObject({ code: 0, data: { refund_no: second?.number } });
    expect(sent(scene)).toEqual([`${refused?.number} 100`, `${second?.number} 70`]);
    expect(await viewOrder(scene, scene.order)).toMatchObject({ refund_free: 100 });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ data: answer.data });
  });

  test.skipIf(IS_V3)("imports the refund made elsewhere at once", async () => {
    const { refundNo, ...scene } = await refusedInFull();
    const imported = (await refundsOf(scene.order)).find(({ source }) => source === "platform");
    expect(imported).toMatchObject({ number: refundNo, refundFen: 30, state: "succeeded" });
    await runDueTimers(scene.order);
    const [call] = scene.app.callsTo(scene.shop.refundUrl);
    expect(call?.parameters.get("refund_no")).toBe(refundNo);
  });

  test.skipIf(IS_V3)("imports all pages of the list", async () => {
    const scene = await openPaidScene();
    const numbers = Array.from({ length: 25 }, () => refundInPlatform(scene, scene.order, 2));
    advance(MINUTE_MS);
    const refused = await requestRefund(scene, scene.order);
    expect(refused.errmsg).toContain("剩余可退金额为 50 分");
    const rows = await refundsOf(scene.order);
    expect(rows.filter(({ source }) => source === "platform").map(({ number }) => number)).toEqual(
      numbers,
    );
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
  });

  test.skipIf(IS_V3)("imports nothing while the list gives no usable answer", async () => {
    const scene = await openPaidScene();
    refundInPlatform(scene, scene.order, 30);
    advance(MINUTE_MS);
    scene.wechat.fail(QUERY, { acts: true, how: "honest" }, UNKNOWN);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 501 });
    expect(await viewOrder(scene, scene.order)).toMatchObject({ refund_free: 0 });
    // The next refusal asks for the list again.
    expect((await requestRefund(scene, scene.order)).errmsg).toContain("70 分");
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
  });

  test("tells the app that the old appRefundNo can't be used, and sends nothing", async () => {
    const scene = await refusedInFull({ appRefundNo: "A" });
    const before = sent(scene).length;
    const repeat = await requestRefund(scene, scene.order, { appRefundNo: "A" });
    expect(repeat).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("新的 appRefundNo"),
    });
    expect(repeat.errmsg).toContain("剩余可退 70 分");
    const other = await requestRefund(scene, scene.order, { appRefundNo: "B" });
    expect(other).toMatchObject({ code: 0 });
    const again = await requestRefund(scene, scene.order, { appRefundNo: "A" });
    expect(again).toMatchObject({ code: 501, errmsg: expect.stringContaining("剩余可退 0 分") });
    expect(sent(scene)).toHaveLength(before + 1);
  });

  test("takes exactly what is left under another number with an amount", async () => {
    const scene = await refusedInFull({ appRefundNo: "A" });
    const tooMuch = await requestRefund(scene, scene.order, { appRefundNo: "B", refundFree: 71 });
    expect(tooMuch).toMatchObject({ code: 501, errmsg: expect.stringContaining("70 分") });
    const rest = await requestRefund(scene, scene.order, { appRefundNo: "B", refundFree: 70 });
    expect(rest).toMatchObject({ code: 0 });
  });

  test("needs no minute's distance to a refund that WeChat doesn't have", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("USER_ACCOUNT_ABNORMAL"));
    await requestRefund(scene, scene.order, { appRefundNo: "A" });
    const other = await requestRefund(scene, scene.order, { appRefundNo: "B" });
    expect(other).toMatchObject({ code: 0 });
  });
});

/** WeChat refuses a refund of 70 fen under the number A, and doesn't answer the query about it. */
async function openHeldScene(): Promise<PaidScene> {
  const scene = await openPaidScene();
  scene.wechat.fail(REFUND, wechatError("NOTENOUGH", "基本账户余额不足"));
  scene.wechat.fail(QUERY, UNKNOWN);
  const refused = await requestRefund(scene, scene.order, { appRefundNo: "A", refundFree: 70 });
  expect(refused).toMatchObject({ code: 503, errmsg: expect.stringContaining("NOTENOUGH") });
  return scene;
}

describe("requestRefund, refused while the query gives no answer", () => {
  test("holds the amount, and says so, until the query answers", async () => {
    const scene = await openHeldScene();
    const { order } = scene;
    expect(await viewOrder(scene, order)).toMatchObject({ ref_state: "1", refund_free: 70 });
    scene.wechat.fail(QUERY, UNKNOWN);
    const { number } = await refundOf(order);
    const other = await requestRefund(scene, order, { appRefundNo: "B", refundFree: 100 });
    expect(other).toMatchObject({ code: 503, errmsg: expect.stringContaining(number) });
    expect(other.errmsg).toContain("重复本请求是安全的");
    expect(await refundsOf(order)).toHaveLength(1);
    const answered = await requestRefund(scene, order, { appRefundNo: "B", refundFree: 100 });
    expect(answered.code).toBe(0);
    expect(await refundsOf(order)).toMatchObject([
      { refundFen: 70, released: "taken" },
      { refundFen: 100, state: "accepted" },
    ]);
    expect(await viewOrder(scene, order)).toMatchObject({ refund_free: 100 });
  });

  test("queries by timer, and never sends the refund again by itself", async () => {
    const scene = await openHeldScene();
    scene.wechat.fail(QUERY, UNKNOWN);
    await runNextTimer(scene.order, "poll-refund");
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "1", refund_free: 70 });
    await runNextTimer(scene.order, "poll-refund");
    expect(await refundOf(scene.order)).toMatchObject({ state: "refused", released: "free" });
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "1", refund_free: 0 });
    expect(await timerOf(scene.order, "poll-refund")).toBeUndefined();
    expect(sent(scene)).toHaveLength(1);
  });

  test("is queried by sync", async () => {
    const scene = await openHeldScene();
    expect(await viewOrder(scene, scene.order, { sync: 1 })).toMatchObject({ refund_free: 0 });
  });

  test("gets its poll back when the object lost it", async () => {
    const scene = await openHeldScene();
    await runInDurableObject(objectOf(scene.order), async (_object, { storage }) => {
      await storage.deleteAll();
    });
    await objectOf(scene.order).ensureTimers(0);
    await runDueTimers(scene.order);
    expect(await refundOf(scene.order)).toMatchObject({ released: "free" });
  });

  test("records the refund when WeChat has it after all", async () => {
    const scene = await openPaidScene();
    // The first request arrives, although its answer is lost; the repeat is refused.
    scene.wechat.fail(REFUND, UNKNOWN_BUT_DONE, wechatError("ERROR", "订单已全额退款"));
    await requestRefund(scene, scene.order);
    const answer = await requestRefund(scene, scene.order);
    const { number } = await refundOf(scene.order);
    expect(answer).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(new Set(sent(scene))).toEqual(new Set([`${number} 100`]));
  });

  test("keeps a repeated refund unknown when its query is unusable", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, UNKNOWN_BUT_DONE, wechatError("ERROR", "订单已全额退款"));
    await requestRefund(scene, scene.order);
    scene.wechat.fail(QUERY, UNKNOWN);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "0", refund_free: 100 });
  });
});

describe("I1, I2: a refused refund and its taker, crashes and races", () => {
  test("a notification about a released refund makes the gateway query it", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    await requestRefund(scene, scene.order);
    const { number } = await refundOf(scene.order);
    // A call that was lost on the way arrives late.
    scene.wechat.refunds.set(number, {
      orderNumber: scene.order.number,
      refundId: "50000000000000000000000000001",
      refundFen: 100,
      createdAt: Date.now(),
      status: "SUCCESS",
    });
    expect(await notifyPlatformRefund(scene, number, 100)).toBe(true);
    expect(await refundOf(scene.order)).toMatchObject({ state: "succeeded", released: null });
  });

  test("a crash after the taker is stored leads to the taker, never to the refused one", async () => {
    const scene = await refusedInFull();
    instrumentD1().fail({ sql: /insert into "refunds"/, how: "lost after" });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    await abortAllDurableObjects();
    const taker = (await refundsOf(scene.order)).find(({ refundFen }) => refundFen === 70);
    expect(taker).toMatchObject({ state: "requested" });
    const answer = await requestRefund(scene, scene.order);
    expect(answer).toMatchObject({ code: 0, data: { refund_no: taker?.number } });
    expect(sent(scene).filter((call) => call.endsWith(" 100"))).toHaveLength(1);
    expect(scene.wechat.refunds.size).toBe(2);
  });

  test("a crash after the refusal, before it is recorded, keeps the number and the amount", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    instrumentD1().fail({ sql: /update "refunds" set "state"/, how: "lost before" });
    expect(await requestRefund(scene, scene.order, { appRefundNo: "A" })).toMatchObject({
      code: 503,
    });
    await abortAllDurableObjects();
    const other = await requestRefund(scene, scene.order, { appRefundNo: "B" });
    expect(other).toMatchObject({ code: 501, errmsg: expect.stringContaining("无可退金额") });
    await runNextTimer(scene.order, "poll-refund");
    const { number } = await refundOf(scene.order);
    expect(sent(scene)).toEqual([`${number} 100`, `${number} 100`]);
    expect(await refundOf(scene.order)).toMatchObject({ state: "accepted" });
  });

  test("a taker that is stored elsewhere, at the last moment, keeps the old number from WeChat", async () => {
    const scene = await openPaidScene();
    const { order, shop } = scene;
    scene.wechat.fail(REFUND, wechatError("NOTENOUGH"));
    await requestRefund(scene, order, { appRefundNo: "A" });
    const { number } = await refundOf(order);
    // Between the decision to send A again and the claim of its amount.
    const taken = gate();
    instrumentD1().fail({
      sql: /update "refunds" set "state"/,
      how: "held before",
      gate: taken.opened,
    });
    const repeat = requestRefund(scene, order, { appRefundNo: "A" });
    const taker = {
      orderId: order.id,
      appId: shop.appId,
      number: "e".repeat(32),
      appRefundNo: "B",
      refundFen: 60,
      notifyUrl: "https://gateway.test/notify/v2/1/refund",
      reason: null,
      fundsAccount: null,
    };
    expect(await insertRefund(connect(env.DB), taker, null, Date.now())).not.toBeNull();
    taken.release();
    expect(await repeat).toMatchObject({
      code: 501,
      errmsg: expect.stringMatching(/已被其他退款占用.*剩余可退 40 分/),
    });
    expect(sent(scene)).toEqual([`${number} 100`]);
  });

  test("50 concurrent repeats of the whole refund make one refund of what is left", async () => {
    const scene = await refusedInFull();
    const held = gate();
    scene.wechat.fail(REFUND, lateAnswer(held.opened));
    const before = sent(scene).length;
    const requests = Array.from(
      { length: 50 },
      async (_, index) =>
        await requestRefund(scene, scene.order, index % 2 === 0 ? {} : { refundFree: 70 }),
    );
    await until(() => sent(scene).length > before);
    held.release();
    const answers = await Promise.all(requests);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: 0 });
    expect(sent(scene)).toHaveLength(before + 1);
  });
});
