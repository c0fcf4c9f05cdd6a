import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
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

/** How an order's object reads it, with its refunds. */
const READ = /select id from orders where number/;

afterEach(closeScene);

async function incidentsOf({ number }: Pick<OrderRef, "number">) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

/** A refund that WeChat has taken, of an order whose app knows of the payment. */
async function refundedOrder(scene: Scene): Promise<{ order: OrderRef; refundNo: string }> {
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  return { order, refundNo: (await refundOf(order)).number };
}

describe("a waiting order", () => {
  test("whose object never heard of it is closed and failed in the end", async () => {
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

  test("that lost its timer later is found when it should be over", async () => {
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

  test("that has its timer keeps it as it is, and is looked at twice in all", async () => {
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

  test("whose alarm was lost while its timer is there is woken", async () => {
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

describe("a paid order", () => {
  test("whose app was never called is told", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    await wipeStorage(order);
    advance(6 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });

  test("whose calls broke off is called again where the schedule was, once it is overdue", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 7 }, () => appResponse("fail")));
    for (let call = 0; call < 6; call += 1) await runNextTimer(order, "deliver-payment");
    await wipeStorage(order);
    // The sixth wait is 20 minutes, and up to 10 % more; an alarm may be late.
    advance(24 * MINUTE);
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

  test("whose calls are just far apart is left alone", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("no", { headers: { "retry-after": "21600" } }));
    await runNextTimer(order, "deliver-payment");
    const before = await timersOf(order);
    advance(7 * HOUR);
    await runSchedule();
    expect(await timersOf(order)).toEqual(before);
    expect(sweepLogs(scene)).toMatchObject([{ armed: 0 }]);
  });

  test("whose schedule has ended is not called again; that it ended is an incident, once", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 16 }, () => appResponse("fail")));
    for (let call = 0; call < 16; call += 1) await runNextTimer(order, "deliver-payment");
    const name = { kind: "delivery_exhausted", subject: order.number } as const;
    await resolveOpenIncident(db, name, "told them by telephone", Date.now());
    advance(7 * HOUR);
    await runSchedule();
    expect(await incidentsOf(order)).toMatchObject([{ seen: 1, note: "told them by telephone" }]);
    // As one that ended before there were incidents.
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

  test("that was told, and a failed one, are left alone", async () => {
    const scene = await openSweepScene();
    const told = await makePaidOrder(scene);
    await runDueTimers(told);
    const failed = await makeOrder(scene);
    scene.wechat.order(failed.number).state = "CLOSED";
    await runNextTimer(failed, "poll-payment");
    for (const order of [told, failed]) {
      await wipeStorage(order);
      expect(await objectOf(order).ensureTimers(0)).toMatchObject({ kind: "complete" });
    }
    advance(8 * HOUR);
    await runSchedule();
    expect(sweepLogs(scene)).toEqual([]);
  });
});

describe("a refund", () => {
  test("that is open is asked about again, whether or not WeChat is known to have it", async () => {
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

  test("that is still open the next day is looked at again then, and not on every run", async () => {
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

  test("whose outcome the app was not told is told, though earlier news took many calls", async () => {
    const scene = await openSweepScene();
    const { order, refundNo } = await refundedOrder(scene);
    const news = { out_trade_no: order.number, out_refund_no: refundNo, refund_status: "SUCCESS" };
    scene.wechat.refund(refundNo).status = "SUCCESS";
    await notifyRefund(scene.shop, news);
    await env.DB.prepare("update refunds set notify_number = 16 where number = ?")
      .bind(refundNo)
      .run();
    await wipeStorage(order);
    advance(31 * MINUTE);
    await runSchedule();
    await runNextTimer(order, "deliver-refund");
    expect(await refundOf(order)).toMatchObject({ notifyState: "confirmed", notifyNumber: 17 });
  });

  test("that needs a person is asked about, though the app has confirmed that", async () => {
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

describe("a run", () => {
  test("looks at so many orders at most, and the next goes on where it ended", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    advance(6 * MINUTE);
    const armed = async () =>
      (await Promise.all(orders.map(timersOf))).filter(({ length }) => length > 0).length;
    await runSweep(2);
    expect(await armed()).toBe(2);
    expect(sweepLogs(scene).at(-1)).toMatchObject({ checked: 2, more: true });
    await runSweep(2);
    expect(await armed()).toBe(3);
    await runSweep(2);
    expect(sweepLogs(scene).at(-1)).toMatchObject({ more: false });
    expect(await cursorOf("sweep_new_order")).toBe((orders[2]?.id ?? 0) + 1);
  });

  test("goes on past an order that fails, and looks at that one again the next time", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    advance(6 * MINUTE);
    instrumentD1().fail({ sql: READ, how: "lost before" });
    await runSweep(10);
    expect(sweepLogs(scene)).toMatchObject([{ checked: 3, armed: 2, failed: 1 }]);
    await runSweep(10);
    for (const order of orders) expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test("goes its other ways when one can't be gone", async () => {
    const scene = await openSweepScene();
    const order = await makeOrder(scene);
    await wipeStorage(order);
    advance(6 * MINUTE);
    instrumentD1().fail({ sql: /pay_notify_state" = 'failing'/, how: "lost before" });
    await runSchedule();
    expect(scene.logged.join()).toContain("sweep_failed");
    expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test("doesn't leave behind an order that was made before a younger one with a lower id", async () => {
    const scene = await openSweepScene();
    const orders = [await makeOrder(scene), await makeOrder(scene)];
    for (const order of orders) await wipeStorage(order);
    const [first, second] = orders;
    if (first === undefined || second === undefined) throw new Error("not orders");
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

  test("does not arm what does its work while the sweep is reading", async () => {
    const scene = await openSweepScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("fail"));
    await runNextTimer(order, "deliver-payment");
    expect((await rowOf(order)).payNotifyState).toBe("failing");
    const held = gate();
    const log = instrumentD1();
    log.fail({ sql: READ, how: "held after", gate: held.opened });
    const looking = objectOf(order).ensureTimers(0);
    await until(() => log.trips.flat().some((statement) => READ.test(statement)));
    await runNextTimer(order, "deliver-payment");
    held.release();
    expect(await looking).toMatchObject({ armed: 0 });
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });
});
