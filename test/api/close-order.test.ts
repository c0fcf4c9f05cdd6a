import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { advance, gate, START } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { lateAnswer, UNKNOWN, UNKNOWN_BUT_DONE, UNKNOWNS, wechatError } from "../support/faults.ts";
import { postSigned, type Answer } from "../support/gateway.ts";
import { notifyPayment } from "../support/notifications.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  ORDER,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  timersOf,
  viewOrder,
  type OrderRef,
} from "../support/scenario.ts";
import { openSibling, PROTOCOL } from "../support/shop.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const MINUTE = 60_000;
const FIVE_MINUTES = 5 * MINUTE;

afterEach(closeScene);

/** Withdraws the order through the endpoint. */
async function withdraw({ shop }: Scene, { id }: Pick<OrderRef, "id">): Promise<Answer> {
  return await postSigned(shop, "/pay/close-order", { platForm: 1, order_id: id });
}

/** An order of an age at which both protocols close it. */
async function makeOldOrder(scene: Scene): Promise<OrderRef> {
  const order = await makeOrder(scene);
  advance(FIVE_MINUTES);
  return order;
}

/** The calls to WeChat after the first, which made the order. */
function pathsOf({ wechat }: Scene): string[] {
  return wechat.calls.slice(1).map(({ path }) => path);
}

const ENDED = { code: 0, errmsg: null, data: { pay_state: "1", close_in: null } };
const PAID = { code: 0, errmsg: null, data: { pay_state: "2", close_in: null } };

describe("POST /pay/close-order", () => {
  test("queries, closes at WeChat, queries again and answers with the failed order", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    expect(await withdraw(scene, order)).toMatchObject({ status: 200, ...ENDED });
    expect(pathsOf(scene)).toEqual(["/pay/orderquery", "/pay/closeorder", "/pay/orderquery"]);
    expect(scene.wechat.order(order.number).state).toBe("CLOSED");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(await timersOf(order)).toEqual([]);
    const events = (await objectOf(order).history()).entries.map(({ event }) => event);
    expect(events).toContain("order.close_requested");
    expect(events.at(-1)).toBe("order.failed");
  });

  test("takes the app's own number instead of order_id, and not both", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene, { appOrderNo: "W-1" });
    advance(FIVE_MINUTES);
    const both = { platForm: 1, order_id: order.id, appOrderNo: "W-1" };
    expect(await postSigned(scene.shop, "/pay/close-order", both)).toMatchObject({
      code: 501,
      errmsg: expect.stringContaining("order_id 与 appOrderNo 只能传一个"),
    });
    const named = { platForm: 1, appOrderNo: "W-1" };
    expect(await postSigned(scene.shop, "/pay/close-order", named)).toMatchObject(ENDED);
    // As for any closed order, the number is used up.
    expect(
      await postSigned(scene.shop, "/pay/create-order", { ...ORDER, appOrderNo: "W-1" }),
    ).toMatchObject({ code: 501, errmsg: expect.stringContaining("该订单已关闭") });
  });

  test("answers from the record for an order that has ended, without a call to WeChat", async () => {
    const scene = await openScene();
    const paid = await makePaidOrder(scene);
    const failed = await makeOldOrder(scene);
    await withdraw(scene, failed);
    const calls = scene.wechat.calls.length;
    expect(await withdraw(scene, paid)).toMatchObject(PAID);
    expect(await withdraw(scene, failed)).toMatchObject(ENDED);
    expect(scene.wechat.calls).toHaveLength(calls);
  });

  test("I7: doesn't tell another app's order from an absent one", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    const other = { ...scene, shop: await openSibling(scene.shop) };
    const foreign = await withdraw(other, order);
    expect(foreign).toMatchObject({ code: 501, errmsg: "提交上来的参数错误：订单不存在" });
    expect((await withdraw(other, { id: 999_999 })).text).toBe(foreign.text);
    expect((await rowOf(order)).closeRequestedAt).toBeNull();
  });

  test("notices that the order was closed at WeChat by another", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
    expect(pathsOf(scene)).toEqual(["/pay/orderquery"]);
  });

  test("concurrent requests are one", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    const held = gate();
    scene.wechat.fail("/pay/closeorder", lateAnswer(held.opened));
    const answers = Promise.all([1, 2, 3].map(async () => await withdraw(scene, order)));
    await until(() => scene.wechat.callsOf("/pay/closeorder").length === 1);
    held.release();
    for (const answer of await answers) expect(answer).toMatchObject(ENDED);
    expect(scene.wechat.callsOf("/pay/closeorder")).toHaveLength(1);
  });
});

