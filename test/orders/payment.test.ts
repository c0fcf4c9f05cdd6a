import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { signedXml } from "../wechat/support/messages.ts";
import { advance, gate, START } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { UNKNOWN } from "../support/faults.ts";
import { send, startRequest } from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  timersOf,
  type OrderRef,
} from "../support/scenario.ts";
import {
  isAcknowledged,
  notifyPayment,
  paymentNotificationFields,
  paymentNotificationRequest,
  payPath,
  postNotification,
} from "../support/notifications.ts";
import { openShop, PROTOCOL } from "../support/shop.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const RECORD = /update "orders" set "pay_state"/;

afterEach(closeScene);

/** The parameters of the payment calls that the shop's app received. */
function paymentCalls({ app, shop }: Scene): ReadonlyMap<string, string>[] {
  return app.callsTo(shop.payUrl).map((call) => call.parameters);
}

/** Closes the order at WeChat and lets the gateway's timer find it closed. */
async function failAtWechat(scene: Scene, order: OrderRef): Promise<void> {
  scene.wechat.order(order.number).state = "CLOSED";
  await runNextTimer(order, "poll-payment");
  expect((await rowOf(order)).payState).toBe("failed");
}

/** Posts `body`; asserts that it isn't acknowledged and changes nothing. */
async function expectRefused(order: OrderRef, path: string, body: string): Promise<void> {
  const before = await rowOf(order);
  const all = await env.DB.prepare("select * from orders order by id").all();
  expect(await postNotification(path, body)).toBe(false);
  expect(await rowOf(order)).toEqual(before);
  expect((await env.DB.prepare("select * from orders order by id").all()).results).toEqual(
    all.results,
  );
  expect(await timerOf(order, "deliver-payment")).toBeUndefined();
}

describe("payment notification", () => {
  test("records the payment and calls the app", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    advance(5_000);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(await rowOf(order)).toMatchObject({
      payState: "paid",
      transactionId: paid.transactionId,
      paidAt: Date.UTC(2040, 0, 1, 4),
      payNotifyState: "none",
      updatedAt: START + 5_000,
    });
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });

  test("takes one trip to D1 before the acknowledgement", async () => {
    const scene = await openScene();
    await makePaidOrder(scene);
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const { trips } = instrumentD1();
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(trips).toEqual([[expect.stringMatching(RECORD)]]);
  });

  test("records one payment and calls the app once for 50 concurrent copies", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const copies = await Promise.all(
      Array.from({ length: 50 }, async () => await notifyPayment(scene.shop, order.number, paid)),
    );
    expect(copies).toEqual(Array.from({ length: 50 }, () => true));
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
    const { entries } = await objectOf(order).history();
    expect(entries.filter(({ event }) => event === "payment.recorded")).toHaveLength(1);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
  });

  test("I12: repeated 600 times leaves the timeline in place and is counted in one entry", async () => {
    const scene = await openScene();
    const { shop, wechat } = scene;
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    const before = (await objectOf(order).history()).entries;
    const paid = wechat.order(order.number);
    const request = await paymentNotificationRequest(shop, order.number, paid);
    const { bindings } = bindingsWithLimits({});
    for (let repeat = 0; repeat < 600; repeat += 1) {
      expect(await isAcknowledged(await send(payPath(shop), request, bindings))).toBe(true);
    }
    const { entries } = await objectOf(order).history();
    expect(entries.slice(0, before.length)).toEqual(before);
    expect(entries.slice(before.length)).toMatchObject([
      { event: "payment.repeated", repeated: { count: 600 } },
    ]);
    expect(paymentCalls(scene)).toHaveLength(1);
  });

  test("marks a failed order paid when it arrives after the close", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await failAtWechat(scene, order);
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(paymentCalls(scene)[0]?.get("pay_state")).toBe("2");
  });

  test("is accepted with an MD5 signature for an order created with MD5", async () => {
    const scene = await openScene("MD5");
    const order = await makePaidOrder(scene);
    expect((await rowOf(order)).payState).toBe("paid");
  });
});

