import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { resolveOpenIncident } from "../../src/db/incidents.ts";
import { incidents } from "../../src/db/schema.ts";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponse } from "../support/app-receiver.ts";
import { UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  timersOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyRefund } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import { closeScene, until, type Scene } from "../support/scene.ts";
import {
  HOUR,
  cursorOf,
  MINUTE,
  openSweepScene,
  runSchedule,
  runSweep,
  sweepLogs,
  wipeStorage,
} from "./support.ts";

/** The statement with which an order's object reads the order and its refunds. */
const READ = /in \(select "id" from "orders" where "orders"."number"/;

afterEach(closeScene);

async function incidentsOf({ number }: Pick<OrderRef, "number">) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

/** An order with an accepted refund whose app has confirmed the payment. */
async function refundedOrder(scene: Scene): Promise<{ order: OrderRef; refundNo: string }> {
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  return { order, refundNo: (await refundOf(order)).number };
}

describe("sweep, waiting order", () => {
  test("arms the timer of an order that its object lost, which then fails the order", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    await wipeStorage(order);
    advance(1 * MINUTE);
    await runSchedule();
    expect(await timersOf(order)).toEqual([]);
    advance(1 * MINUTE + 1);
    await runSchedule();
    const timer = await timerOf(order, "poll-payment");
    expect(timer?.dueAt).toBeGreaterThanOrEqual(Date.now());
    expect(timer?.dueAt).toBeLessThan(Date.now() + 75);
    expect(sweepLogs(scene)).toMatchObject([
      { level: "warn", checked: 1, armed: 1, woken: 0, failed: 0, more: false },
    ]);
    while ((await timerOf(order, "poll-payment")) !== undefined)
      await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("restores a timer lost later once the order is past its expiry", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    advance(6 * MINUTE);
    await runSchedule();
    await wipeStorage(order);
    scene.wechat.pay(order.number);
    advance(60 * MINUTE);
    await runSchedule();
    expect(await timersOf(order)).toEqual([]);
    advance(90 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.calls).toHaveLength(1);
  });

  test("keeps an existing timer and checks the order twice in all", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    await runNextTimer(order, "poll-payment");
    const before = await timersOf(order);
    advance(5 * MINUTE);
    for (let run = 0; run < 20; run += 1) {
      await runSchedule();
      advance(10 * MINUTE);
    }
    expect(await timersOf(order)).toEqual(before);
    expect(sweepLogs(scene)).toMatchObject([
      { level: "info", checked: 1, armed: 0, woken: 0 },
      { level: "info", checked: 1, armed: 0, woken: 0 },
    ]);
  });

  test("restores a lost alarm when the timer still exists", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    const alarm = async () =>
      await runInDurableObject(objectOf(order), async (_object, state) => {
        const at = await state.storage.getAlarm();
        await state.storage.deleteAlarm();
        return at;
      });
    const before = await alarm();
    advance(6 * MINUTE);
    await evictDurableObject(objectOf(order));
    await runSchedule();
    expect(await alarm()).toBe(before);
    expect(sweepLogs(scene)).toMatchObject([{ armed: 0, woken: 1 }]);
  });
});