describe("POST /pay/close-order, order WeChat can't close yet", () => {
  test.skipIf(PROTOCOL === "v3")(
    "is recorded in APIv2's first five minutes and done by the timer",
    async () => {
      const scene = await openScene();
      const order = await makeOrder(scene, { appOrderNo: "W-2" });
      advance(100_500);
      const pending = { code: 0, data: { pay_state: "0", close_in: 200 } };
      expect(await withdraw(scene, order)).toMatchObject(pending);
      expect(await withdraw(scene, order)).toMatchObject(pending);
      expect(scene.wechat.callsOf("/pay/closeorder")).toEqual([]);
      expect((await rowOf(order)).closeRequestedAt).toBe(START + 100_500);
      expect(
        await postSigned(scene.shop, "/pay/create-order", { ...ORDER, appOrderNo: "W-2" }),
      ).toMatchObject({ code: 501, errmsg: expect.stringContaining("该订单正在关闭") });
      while ((await rowOf(order)).payState === "waiting") await runNextTimer(order, "poll-payment");
      expect(Date.now()).toBe(START + FIVE_MINUTES);
      expect(scene.wechat.order(order.number).state).toBe("CLOSED");
      expect(await timersOf(order)).toEqual([]);
      expect(await withdraw(scene, order)).toMatchObject(ENDED);
    },
  );

  test.runIf(PROTOCOL === "v3")("closes an order of APIv3 at once, whatever its age", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
  });

  test("waits for the age that WeChat's refusal shows, in either protocol", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const young = wechatError("INVALID_REQUEST", "订单生成后不能马上调用关单接口");
    scene.wechat.fail("/pay/closeorder", young, young);
    advance(PROTOCOL === "v3" ? 4 * MINUTE : FIVE_MINUTES);
    const closeIn = PROTOCOL === "v3" ? 60 : 10;
    expect(await withdraw(scene, order)).toMatchObject({
      code: 0,
      data: { pay_state: "0", close_in: closeIn },
    });
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(Date.now()).toBeLessThan(START + 6 * MINUTE);
  });

  test("the recorded withdrawal survives the loss of the object's storage", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    expect((await withdraw(scene, order)).code).toBe(503);
    const timer = await timerOf(order, "poll-payment");
    expect(timer?.dueAt).toBeLessThanOrEqual(START + FIVE_MINUTES);
    advance(FIVE_MINUTES);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("an order that WeChat doesn't have ends a minute later", async () => {
    const scene = await openScene();
    scene.wechat.fail("/pay/unifiedorder", UNKNOWN, UNKNOWN);
    const created = await postSigned(scene.shop, "/pay/create-order", {
      ...ORDER,
      appOrderNo: "W-3",
    });
    expect(created.code).toBe(503);
    advance(FIVE_MINUTES);
    const named = { platForm: 1, appOrderNo: "W-3" };
    expect(await postSigned(scene.shop, "/pay/close-order", named)).toMatchObject({
      code: 0,
      data: { pay_state: "0", close_in: 60 },
    });
    advance(MINUTE);
    expect(await postSigned(scene.shop, "/pay/close-order", named)).toMatchObject(ENDED);
  });
});

