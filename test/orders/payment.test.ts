import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { signedXml } from "../wechat/support/messages.ts";
import { advance, gate, START } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { UNKNOWN } from "../support/faults.ts";
import { begin } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  timersOf,
  type Made,
} from "../support/life.ts";
import {
  isAcknowledged,
  notifyPayment,
  paymentNotice,
  paymentRequest,
  payPath,
  post,
} from "../support/notices.ts";
import { openShop, PROTOCOL } from "../support/shop.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";

const BOOK = /update "orders" set "pay_state"/;

afterEach(closeWorld);

/** The bodies that the shop's app was told of a payment. */
function told({ app, shop }: World): ReadonlyMap<string, string>[] {
  return app.callsTo(shop.payUrl).map((call) => call.parameters);
}

/** Has WeChat's ledger close the order and the gateway find it closed. */
async function failAtWechat(world: World, made: Made): Promise<void> {
  world.wechat.order(made.number).state = "CLOSED";
  await runNext(made, "poll-payment");
  expect((await rowOf(made)).payState).toBe("failed");
}

/** Asserts that posting `body` changes nothing and isn't acknowledged. */
async function expectNothing(made: Made, path: string, body: string): Promise<void> {
  const before = await rowOf(made);
  const all = await env.DB.prepare("select * from orders order by id").all();
  expect(await post(path, body)).toBe(false);
  expect(await rowOf(made)).toEqual(before);
  expect((await env.DB.prepare("select * from orders order by id").all()).results).toEqual(
    all.results,
  );
  expect(await timerOf(made, "deliver-payment")).toBeUndefined();
}

describe("a payment notification", () => {
  test("books the payment and has the app told", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    advance(5_000);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    expect(await rowOf(made)).toMatchObject({
      payState: "paid",
      transactionId: paid.transactionId,
      paidAt: Date.UTC(2040, 0, 1, 4),
      payNotifyState: "none",
      updatedAt: START + 5_000,
    });
    await runDue(made);
    expect(told(world)).toHaveLength(1);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
    expect(await timerOf(made, "deliver-payment")).toBeUndefined();
  });

  test("takes one trip to D1 before it is acknowledged", async () => {
    const world = await openWorld();
    await makePaidOrder(world);
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const { trips } = watchD1();
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    expect(trips).toEqual([[expect.stringMatching(BOOK)]]);
  });

  test("in fifty copies at once is one payment, of which the app is told once", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const copies = await Promise.all(
      Array.from({ length: 50 }, async () => await notifyPayment(world.shop, made.number, paid)),
    );
    expect(copies).toEqual(Array.from({ length: 50 }, () => true));
    await runDue(made);
    expect(told(world)).toHaveLength(1);
    const { entries } = await objectOf(made).history();
    expect(entries.filter(({ event }) => event === "payment.recorded")).toHaveLength(1);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    await runDue(made);
    expect(told(world)).toHaveLength(1);
  });

  test("that comes after the order was closed makes it paid all the same", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    await failAtWechat(world, made);
    const paid = world.wechat.pay(made.number);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(told(world)[0]?.get("pay_state")).toBe("2");
  });

  test("in MD5 is right for an order that was made in MD5", async () => {
    const world = await openWorld("MD5");
    const made = await makePaidOrder(world);
    expect((await rowOf(made)).payState).toBe("paid");
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
    const { shop, wechat, ...world } = await openWorld();
    const made = await makeOrder({ shop, wechat, ...world });
    const notice = paymentNotice(shop, made.number, wechat.pay(made.number), changes);
    await expectNothing(made, payPath(shop), await signedXml(notice, shop.v2SignType, shop.apiKey));
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
    const world = await openWorld();
    const { shop, wechat } = world;
    const made = await makeOrder(world);
    const notice = paymentNotice(shop, made.number, wechat.pay(made.number));
    const xml = (await signedXml(notice, shop.v2SignType, shop.apiKey)).replace(
      "<total_fee><![CDATA[100]]></total_fee>",
      "<total_fee>100</total_fee>",
    );
    const forged = forge(xml);
    expect(forged).not.toBe(xml);
    await expectNothing(made, payPath(shop), forged);
  });

  test("signed by the wrong key changes nothing", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const notice = paymentNotice(world.shop, made.number, world.wechat.pay(made.number));
    const xml = await signedXml(notice, world.shop.v2SignType, "another-key-of-32-characters-lon");
    await expectNothing(made, payPath(world.shop), xml);
  });

  test("in MD5 for an order that was made in HMAC-SHA256 is a downgrade", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const notice = paymentNotice(world.shop, made.number, world.wechat.pay(made.number));
    const xml = await signedXml(notice, "MD5", world.shop.apiKey);
    await expectNothing(made, payPath(world.shop), xml);
    expect(world.logged.join()).toContain("sign-type");
  });

  test("rightly signed by another merchant pays no order but that merchant's own", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const other = await openShop();
    const notice = paymentNotice(other, made.number, paid, { appid: world.shop.wechatAppId });
    const xml = await signedXml(notice, other.v2SignType, other.apiKey);
    await expectNothing(made, payPath(other), xml);
    expect(world.logged.join()).toContain('"what":"merchant"');
  });

  test.for(["/notify/v2/999999/pay", "/notify/v2/0/pay", "/notify/v2/x/pay"])(
    "at %s, where no merchant is, changes nothing",
    async (path) => {
      const world = await openWorld();
      const made = await makeOrder(world);
      const notice = paymentNotice(world.shop, made.number, world.wechat.pay(made.number));
      await expectNothing(made, path, await signedXml(notice, "HMAC-SHA256", world.shop.apiKey));
    },
  );

  test("of a second transaction for a paid order is left to a person", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await runDue(made);
    const before = await rowOf(made);
    const again = { transaction_id: "4200000215201811190261405421" };
    const paid = world.wechat.order(made.number);
    expect(await notifyPayment(world.shop, made.number, paid, again)).toBe(false);
    expect(await rowOf(made)).toEqual(before);
    expect(world.logged.join()).toContain('"what":"transaction"');
  });
});

