import { afterEach, describe, expect, test } from "vitest";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { wechatError, lateAnswer, UNKNOWN, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import { postSigned } from "../support/gateway.ts";
import {
  orderRefOf,
  makeOrder,
  ORDER,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
} from "../support/scenario.ts";
import { openSibling } from "../support/shop.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const PATH = "/pay/create-order";
const PREPAY = "/pay/unifiedorder";
const WITH_NUMBER = { ...ORDER, attach: "附加", appOrderNo: "A-1" };

afterEach(closeScene);

/** The prepay calls without the fields that differ in every call. */
function prepays({ wechat }: Scene): unknown[] {
  return wechat.callsOf(PREPAY).map(({ nonce_str: _nonce, sign: _sign, ...stable }) => stable);
}

describe("create-order with appOrderNo", () => {
  test("stores the order before the prepay call", async () => {
    const scene = await openScene();
    const held = gate();
    scene.wechat.fail(PREPAY, lateAnswer(held.opened));
    const creating = postSigned(scene.shop, PATH, WITH_NUMBER);
    await until(() => scene.wechat.callsOf(PREPAY).length === 1);
    const number = scene.wechat.callsOf(PREPAY)[0]?.["out_trade_no"] ?? "";
    expect(await rowOf({ number })).toMatchObject({ appOrderNo: "A-1", payState: "waiting" });
    held.release();
    expect(orderRefOf(await creating).number).toBe(number);
  });

  test("doesn't call WeChat when the order can't be stored", async () => {
    const { shop, wechat } = await openScene();
    instrumentD1().fail({ sql: /insert into "orders"/, how: "lost before" });
    expect(await postSigned(shop, PATH, WITH_NUMBER)).toMatchObject({ code: 503, data: null });
    expect(wechat.calls).toEqual([]);
  });

  test("returns the same order for a repeat and sends WeChat identical parameters", async () => {
    const scene = await openScene();
    const first = orderRefOf(
      await postSigned(scene.shop, PATH, WITH_NUMBER, { "cf-connecting-ip": "203.0.113.7" }),
    );
    advance(60_000);
    const second = await postSigned(scene.shop, PATH, WITH_NUMBER, {
      "cf-connecting-ip": "198.51.100.9",
    });
    expect(orderRefOf(second)).toEqual(first);
    const [firstCall, secondCall, ...more] = prepays(scene);
    expect(more).toEqual([]);
    expect(secondCall).toEqual(firstCall);
    expect(firstCall).toMatchObject({ spbill_create_ip: "203.0.113.7" });
  });

  test.for([
    ["openId", { openId: "another" }],
    ["desc", { desc: "另一个" }],
    ["totalFree", { totalFree: 101 }],
    ["tag", { tag: "other" }],
    ["attach", { attach: "另一个" }],
    ["attach", { attach: "" }],
    ["clientIp", { clientIp: "192.0.2.1" }],
  ] as const)(
    "refuses a repeat with another %s with a 501 that names it",
    async ([name, change]) => {
      const scene = await openScene();
      const first = orderRefOf(await postSigned(scene.shop, PATH, WITH_NUMBER));
      const before = await rowOf(first);
      const answer = await postSigned(scene.shop, PATH, { ...WITH_NUMBER, ...change });
      expect(answer).toMatchObject({ status: 200, code: 501, data: null });
      expect(answer.errmsg).toContain(`：${name} `);
      expect(await rowOf(first)).toEqual(before);
      expect(prepays(scene)).toHaveLength(1);
    },
  );

  test("creates one order for 20 concurrent requests", async () => {
    const scene = await openScene();
    const answers = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, index) =>
          await postSigned(scene.shop, PATH, WITH_NUMBER, {
            "cf-connecting-ip": `203.0.113.${index}`,
          }),
      ),
    );
    expect(new Set(answers.map((answer) => orderRefOf(answer).id)).size).toBe(1);
    expect(new Set(answers.map((answer) => orderRefOf(answer).number)).size).toBe(1);
    expect(new Set(prepays(scene).map((call) => JSON.stringify(call))).size).toBe(1);
    expect(scene.wechat.orders.size).toBe(1);
  });

  test("creates separate orders for two apps with the same number", async () => {
    const scene = await openScene();
    const sibling = await openSibling(scene.shop);
    const a = orderRefOf(await postSigned(scene.shop, PATH, WITH_NUMBER));
    const b = orderRefOf(await postSigned(sibling, PATH, WITH_NUMBER));
    expect(a.id).not.toBe(b.id);
    const absent = await postSigned(sibling, "/order", { appOrderNo: "A-2" });
    expect((await postSigned(scene.shop, "/order", { appOrderNo: "A-2" })).text).toBe(absent.text);
  });

  test("makes the order findable by appOrderNo, which /order returns", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene, { appOrderNo: "A-1" });
    const answer = await postSigned(scene.shop, "/order", { appOrderNo: "A-1" });
    expect(answer.data).toMatchObject({ id: order.id, app_order_no: "A-1" });
  });

  test("records the payment and calls the app when a repeat finds the order paid", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene, { appOrderNo: "A-1" });
    scene.wechat.pay(order.number);
    const answer = await postSigned(scene.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)[0]?.parameters.get("app_order_no")).toBe("A-1");
    const again = await postSigned(scene.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(again.text).toBe(answer.text);
    expect(prepays(scene)).toHaveLength(2);
  });

  test("refuses a repeat of a closed order with a 501 that asks for another number", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene, { appOrderNo: "A-1" });
    scene.wechat.order(order.number).state = "CLOSED";
    const answer = await postSigned(scene.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("appOrderNo") });
    await runNextTimer(order, "poll-payment");
    expect(await viewOrder(scene, order)).toMatchObject({ pay_state: "1" });
    const again = await postSigned(scene.shop, PATH, { ...ORDER, appOrderNo: "A-1" });
    expect(again.text).toBe(answer.text);
  });

  test.for([
    ["not carried out", UNKNOWN],
    ["carried out", UNKNOWN_BUT_DONE],
  ] as const)(
    "answers 503 when the prepay is unknown and %s, and a repeat gets the same order",
    async ([, fault]) => {
      const scene = await openScene();
      scene.wechat.fail(PREPAY, fault, fault);
      expect(await postSigned(scene.shop, PATH, WITH_NUMBER)).toMatchObject({ code: 503 });
      const order = orderRefOf(await postSigned(scene.shop, PATH, WITH_NUMBER));
      expect(new Set(prepays(scene).map((call) => JSON.stringify(call))).size).toBe(1);
      expect(scene.wechat.callsOf(PREPAY)[0]?.["out_trade_no"]).toBe(order.number);
    },
  );

  test("accepts a repeat after the cause of WeChat's refusal is gone", async () => {
    const scene = await openScene();
    scene.wechat.fail(PREPAY, wechatError("NOAUTH"));
    expect(await postSigned(scene.shop, PATH, WITH_NUMBER)).toMatchObject({ code: 503 });
    const order = orderRefOf(await postSigned(scene.shop, PATH, WITH_NUMBER));
    expect(await rowOf(order)).toMatchObject({ payState: "waiting" });
    expect(await timerOf(order, "poll-payment")).toBeDefined();
  });
});