// APIv3's forgeries: test/notifications/notifications-v3.test.ts.
describe.runIf(PROTOCOL === "v2")("I10: invalid APIv2 payment notification", () => {
  test.for([
    ["over one fen less", { total_fee: "99" }],
    ["over one fen more", { total_fee: "101" }],
    ["of another appid", { appid: "wx0000000000000000" }],
    ["in another currency", { fee_type: "USD" }],
    ["without a transaction_id", { transaction_id: "" }],
    ["of a failed payment", { result_code: "FAIL" }],
    ["of an order that doesn't exist", { out_trade_no: "f".repeat(32) }],
    ["of another mch_id", { mch_id: "1900999999" }],
  ] as const)("%s, validly signed, is refused and changes nothing", async ([, changes]) => {
    const { shop, wechat, ...scene } = await openScene();
    const order = await makeOrder({ shop, wechat, ...scene });
    const fields = paymentNotificationFields(shop, order.number, wechat.pay(order.number), changes);
    await expectRefused(
      order,
      payPath(shop),
      await signedXml(fields, shop.v2SignType, shop.apiKey),
    );
  });

  test.for([
    ["unsigned", (xml: string) => xml.replace(/<sign>.*?<\/sign>/, "")],
    ["signed for another amount", (xml: string) => xml.replace(">100<", ">1<")],
    ["with an empty sign", (xml: string) => xml.replace(/(<sign>).*?(<\/sign>)/, "$1$2")],
    ["truncated", (xml: string) => xml.slice(0, -20)],
    ["that isn't XML", () => "return_code=SUCCESS"],
    ["that is empty", () => ""],
    ["over 64 KB", (xml: string) => xml + " ".repeat(65_536)],
  ] as const)("%s is refused and changes nothing", async ([, forge]) => {
    const scene = await openScene();
    const { shop, wechat } = scene;
    const order = await makeOrder(scene);
    const fields = paymentNotificationFields(shop, order.number, wechat.pay(order.number));
    const xml = (await signedXml(fields, shop.v2SignType, shop.apiKey)).replace(
      "<total_fee><![CDATA[100]]></total_fee>",
      "<total_fee>100</total_fee>",
    );
    const forged = forge(xml);
    expect(forged).not.toBe(xml);
    await expectRefused(order, payPath(shop), forged);
  });

  test("signed with the wrong key is refused and changes nothing", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const fields = paymentNotificationFields(
      scene.shop,
      order.number,
      scene.wechat.pay(order.number),
    );
    const xml = await signedXml(fields, scene.shop.v2SignType, "another-key-of-32-characters-lon");
    await expectRefused(order, payPath(scene.shop), xml);
  });

  test("with an MD5 signature is refused for an order created with HMAC-SHA256", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const fields = paymentNotificationFields(
      scene.shop,
      order.number,
      scene.wechat.pay(order.number),
    );
    const xml = await signedXml(fields, "MD5", scene.shop.apiKey);
    await expectRefused(order, payPath(scene.shop), xml);
    expect(scene.logged.join()).toContain("sign-type");
  });

  test("validly signed by another merchant can't pay this merchant's order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const other = await openShop();
    const fields = paymentNotificationFields(other, order.number, paid, {
      appid: scene.shop.wechatAppId,
    });
    const xml = await signedXml(fields, other.v2SignType, other.apiKey);
    await expectRefused(order, payPath(other), xml);
    expect(scene.logged.join()).toContain('"what":"merchant"');
  });

  test.for(["/notify/v2/999999/pay", "/notify/v2/0/pay", "/notify/v2/x/pay"])(
    "at %s, a path without a merchant, changes nothing",
    async (path) => {
      const scene = await openScene();
      const order = await makeOrder(scene);
      const fields = paymentNotificationFields(
        scene.shop,
        order.number,
        scene.wechat.pay(order.number),
      );
      await expectRefused(order, path, await signedXml(fields, "HMAC-SHA256", scene.shop.apiKey));
    },
  );

  test("of a second transaction for a paid order is refused and logged", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    const before = await rowOf(order);
    const again = { transaction_id: "4200000215201811190261405421" };
    const paid = scene.wechat.order(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid, again)).toBe(false);
    expect(await rowOf(order)).toEqual(before);
    expect(scene.logged.join()).toContain('"what":"transaction"');
  });
});

describe("I3: payment notification, D1 fails to record it", () => {
  test("isn't acknowledged; the timer queries WeChat if it isn't repeated", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: RECORD, how: "lost before" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "deliver-payment");
    await runDueTimers(order);
    expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(1);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(paymentCalls(scene)).toHaveLength(1);
    expect(await timersOf(order)).toEqual([]);
  });

  test("polls WeChat until an answer records the payment", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    // The next poll-payment is due in four minutes, so the delivery timer makes the query.
    await runNextTimer(order, "poll-payment");
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: RECORD, how: "lost before" });
    await notifyPayment(scene.shop, order.number, paid);
    scene.wechat.fail("/pay/orderquery", UNKNOWN, UNKNOWN);
    await runNextTimer(order, "deliver-payment");
    await runNextTimer(order, "poll-payment");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
  });

  test("calls the app after the repeat when only D1's result was lost", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: RECORD, how: "lost after" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runNextTimer(order, "deliver-payment");
    expect(paymentCalls(scene)).toHaveLength(1);
  });

  test("calls the app by the timer, without a repeat, when only D1's result was lost", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: RECORD, how: "lost after" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect((await timerOf(order, "deliver-payment"))?.dueAt).toBe(START + 60_000);
    await runNextTimer(order, "deliver-payment");
    expect(paymentCalls(scene)).toHaveLength(1);
    expect((await rowOf(order)).payNotifyState).toBe("confirmed");
  });

  test("is refused within five seconds when D1 is slow, and recorded afterwards", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene).then(async () => await makeOrder(scene));
    const paid = scene.wechat.pay(order.number);
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: RECORD, how: "held before", gate: held.opened });
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START });
    const request = await paymentNotificationRequest(scene.shop, order.number, paid);
    const { response, finished } = startRequest(payPath(scene.shop), request);
    while (log.trips.length === 0) await Promise.resolve(objectOf(order).history());
    await vi.advanceTimersByTimeAsync(4_999);
    expect(await isAcknowledged(await response)).toBe(false);
    expect((await rowOf(order)).payState).toBe("waiting");
    held.release();
    await finished;
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
  });
});

describe("recordPayment, two concurrent reports", () => {
  test("calls the app once when the later report is recorded first", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: RECORD, how: "held before", gate: held.opened });
    const slow = notifyPayment(scene.shop, order.number, paid);
    await until(() => log.trips.some((trip) => RECORD.test(trip[0] ?? "")));
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
    held.release();
    expect(await slow).toBe(true);
    await runDueTimers(order);
    expect(paymentCalls(scene)).toHaveLength(1);
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });
});