describe("a payment that D1 doesn't take", () => {
  test("is not acknowledged, and WeChat is asked when the repeat doesn't come", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: BOOK, how: "lost before" });
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(false);
    expect((await rowOf(made)).payState).toBe("waiting");
    await runNext(made, "deliver-payment");
    await runDue(made);
    expect(world.wechat.callsOf("/pay/orderquery")).toHaveLength(1);
    expect((await rowOf(made)).payState).toBe("paid");
    expect(told(world)).toHaveLength(1);
    expect(await timersOf(made)).toEqual([]);
  });

  test("is asked about until WeChat answers", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    // The next one is due in four minutes: it is the delivery's timer that asks.
    await runNext(made, "poll-payment");
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: BOOK, how: "lost before" });
    await notifyPayment(world.shop, made.number, paid);
    world.wechat.fail("/pay/orderquery", UNKNOWN, UNKNOWN);
    await runNext(made, "deliver-payment");
    await runNext(made, "poll-payment");
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("waiting");
    await runNext(made, "poll-payment");
    await runDue(made);
    expect(told(world)).toHaveLength(1);
  });

  test("though it did is delivered after the repeat", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: BOOK, how: "lost after" });
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(false);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    await runNext(made, "deliver-payment");
    expect(told(world)).toHaveLength(1);
  });

  test("though it did is delivered without a repeat, by the timer", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: BOOK, how: "lost after" });
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(false);
    expect((await timerOf(made, "deliver-payment"))?.dueAt).toBe(START + 60_000);
    await runNext(made, "deliver-payment");
    expect(told(world)).toHaveLength(1);
    expect((await rowOf(made)).payNotifyState).toBe("confirmed");
  });

  test("in time is refused within five seconds, and finished all the same", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world).then(async () => await makeOrder(world));
    const paid = world.wechat.pay(made.number);
    const held = gate();
    const log = watchD1();
    log.fail({ sql: BOOK, how: "held before", gate: held.passed });
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START });
    const request = await paymentRequest(world.shop, made.number, paid);
    const { response, over } = begin(payPath(world.shop), request);
    while (log.trips.length === 0) await Promise.resolve(objectOf(made).history());
    await vi.advanceTimersByTimeAsync(4_999);
    expect(await isAcknowledged(await response)).toBe(false);
    expect((await rowOf(made)).payState).toBe("waiting");
    held.release();
    await over;
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(told(world)).toHaveLength(1);
  });
});

describe("news of a payment while another one is on its way", () => {
  test("that is booked first leaves one delivery", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const held = gate();
    const log = watchD1();
    log.fail({ sql: BOOK, how: "held before", gate: held.passed });
    const slow = notifyPayment(world.shop, made.number, paid);
    await until(() => log.trips.some((trip) => BOOK.test(trip[0] ?? "")));
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    await runDue(made);
    expect(told(world)).toHaveLength(1);
    held.release();
    expect(await slow).toBe(true);
    await runDue(made);
    expect(told(world)).toHaveLength(1);
    expect(await timerOf(made, "deliver-payment")).toBeUndefined();
  });
});
