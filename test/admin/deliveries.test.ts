import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { START } from "../support/clock.ts";
import { copyOrder } from "../support/copies.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponse } from "../support/app-receiver.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  requestRefund,
  refundOf,
  refundsOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyRefund } from "../support/notifications.ts";
import { openSibling } from "../support/shop.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { insertRefund } from "../../src/db/refunds.ts";
import { db } from "../support/rows.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import { sendAdmin, fieldErrors, fieldsOf } from "./support.ts";

const DAY = 24 * 3_600_000;
const PATH = "/admin/deliveries/redeliver";

let scenes = 0;

afterEach(closeScene);

/** A scene in days of its own, after the last calls of all other tests. */
async function openLaterScene(): Promise<Scene> {
  const scene = await openScene();
  scenes += 1;
  vi.setSystemTime(START + scenes * 10 * DAY);
  return scene;
}

/** A paid order whose app failed to confirm `calls` calls. */
async function failingOrder(scene: Scene, calls = 3): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  scene.app.respondWith(...Array.from({ length: calls }, () => appResponse("fail")));
  for (let call = 0; call < calls; call += 1) await runNextTimer(order, "deliver-payment");
  return order;
}

/** An order whose app confirmed the payment and failed to confirm the refund. */
async function failingRefund(scene: Scene): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  const { number } = await refundOf(order);
  scene.wechat.refund(number).status = "SUCCESS";
  const notification = {
    out_trade_no: order.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  };
  await notifyRefund(scene.shop, notification);
  scene.app.respondWith(appResponse("fail"));
  await runNextTimer(order, "deliver-refund");
  return order;
}

async function redeliver(body: object): Promise<Record<string, unknown>> {
  const answer = await sendAdmin("POST", PATH, { body });
  expect(answer.status).toBe(202);
  return fieldsOf(answer);
}

/** The number of deliveries that a request restarts. */
async function count(body: object): Promise<unknown> {
  return (await redeliver(body))["redelivered"];
}