describe("I4: POST /pay/close-order and a payment", () => {
  test("answers pay_state 2 and calls the app when the query finds it", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    expect(await withdraw(scene, order)).toMatchObject(PAID);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
    expect(await timersOf(order)).toEqual([]);
  });

  test("answers pay_state 2 when it arrives between query and close", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    const held = gate();
    scene.wechat.fail("/pay/closeorder", { acts: false, how: "honest", gate: held.opened });
    const answer = withdraw(scene, order);
    await until(() => scene.wechat.callsOf("/pay/closeorder").length === 1);
    scene.wechat.pay(order.number);
    held.release();
    // The fake's fault answered "closed" without having closed it: the second query decides.
    expect(await answer).toMatchObject(PAID);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("answers pay_state 2 when its notification arrives while WeChat gives no answer", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    const held = gate();
    scene.wechat.fail("/pay/orderquery", { ...UNKNOWN, gate: held.opened });
    const answer = withdraw(scene, order);
    await until(() => scene.wechat.callsOf("/pay/orderquery").length === 1);
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    held.release();
    expect(await answer).toMatchObject(PAID);
  });

  test("records money that arrives after the withdrawal", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(await withdraw(scene, order)).toMatchObject(PAID);
    expect(await viewOrder(scene, order)).toMatchObject({ pay_state: "2" });
  });
});

describe("I6: POST /pay/close-order, outcome unknown", () => {
  test.for([
    ...UNKNOWNS.map(([name, fault]) => ["/pay/orderquery", name, fault] as const),
    ...UNKNOWNS.map(([name, fault]) => ["/pay/closeorder", name, fault] as const),
  ])("answers 503 and goes on by the timer: %s, %s", async ([path, , fault]) => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    scene.wechat.fail(path, fault);
    const answer = await withdraw(scene, order);
    expect(answer).toMatchObject({ code: 503, data: null });
    expect(answer.errmsg).toContain("重复本请求是安全的");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(Date.now()).toBeLessThanOrEqual(START + FIVE_MINUTES + MINUTE);
  });

  test("a repeat after a 503 finishes it", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    scene.wechat.fail("/pay/closeorder", UNKNOWN_BUT_DONE);
    expect((await withdraw(scene, order)).code).toBe(503);
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
  });

  test("names WeChat's refusal to close", async () => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    advance(5 * MINUTE);
    scene.wechat.fail("/pay/closeorder", wechatError("NOAUTH"));
    expect(await withdraw(scene, order)).toMatchObject({
      code: 503,
      errmsg: expect.stringMatching(/微信拒绝关单：NO_?AUTH .*重复本请求是安全的/),
    });
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
  });

  test.for([
    ["before the record", /"close_requested_at" = coalesce/, "lost before"],
    ["after the record", /"close_requested_at" = coalesce/, "lost after"],
    ["at the end", /set "pay_state"/, "lost before"],
  ] as const)("ends right when D1 fails %s", async ([, sql, how]) => {
    const scene = await openScene();
    const order = await makeOldOrder(scene);
    instrumentD1().fail({ sql, how });
    expect((await withdraw(scene, order)).code).toBe(503);
    expect(await withdraw(scene, order)).toMatchObject(ENDED);
    expect((await rowOf(order)).payState).toBe("failed");
    await runDueTimers(order);
  });

  test.for(["/pay/orderquery", "/pay/closeorder"] as const)(
    "the timer goes on after a crash during %s",
    async (path) => {
      const scene = await openScene();
      const order = await makeOldOrder(scene);
      const held = gate();
      scene.wechat.fail(path, lateAnswer(held.opened));
      const answer = withdraw(scene, order).catch(() => "aborted");
      await until(() => scene.wechat.callsOf(path).length === 1);
      await abortAllDurableObjects();
      held.release();
      await answer;
      await runNextTimer(order, "poll-payment");
      expect((await rowOf(order)).payState).toBe("failed");
      expect(Date.now()).toBeLessThanOrEqual(START + FIVE_MINUTES + MINUTE);
    },
  );
});
