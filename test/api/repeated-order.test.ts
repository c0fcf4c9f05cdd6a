import { afterEach, describe, expect, test } from "vitest";
import { advance, gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { error, late, UNKNOWN, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import { ask } from "../support/gateway.ts";
import {
  madeOf,
  makeOrder,
  ORDER,
  rowOf,
  runDue,
  runNext,
  timerOf,
  view,
} from "../support/life.ts";
import { openSibling } from "../support/shop.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";

const PATH = "/pay/create-order";
const PREPAY = "/pay/unifiedorder";
const NAMED = { ...ORDER, attach: "附加", appOrderNo: "A-1" };

afterEach(closeWorld);

/** What WeChat was asked for, without what differs in every call. */
function prepays({ wechat }: World): unknown[] {
  return wechat.callsOf(PREPAY).map(({ nonce_str: _nonce, sign: _sign, ...lasting }) => lasting);
}

describe("an order under the app's own number", () => {
  test("is stored before WeChat is asked", async () => {
    const world = await openWorld();
    const held = gate();
    world.wechat.fail(PREPAY, late(held.passed));
    const asked = ask(world.shop, PATH, NAMED);
    await until(() => world.wechat.callsOf(PREPAY).length === 1);
    const number = world.wechat.callsOf(PREPAY)[0]?.["out_trade_no"] ?? "";
    expect(await rowOf({ number })).toMatchObject({ appOrderNo: "A-1", payState: "waiting" });
    held.release();
    expect(madeOf(await asked).number).toBe(number);
  });

  test("never reaches WeChat when it can't be stored", async () => {
    const { shop, wechat } = await openWorld();
    watchD1().fail({ sql: /insert into "orders"/, how: "lost before" });
    expect(await ask(shop, PATH, NAMED)).toMatchObject({ code: 503, data: null });
    expect(wechat.calls).toEqual([]);
  });

  test("repeated is the same order, with the same parameters at WeChat", async () => {
    const world = await openWorld();
    const first = madeOf(await ask(world.shop, PATH, NAMED, { "cf-connecting-ip": "203.0.113.7" }));
    advance(60_000);
    const second = await ask(world.shop, PATH, NAMED, { "cf-connecting-ip": "198.51.100.9" });
    expect(madeOf(second)).toEqual(first);
    const [one, two, ...more] = prepays(world);
    expect(more).toEqual([]);
    expect(two).toEqual(one);
    expect(one).toMatchObject({ spbill_create_ip: "203.0.113.7" });
  });

  test.for([
    ["openId", { openId: "another" }],
    ["desc", { desc: "另一个" }],
    ["totalFree", { totalFree: 101 }],
    ["tag", { tag: "other" }],
    ["attach", { attach: "另一个" }],
    ["attach", { attach: "" }],
    ["clientIp", { clientIp: "192.0.2.1" }],
  ] as const)("repeated with another %s is a 501 that names it", async ([name, change]) => {
    const world = await openWorld();
    const first = madeOf(await ask(world.shop, PATH, NAMED));
    const before = await rowOf(first);
    const answer = await ask(world.shop, PATH, { ...NAMED, ...change });
    expect(answer).toMatchObject({ status: 200, code: 501, data: null });
    expect(answer.errmsg).toContain(`：${name} `);
    expect(await rowOf(first)).toEqual(before);
    expect(prepays(world)).toHaveLength(1);
  });

  test("asked for twenty times at once is one order", async () => {
    const world = await openWorld();
    const answers = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, index) =>
          await ask(world.shop, PATH, NAMED, { "cf-connecting-ip": `203.0.113.${index}` }),
      ),
    );
    expect(new Set(answers.map((answer) => madeOf(answer).id)).size).toBe(1);
    expect(new Set(answers.map((answer) => madeOf(answer).number)).size).toBe(1);
    expect(new Set(prepays(world).map((call) => JSON.stringify(call))).size).toBe(1);
    expect(world.wechat.orders.size).toBe(1);
  });

  test("of another app is another order", async () => {
    const world = await openWorld();
    const sibling = await openSibling(world.shop);
    const one = madeOf(await ask(world.shop, PATH, NAMED));
    const other = madeOf(await ask(sibling, PATH, NAMED));
    expect(one.id).not.toBe(other.id);
    const absent = await ask(sibling, "/order", { appOrderNo: "A-2" });
    expect((await ask(world.shop, "/order", { appOrderNo: "A-2" })).text).toBe(absent.text);
  });

  test("is found by that number, and tells it", async () => {
    const world = await openWorld();
    const made = await makeOrder(world, { appOrderNo: "A-1" });
    const answer = await ask(world.shop, "/order", { appOrderNo: "A-1" });
    expect(answer.data).toMatchObject({ id: made.id, app_order_no: "A-1" });
  });

  test("found paid at WeChat when it is repeated is booked, and the app told", async () => {
    const world = await openWorld();
    const made = await makeOrder(world, { appOrderNo: "A-1" });
    world.wechat.pay(made.number);
    const answer = await ask(world.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)[0]?.parameters.get("app_order_no")).toBe("A-1");
    const again = await ask(world.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(again.text).toBe(answer.text);
    expect(prepays(world)).toHaveLength(2);
  });

  test("closed is a 501 that asks for another number", async () => {
    const world = await openWorld();
    const made = await makeOrder(world, { appOrderNo: "A-1" });
    world.wechat.order(made.number).state = "CLOSED";
    const answer = await ask(world.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("appOrderNo") });
    await runNext(made, "poll-payment");
    expect(await view(world, made)).toMatchObject({ pay_state: "1" });
    const again = await ask(world.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(again.text).toBe(answer.text);
  });

  test.for([
    ["never made", UNKNOWN],
    ["made all the same", UNKNOWN_BUT_DONE],
  ] as const)("unknown, and %s, is a 503, and its repeat the same order", async ([, fault]) => {
    const world = await openWorld();
    world.wechat.fail(PREPAY, fault, fault);
    expect(await ask(world.shop, PATH, NAMED)).toMatchObject({ code: 503 });
    const made = madeOf(await ask(world.shop, PATH, NAMED));
    expect(new Set(prepays(world).map((call) => JSON.stringify(call))).size).toBe(1);
    expect(world.wechat.callsOf(PREPAY)[0]?.["out_trade_no"]).toBe(made.number);
  });

  test("refused stays open for a repeat once the fault is mended", async () => {
    const world = await openWorld();
    world.wechat.fail(PREPAY, error("NOAUTH"));
    expect(await ask(world.shop, PATH, NAMED)).toMatchObject({ code: 503 });
    const made = madeOf(await ask(world.shop, PATH, NAMED));
    expect(await rowOf(made)).toMatchObject({ payState: "waiting" });
    expect(await timerOf(made, "poll-payment")).toBeDefined();
  });
});