describe("POST /admin/deliveries/redeliver", () => {
  test("restarts the failing payment and refund deliveries, spread out, and no others", async () => {
    const scene = await openLaterScene();
    const since = Date.now();
    const confirmed = await makePaidOrder(scene);
    await runDueTimers(confirmed);
    const waiting = await makeOrder(scene);
    const paid = await failingOrder(scene);
    const refunded = await failingRefund(scene);
    expect(await redeliver({ since })).toEqual({ redelivered: 2, failed: 0, nextCursor: null });
    const restarted = [
      [paid, "deliver-payment"],
      [refunded, "deliver-refund"],
    ] as const;
    for (const [order, kind] of restarted) {
      const timer = await timerOf(order, kind);
      expect(timer?.attempt).toBe(0);
      expect(timer?.dueAt).toBeGreaterThanOrEqual(Date.now());
      expect(timer?.dueAt).toBeLessThan(Date.now() + 60_000);
    }
    for (const [order, kind] of restarted) await runNextTimer(order, kind);
    expect((await rowOf(paid)).payNotifyState).toBe("confirmed");
    expect((await refundOf(refunded)).notifyState).toBe("confirmed");
    for (const order of [confirmed, waiting])
      expect(await timerOf(order, "deliver-payment")).toBeUndefined();
    expect(await redeliver({ since })).toMatchObject({ redelivered: 0 });
  });

  test("filters by the last call's time, app and event", async () => {
    const scene = await openLaterScene();
    const before = Date.now();
    await failingOrder(scene);
    vi.setSystemTime(Date.now() + 1000);
    const since = Date.now();
    const recent = await failingOrder(scene, 1);
    await failingRefund(scene);
    const sibling = await openSibling(scene.shop);
    await failingOrder({ ...scene, shop: sibling }, 1);
    expect((await rowOf(recent)).updatedAt).toBe(since);
    expect(await count({ since: before })).toBe(4);
    expect(await count({ since })).toBe(3);
    expect(await count({ since, event: "pay" })).toBe(2);
    expect(await count({ since, event: "refund" })).toBe(1);
    expect(await count({ since, appId: scene.shop.appId })).toBe(2);
    expect(await count({ since, appId: sibling.appId })).toBe(1);
    expect(await count({ since: since + 1 })).toBe(0);
  });

  test("pages through many failing deliveries, each once, even if called meanwhile", async () => {
    const scene = await openLaterScene();
    const since = Date.now();
    const order = await failingOrder(scene, 1);
    const refunded = await failingRefund(scene);
    // With the same last call; the copies' objects don't have the order.
    await copyOrder(order, 399);
    const first = await redeliver({ since });
    expect(first).toMatchObject({ redelivered: 200, failed: 0 });
    await env.DB.prepare(
      "update orders set updated_at = updated_at + 60000 where id in (select id from orders where app_id = ? order by id desc limit 50)",
    )
      .bind(scene.shop.appId)
      .run();
    const second = await redeliver({ since, cursor: first["nextCursor"] });
    expect(second).toMatchObject({ redelivered: 200, failed: 0 });
    expect(await timerOf(refunded, "deliver-refund")).toMatchObject({ attempt: 1 });
    const third = await redeliver({ since, cursor: second["nextCursor"] });
    expect(third).toEqual({ redelivered: 1, failed: 0, nextCursor: null });
    expect(await timerOf(refunded, "deliver-refund")).toMatchObject({ attempt: 0 });
    expect(await timerOf(order, "deliver-payment")).toMatchObject({ attempt: 0 });
  });

  test("counts the deliveries that can't be restarted and continues with the others", async () => {
    const scene = await openLaterScene();
    const since = Date.now();
    await failingOrder(scene, 1);
    await failingOrder(scene, 1);
    instrumentD1().fail({
      sql: /in \(select "id" from "orders" where "orders"."number"/,
      how: "lost before",
    });
    expect(await redeliver({ since })).toMatchObject({ redelivered: 1, failed: 1 });
  });

  test.for([
    [{}, "since"],
    [{ since: -1 }, "since"],
    [{ since: "yesterday" }, "since"],
    [{ since: 1, event: "all" }, "event"],
    [{ since: 1, appId: 0 }, "appId"],
    [{ since: 1, cursor: "pay.1" }, "cursor"],
    [{ since: 1, event: "pay", cursor: "refund.1.1" }, "cursor"],
    [{ since: 1, speed: 9 }, "speed"],
  ] as const)("refuses the body %j", async ([body, path]) => {
    const answer = await sendAdmin("POST", PATH, { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual([path]);
  });
});

describe("POST /admin/orders/:id/redeliver with refundNo", () => {
  test("calls the app about that refund even if it isn't the latest", async () => {
    const scene = await openLaterScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    await requestRefund(scene, order);
    const { number: closed } = await refundOf(order);
    scene.wechat.refund(closed).status = "REFUNDCLOSE";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    vi.setSystemTime(Date.now() + 60_000);
    await requestRefund(scene, order);
    const [, open] = await refundsOf(order);
    if (open === undefined) throw new Error("no second refund");
    scene.wechat.refund(open.number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    const path = `/admin/orders/${order.id}/redeliver`;
    const before = scene.app.calls.length;
    const answer = await sendAdmin("POST", path, { body: { event: "refund", refundNo: closed } });
    expect(answer.status).toBe(202);
    await runDueTimers(order);
    const reported = scene.app.calls
      .slice(before)
      .map(({ parameters }) => parameters.get("refund_no"));
    expect(reported).toEqual([closed]);
    expect(await objectOf(order).redeliver("refund")).toBe("armed");
    expect(await timerOf(order, "deliver-refund")).toMatchObject({ refundNo: open.number });
  });

  test("answers 404 for another order's refund, 409 without an outcome, 400 for a payment", async () => {
    const scene = await openLaterScene();
    const order = await makePaidOrder(scene);
    const other = await failingRefund(scene);
    const path = `/admin/orders/${order.id}/redeliver`;
    const redeliverOrder = async (body: object) => await sendAdmin("POST", path, { body });
    const { number } = await refundOf(other);
    expect((await redeliverOrder({ event: "refund", refundNo: number })).status).toBe(404);
    expect((await redeliverOrder({ event: "refund" })).status).toBe(409);
    const owner = { orderId: order.id, appId: scene.shop.appId, number: randomHex32() };
    const request = {
      appRefundNo: null,
      refundFen: 1,
      notifyUrl: "https://gateway.test/",
      reason: null,
      fundsAccount: null,
    };
    await insertRefund(db, { ...owner, ...request }, null, Date.now());
    expect((await redeliverOrder({ event: "refund", refundNo: owner.number })).status).toBe(409);
    expect(fieldErrors(await redeliverOrder({ event: "pay", refundNo: owner.number }))).toEqual({
      refundNo: "is allowed with the event refund only",
    });
  });
});
