import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { signedXml } from "../wechat/support/messages.ts";
import { advance, gate, START } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { UNKNOWN } from "../support/faults.ts";
import { startRequest } from "../support/gateway.ts";
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

const BOOK = /update "orders" set "pay_state"/;

afterEach(closeScene);

/** The bodies that the shop's app was told of a payment. */
function told({ app, shop }: Scene): ReadonlyMap<string, string>[] {
  return app.callsTo(shop.payUrl).map((call) => call.parameters);
}

/** Has WeChat's ledger close the order and the gateway find it closed. */
async function failAtWechat(scene: Scene, order: OrderRef): Promise<void> {
  scene.wechat.order(order.number).state = "CLOSED";
  await runNextTimer(order, "poll-payment");
  expect((await rowOf(order)).payState).toBe("failed");
}

/** Asserts that posting `body` changes nothing and isn't acknowledged. */
async function expectNothing(order: OrderRef, path: string, body: string): Promise<void> {
  const before = await rowOf(order);
  const all = await env.DB.prepare("select * from orders order by id").all();
  expect(await postNotification(path, body)).toBe(false);
  expect(await rowOf(order)).toEqual(before);
  expect((await env.DB.prepare("select * from orders order by id").all()).results).toEqual(
    all.results,
  );
  expect(await timerOf(order, "deliver-payment")).toBeUndefined();
}

describe("a payment notification", () => {
  test("books the payment and has the app told", async () => {
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
    expect(told(scene)).toHaveLength(1);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });

  test("takes one trip to D1 before it is acknowledged", async () => {
    const scene = await openScene();
    await makePaidOrder(scene);
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const { trips } = instrumentD1();
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(trips).toEqual([[expect.stringMatching(BOOK)]]);
  });

  test("in fifty copies at once is one payment, of which the app is told once", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const copies = await Promise.all(
      Array.from({ length: 50 }, async () => await notifyPayment(scene.shop, order.number, paid)),
    );
    expect(copies).toEqual(Array.from({ length: 50 }, () => true));
    await runDueTimers(order);
    expect(told(scene)).toHaveLength(1);
    const { entries } = await objectOf(order).history();
    expect(entries.filter(({ event }) => event === "payment.recorded")).toHaveLength(1);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runDueTimers(order);
    expect(told(scene)).toHaveLength(1);
  });

  test("that comes after the order was closed makes it paid all the same", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await failAtWechat(scene, order);
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(told(scene)[0]?.get("pay_state")).toBe("2");
  });

  test("in MD5 is right for an order that was made in MD5", async () => {
    const scene = await openScene("MD5");
    const order = await makePaidOrder(scene);
    expect((await rowOf(order)).payState).toBe("paid");
  });
});