describe("I5: sweep, paid order", () => {
  test("restores the delivery to an app that was never called", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    await wipeStorage(order);
    advance(6 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });

  test("resumes an interrupted schedule at its attempt once the call is overdue", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 7 }, () => appResponse("fail")));
    for (let call = 0; call < 6; call += 1) await runNextTimer(order, "deliver-payment");
    const dueAt = (await timerOf(order, "deliver-payment"))?.dueAt ?? 0;
    await wipeStorage(order);
    // An alarm may be late.
    vi.setSystemTime(dueAt + 2 * MINUTE);
    await runSchedule();
    expect(await timersOf(order)).toEqual([]);
    advance(1);
    await runSchedule();
    expect(await timerOf(order, "deliver-payment")).toMatchObject({ attempt: 6 });
    await runNextTimer(order, "deliver-payment");
    const wait = ((await timerOf(order, "deliver-payment"))?.dueAt ?? 0) - Date.now();
    expect(wait).toBeGreaterThanOrEqual(30 * MINUTE);
    expect(wait).toBeLessThanOrEqual(33 * MINUTE);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 7 });
  });

  test("leaves a delivery with a long wait alone", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("no", { headers: { "retry-after": "21600" } }));
    await runNextTimer(order, "deliver-payment");
    const before = await timersOf(order);
    advance(5 * HOUR);
    await runSchedule();
    // Not even checked: it isn't overdue.
    expect(sweepLogs(scene)).toEqual([]);
    advance(2 * HOUR);
    await runSchedule();
    expect(await timersOf(order)).toEqual(before);
    expect(sweepLogs(scene)).toMatchObject([{ checked: 1, armed: 0 }]);
  });

  test("restores a call at its planned time when the order is found earlier", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("no", { headers: { "retry-after": "21600" } }));
    await runNextTimer(order, "deliver-payment");
    const before = await timersOf(order);
    await wipeStorage(order);
    expect(await objectOf(order).ensureTimers(0)).toMatchObject({ armed: 1, incidents: 0 });
    expect(await timersOf(order)).toEqual(before);
  });

  test("restores the planned call of a redelivery beyond the schedule's 16", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 17 }, () => appResponse("fail")));
    for (let call = 0; call < 16; call += 1) await runNextTimer(order, "deliver-payment");
    await objectOf(order).redeliver("pay");
    await runNextTimer(order, "deliver-payment");
    await wipeStorage(order);
    advance(3 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 18 });
  });

  test("restores a call of a row from before plans were stored", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("fail"));
    await runNextTimer(order, "deliver-payment");
    await env.DB.prepare("update orders set next_call_at = null where id = ?").bind(order.id).run();
    await wipeStorage(order);
    advance(7 * HOUR);
    await runSchedule();
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("doesn't restart an exhausted schedule and opens its incident once", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 16 }, () => appResponse("fail")));
    for (let call = 0; call < 16; call += 1) await runNextTimer(order, "deliver-payment");
    const name = { kind: "delivery_exhausted", subject: order.number } as const;
    await resolveOpenIncident(db, name, "told them by telephone", Date.now());
    advance(7 * HOUR);
    await runSchedule();
    expect(await incidentsOf(order)).toMatchObject([{ seen: 1, note: "told them by telephone" }]);
    // As a schedule that ended before incidents existed.
    await db.delete(incidents).where(eq(incidents.orderNumber, order.number));
    expect(await objectOf(order).ensureTimers(0)).toMatchObject({
      kind: "restored",
      armed: 0,
      incidents: 1,
      woken: false,
    });
    expect(await objectOf(order).ensureTimers(0)).toMatchObject({ kind: "complete" });
    expect(await incidentsOf(order)).toMatchObject([{ seen: 1, resolvedAt: null }]);
    expect(await timersOf(order)).toEqual([]);
    expect(scene.app.calls).toHaveLength(16);
  });

  test("leaves confirmed and failed orders alone", async () => {
    const scene = await openSweepScene();
    const confirmed = await makePaidOrder(scene);
    await runDueTimers(confirmed);
    const failed = await makeOrder(scene);
    scene.wechat.order(failed.number).state = "CLOSED";
    await runNextTimer(failed, "poll-payment");
    for (const order of [confirmed, failed]) {
      await wipeStorage(order);
      expect(await objectOf(order).ensureTimers(0)).toMatchObject({ kind: "complete" });
    }
    advance(8 * HOUR);
    await runSchedule();
    expect(sweepLogs(scene)).toEqual([]);
  });
});

describe("sweep, refund", () => {
  test("restores an interrupted schedule of calls within a quarter of an hour", async () => {
    const scene = await openSweepScene();
    const { order, refundNo } = await refundedOrder(scene);
    scene.wechat.refund(refundNo).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    scene.app.respondWith(appResponse("fail"));
    await runDueTimers(order);
    expect((await refundOf(order)).nextCallAt).toBe(
      (await timerOf(order, "deliver-refund"))?.dueAt,
    );
    await wipeStorage(order);
    advance(3 * MINUTE);
    await runSchedule();
    expect(await timerOf(order, "deliver-refund")).toMatchObject({ attempt: 1 });
    await runNextTimer(order, "deliver-refund");
    expect(await refundOf(order)).toMatchObject({ notifyState: "confirmed", nextCallAt: null });
  });

  test("restores the poll of an open refund, accepted or only requested", async () => {
    const scene = await openSweepScene();
    const { order: accepted } = await refundedOrder(scene);
    const requested = await makePaidOrder(scene);
    await runDueTimers(requested);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    await requestRefund(scene, requested);
    for (const order of [accepted, requested]) {
      const { number } = await refundOf(order);
      scene.wechat.refund(number).status = "SUCCESS";
      await wipeStorage(order);
    }
    advance(31 * MINUTE);
    await runSchedule();
    for (const order of [accepted, requested]) {
      await runNextTimer(order, "poll-refund");
      await runDueTimers(order);
      expect(await refundOf(order)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
    }
  });

  test("checks an open refund again after 12 hours, not on every run", async () => {
    const scene = await openSweepScene();
    const { order } = await refundedOrder(scene);
    advance(31 * MINUTE);
    await runSchedule();
    await wipeStorage(order);
    advance(10 * MINUTE);
    await runSchedule();
    expect(await timersOf(order)).toEqual([]);
    advance(12 * HOUR);
    await runSchedule();
    expect(await timerOf(order, "poll-refund")).toBeDefined();
  });

  test("restores an undelivered outcome even if the earlier state took 16 calls", async () => {
    const scene = await openSweepScene();
    const { order, refundNo } = await refundedOrder(scene);
    const notification = {
      out_trade_no: order.number,
      out_refund_no: refundNo,
      refund_status: "SUCCESS",
    };
    scene.wechat.refund(refundNo).status = "SUCCESS";
    await notifyRefund(scene.shop, notification);
    await env.DB.prepare("update refunds set notify_number = 16 where number = ?")
      .bind(refundNo)
      .run();
    await wipeStorage(order);
    advance(31 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "deliver-refund");
    expect(await refundOf(order)).toMatchObject({ notifyState: "confirmed", notifyNumber: 17 });
  });

  test("restores the poll of an abnormal refund even if the app confirmed that state", async () => {
    const scene = await openSweepScene();
    const { order, refundNo } = await refundedOrder(scene);
    scene.wechat.refund(refundNo).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    expect(await refundOf(order)).toMatchObject({ state: "abnormal", notifyState: "confirmed" });
    await wipeStorage(order);
    advance(31 * MINUTE);
    await runSchedule();
    expect((await timersOf(order)).map(({ kind }) => kind)).toEqual(["poll-refund"]);
  });
});

describe("sweep, one run", () => {
  test("checks at most its limit of orders; the next run continues from the cursor", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    advance(6 * MINUTE);
    const armed = async () =>
      (await Promise.all(orders.map(timersOf))).filter(({ length }) => length > 0).length;
    await runSweep({ sweep_new_order: 2 });
    expect(await armed()).toBe(2);
    expect(sweepLogs(scene).at(-1)).toMatchObject({ checked: 2, more: true });
    await runSweep({ sweep_new_order: 2 });
    expect(await armed()).toBe(3);
    await runSweep({ sweep_new_order: 2 });
    expect(sweepLogs(scene).at(-1)).toMatchObject({ more: false });
    expect(await cursorOf("sweep_new_order")).toBe((orders[2]?.id ?? 0) + 1);
  });

  test("continues past an order that fails and checks it again on the next run", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    advance(6 * MINUTE);
    instrumentD1().fail({ sql: READ, how: "lost before" });
    await runSweep({ sweep_new_order: 10 });
    expect(sweepLogs(scene)).toMatchObject([{ checked: 3, armed: 2, failed: 1 }]);
    await runSweep({ sweep_new_order: 10 });
    for (const order of orders) expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test("runs the other scans when one fails", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    await wipeStorage(order);
    advance(6 * MINUTE);
    instrumentD1().fail({
      sql: /pay_notify_state = 'failing' and next_call_at is not null/,
      how: "lost before",
    });
    await runSchedule();
    expect(scene.logged.join()).toContain("sweep_failed");
    expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test("doesn't skip an order that was created later than the one with the next id", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    const [first, second] = orders;
    if (first === undefined || second === undefined) throw new Error("no orders");
    await env.DB.prepare("update orders set created_at = created_at + 1000 where id = ?")
      .bind(first.id)
      .run();
    advance(2 * MINUTE + 500);
    await runSchedule();
    expect(await cursorOf("sweep_new_order")).toBe(first.id);
    advance(1000);
    await runSchedule();
    expect(await timerOf(first, "poll-payment")).toBeDefined();
    expect(await timerOf(second, "poll-payment")).toBeDefined();
  });

  test("doesn't arm a timer that ran while the sweep was reading", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("fail"));
    await runNextTimer(order, "deliver-payment");
    expect((await rowOf(order)).payNotifyState).toBe("failing");
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: READ, how: "held after", gate: held.opened });
    const ensuring = objectOf(order).ensureTimers(0);
    await until(() => log.trips.flat().some((statement) => READ.test(statement)));
    await runNextTimer(order, "deliver-payment");
    held.release();
    expect(await ensuring).toMatchObject({ armed: 0 });
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });
});