// APIv3's forgeries: test/routes/notifications-v3.test.ts.
describe.runIf(PROTOCOL === "v2")("a notification that isn't right", () => {
  test.for([
    ["with one fen less", { total_fee: "99" }],
    ["with one fen more", { total_fee: "101" }],
    ["of another appid", { appid: "wx0000000000000000" }],
    ["in another currency", { fee_type: "USD" }],
    ["without a transaction", { transaction_id: "" }],
    ["of a payment that failed", { result_code: "FAIL" }],
    ["of an order that doesn't exist", { out_trade_no: "f".repeat(32) }],
    ["of another mch_id", { mch_id: "1900999999" }],
  ] as const)("%s changes nothing, though rightly signed", async ([, changes]) => {
    const { shop, wechat, ...scene } = await openScene();
    const order = await makeOrder({ shop, wechat, ...scene });
    const notice = paymentNotificationFields(shop, order.number, wechat.pay(order.number), changes);
    await expectNothing(
      order,
      payPath(shop),
      await signedXml(notice, shop.v2SignType, shop.apiKey),
    );
  });

  test.for([
    ["unsigned", (xml: string) => xml.replace(/<sign>.*?<\/sign>/, "")],
    ["signed for another amount", (xml: string) => xml.replace(">100<", ">1<")],
    ["with an empty sign", (xml: string) => xml.replace(/(<sign>).*?(<\/sign>)/, "$1$2")],
    ["cut short", (xml: string) => xml.slice(0, -20)],
    ["that is no XML", () => "return_code=SUCCESS"],
    ["that is empty", () => ""],
    ["beyond 64 KB", (xml: string) => xml + " ".repeat(65_536)],
  ] as const)("%s changes nothing", async ([, forge]) => {
    const scene = await openScene();
    const { shop, wechat } = scene;
    const order = await makeOrder(scene);
    const notice = paymentNotificationFields(shop, order.number, wechat.pay(order.number));
    const xml = (await signedXml(notice, shop.v2SignType, shop.apiKey)).replace(
      "<total_fee><![CDATA[100]]></total_fee>",
      "<total_fee>100</total_fee>",
    );
    const forged = forge(xml);
    expect(forged).not.toBe(xml);
    await expectNothing(order, payPath(shop), forged);
  });

  test("signed by the wrong key changes nothing", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const notice = paymentNotificationFields(
      scene.shop,
      order.number,
      scene.wechat.pay(order.number),
    );
    const xml = await signedXml(notice, scene.shop.v2SignType, "another-key-of-32-characters-lon");
    await expectNothing(order, payPath(scene.shop), xml);
  });

  test("in MD5 for an order that was made in HMAC-SHA256 is a downgrade", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const notice = paymentNotificationFields(
      scene.shop,
      order.number,
      scene.wechat.pay(order.number),
    );
    const xml = await signedXml(notice, "MD5", scene.shop.apiKey);
    await expectNothing(order, payPath(scene.shop), xml);
    expect(scene.logged.join()).toContain("sign-type");
  });

  test("rightly signed by another merchant pays no order but that merchant's own", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const other = await openShop();
    const notice = paymentNotificationFields(other, order.number, paid, {
      appid: scene.shop.wechatAppId,
    });
    const xml = await signedXml(notice, other.v2SignType, other.apiKey);
    await expectNothing(order, payPath(other), xml);
    expect(scene.logged.join()).toContain('"what":"merchant"');
  });

  test.for(["/notify/v2/999999/pay", "/notify/v2/0/pay", "/notify/v2/x/pay"])(
    "at %s, where no merchant is, changes nothing",
    async (path) => {
      const scene = await openScene();
      const order = await makeOrder(scene);
      const notice = paymentNotificationFields(
        scene.shop,
        order.number,
        scene.wechat.pay(order.number),
      );
      await expectNothing(order, path, await signedXml(notice, "HMAC-SHA256", scene.shop.apiKey));
    },
  );

  test("of a second transaction for a paid order is left to a person", async () => {
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

describe("a payment that D1 doesn't take", () => {
  test("is not acknowledged, and WeChat is asked when the repeat doesn't come", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: BOOK, how: "lost before" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "deliver-payment");
    await runDueTimers(order);
    expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(1);
    expect((await rowOf(order)).payState).toBe("paid");
    expect(told(scene)).toHaveLength(1);
    expect(await timersOf(order)).toEqual([]);
  });

  test("is asked about until WeChat answers", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    // The next one is due in four minutes: it is the delivery's timer that asks.
    await runNextTimer(order, "poll-payment");
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: BOOK, how: "lost before" });
    await notifyPayment(scene.shop, order.number, paid);
    scene.wechat.fail("/pay/orderquery", UNKNOWN, UNKNOWN);
    await runNextTimer(order, "deliver-payment");
    await runNextTimer(order, "poll-payment");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    await runDueTimers(order);
    expect(told(scene)).toHaveLength(1);
  });

  test("though it did is delivered after the repeat", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: BOOK, how: "lost after" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runNextTimer(order, "deliver-payment");
    expect(told(scene)).toHaveLength(1);
  });

  test("though it did is delivered without a repeat, by the timer", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: BOOK, how: "lost after" });
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(false);
    expect((await timerOf(order, "deliver-payment"))?.dueAt).toBe(START + 60_000);
    await runNextTimer(order, "deliver-payment");
    expect(told(scene)).toHaveLength(1);
    expect((await rowOf(order)).payNotifyState).toBe("confirmed");
  });

  test("in time is refused within five seconds, and finished all the same", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene).then(async () => await makeOrder(scene));
    const paid = scene.wechat.pay(order.number);
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: BOOK, how: "held before", gate: held.opened });
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
    expect(told(scene)).toHaveLength(1);
  });
});

describe("news of a payment while another one is on its way", () => {
  test("that is booked first leaves one delivery", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: BOOK, how: "held before", gate: held.opened });
    const slow = notifyPayment(scene.shop, order.number, paid);
    await until(() => log.trips.some((trip) => BOOK.test(trip[0] ?? "")));
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runDueTimers(order);
    expect(told(scene)).toHaveLength(1);
    held.release();
    expect(await slow).toBe(true);
    await runDueTimers(order);
    expect(told(scene)).toHaveLength(1);
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });
});
