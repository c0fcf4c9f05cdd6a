import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { resolveOpenIncident } from "../../src/db/incidents.ts";
import { incidents } from "../../src/db/schema.ts";
import { advance, gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { says } from "../support/fake-app.ts";
import { UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  timersOf,
  type Made,
} from "../support/life.ts";
import { notifyRefund } from "../support/notices.ts";
import { db } from "../support/rows.ts";
import { closeWorld, until, type World } from "../support/world.ts";
import {
  HOUR,
  markOf,
  MINUTE,
  openSweptWorld,
  runSchedule,
  sweepAtMost,
  sweeps,
  wipe,
} from "./support.ts";

/** How an order's object reads it, with its refunds. */
const READ = /select id from orders where number/;

afterEach(closeWorld);

async function incidentsOf({ number }: Pick<Made, "number">) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

/** A refund that WeChat has taken, of an order whose app knows of the payment. */
async function refundedOrder(world: World): Promise<{ made: Made; refundNo: string }> {
  const made = await makePaidOrder(world);
  await runDue(made);
  await refund(world, made);
  return { made, refundNo: (await refundOf(made)).number };
}

describe("a waiting order", () => {
  test("whose object never heard of it is closed and failed in the end", async () => {
    const world = await openSweptWorld();
    const made = await makeOrder(world);
    await wipe(made);
    advance(1 * MINUTE);
    await runSchedule();
    expect(await timersOf(made)).toEqual([]);
    advance(1 * MINUTE + 1);
    await runSchedule();
    const timer = await timerOf(made, "poll-payment");
    expect(timer?.dueAt).toBeGreaterThanOrEqual(Date.now());
    expect(timer?.dueAt).toBeLessThan(Date.now() + 75);
    expect(sweeps(world)).toMatchObject([
      { level: "warn", checked: 1, armed: 1, woken: 0, failed: 0, more: false },
    ]);
    while ((await timerOf(made, "poll-payment")) !== undefined) await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
  });

  test("that lost its timer later is found when it should be over", async () => {
    const world = await openSweptWorld();
    const made = await makeOrder(world);
    advance(6 * MINUTE);
    await runSchedule();
    await wipe(made);
    world.wechat.pay(made.number);
    advance(60 * MINUTE);
    await runSchedule();
    expect(await timersOf(made)).toEqual([]);
    advance(90 * MINUTE);
    await runSchedule();
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(world.app.calls).toHaveLength(1);
  });

  test("that has its timer keeps it as it is, and is looked at twice in all", async () => {
    const world = await openSweptWorld();
    const made = await makeOrder(world);
    await runNext(made, "poll-payment");
    const before = await timersOf(made);
    advance(5 * MINUTE);
    for (let run = 0; run < 20; run += 1) {
      await runSchedule();
      advance(10 * MINUTE);
    }
    expect(await timersOf(made)).toEqual(before);
    expect(sweeps(world)).toMatchObject([
      { level: "info", checked: 1, armed: 0, woken: 0 },
      { level: "info", checked: 1, armed: 0, woken: 0 },
    ]);
  });

  test("whose alarm was lost while its timer is there is woken", async () => {
    const world = await openSweptWorld();
    const made = await makeOrder(world);
    const alarm = async () =>
      await runInDurableObject(objectOf(made), async (_object, state) => {
        const at = await state.storage.getAlarm();
        await state.storage.deleteAlarm();
        return at;
      });
    const before = await alarm();
    advance(6 * MINUTE);
    await evictDurableObject(objectOf(made));
    await runSchedule();
    expect(await alarm()).toBe(before);
    expect(sweeps(world)).toMatchObject([{ armed: 0, woken: 1 }]);
  });
});

describe("a paid order", () => {
  test("whose app was never called is told", async () => {
    const world = await openSweptWorld();
    const made = await makePaidOrder(world);
    await wipe(made);
    advance(6 * MINUTE);
    await runSchedule();
    await runNext(made, "deliver-payment");
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });

  test("whose calls broke off is called again where the schedule was, once it is overdue", async () => {
    const world = await openSweptWorld();
    const made = await makePaidOrder(world);
    world.app.reply(...Array.from({ length: 7 }, () => says("fail")));
    for (let call = 0; call < 6; call += 1) await runNext(made, "deliver-payment");
    await wipe(made);
    // The sixth wait is 20 minutes, and up to 10 % more; an alarm may be late.
    advance(24 * MINUTE);
    await runSchedule();
    expect(await timersOf(made)).toEqual([]);
    advance(1);
    await runSchedule();
    expect(await timerOf(made, "deliver-payment")).toMatchObject({ attempt: 6 });
    await runNext(made, "deliver-payment");
    const wait = ((await timerOf(made, "deliver-payment"))?.dueAt ?? 0) - Date.now();
    expect(wait).toBeGreaterThanOrEqual(30 * MINUTE);
    expect(wait).toBeLessThanOrEqual(33 * MINUTE);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 7 });
  });

  test("whose calls are just far apart is left alone", async () => {
    const world = await openSweptWorld();
    const made = await makePaidOrder(world);
    world.app.reply(says("no", { headers: { "retry-after": "21600" } }));
    await runNext(made, "deliver-payment");
    const before = await timersOf(made);
    advance(7 * HOUR);
    await runSchedule();
    expect(await timersOf(made)).toEqual(before);
    expect(sweeps(world)).toMatchObject([{ armed: 0 }]);
  });

  test("whose schedule has ended is not called again; that it ended is an incident, once", async () => {
    const world = await openSweptWorld();
    const made = await makePaidOrder(world);
    world.app.reply(...Array.from({ length: 16 }, () => says("fail")));
    for (let call = 0; call < 16; call += 1) await runNext(made, "deliver-payment");
    const name = { kind: "delivery_exhausted", subject: made.number } as const;
    await resolveOpenIncident(db, name, "told them by telephone", Date.now());
    advance(7 * HOUR);
    await runSchedule();
    expect(await incidentsOf(made)).toMatchObject([{ seen: 1, note: "told them by telephone" }]);
    // As one that ended before there were incidents.
    await db.delete(incidents).where(eq(incidents.orderNumber, made.number));
    expect(await objectOf(made).ensureTimers(0)).toMatchObject({
      kind: "restored",
      armed: 0,
      incidents: 1,
      woken: false,
    });
    expect(await objectOf(made).ensureTimers(0)).toMatchObject({ kind: "complete" });
    expect(await incidentsOf(made)).toMatchObject([{ seen: 1, resolvedAt: null }]);
    expect(await timersOf(made)).toEqual([]);
    expect(world.app.calls).toHaveLength(16);
  });

  test("that was told, and a failed one, are left alone", async () => {
    const world = await openSweptWorld();
    const told = await makePaidOrder(world);
    await runDue(told);
    const failed = await makeOrder(world);
    world.wechat.order(failed.number).state = "CLOSED";
    await runNext(failed, "poll-payment");
    for (const made of [told, failed]) {
      await wipe(made);
      expect(await objectOf(made).ensureTimers(0)).toMatchObject({ kind: "complete" });
    }
    advance(8 * HOUR);
    await runSchedule();
    expect(sweeps(world)).toEqual([]);
  });
});

describe("a refund", () => {
  test("that is open is asked about again, whether or not WeChat is known to have it", async () => {
    const world = await openSweptWorld();
    const { made: accepted } = await refundedOrder(world);
    const requested = await makePaidOrder(world);
    await runDue(requested);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    await refund(world, requested);
    for (const made of [accepted, requested]) {
      const { number } = await refundOf(made);
      world.wechat.refund(number).status = "SUCCESS";
      await wipe(made);
    }
    advance(31 * MINUTE);
    await runSchedule();
    for (const made of [accepted, requested]) {
      await runNext(made, "poll-refund");
      await runDue(made);
      expect(await refundOf(made)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
    }
  });

  test("that is still open the next day is looked at again then, and not on every run", async () => {
    const world = await openSweptWorld();
    const { made } = await refundedOrder(world);
    advance(31 * MINUTE);
    await runSchedule();
    await wipe(made);
    advance(10 * MINUTE);
    await runSchedule();
    expect(await timersOf(made)).toEqual([]);
    advance(12 * HOUR);
    await runSchedule();
    expect(await timerOf(made, "poll-refund")).toBeDefined();
  });

  test("whose outcome the app was not told is told, though earlier news took many calls", async () => {
    const world = await openSweptWorld();
    const { made, refundNo } = await refundedOrder(world);
    const news = { out_trade_no: made.number, out_refund_no: refundNo, refund_status: "SUCCESS" };
    world.wechat.refund(refundNo).status = "SUCCESS";
    await notifyRefund(world.shop, news);
    await env.DB.prepare("update refunds set notify_number = 16 where number = ?")
      .bind(refundNo)
      .run();
    await wipe(made);
    advance(31 * MINUTE);
    await runSchedule();
    await runNext(made, "deliver-refund");
    expect(await refundOf(made)).toMatchObject({ notifyState: "confirmed", notifyNumber: 17 });
  });

  test("that needs a person is asked about, though the app has confirmed that", async () => {
    const world = await openSweptWorld();
    const { made, refundNo } = await refundedOrder(world);
    world.wechat.refund(refundNo).status = "CHANGE";
    await runNext(made, "poll-refund");
    await runDue(made);
    expect(await refundOf(made)).toMatchObject({ state: "abnormal", notifyState: "confirmed" });
    await wipe(made);
    advance(31 * MINUTE);
    await runSchedule();
    expect((await timersOf(made)).map(({ kind }) => kind)).toEqual(["poll-refund"]);
  });
});

describe("a run", () => {
  test("looks at so many orders at most, and the next goes on where it ended", async () => {
    const world = await openSweptWorld();
    const made = [await makeOrder(world), await makeOrder(world), await makeOrder(world)];
    for (const order of made) await wipe(order);
    advance(6 * MINUTE);
    const armed = async () =>
      (await Promise.all(made.map(timersOf))).filter(({ length }) => length > 0).length;
    await sweepAtMost(2);
    expect(await armed()).toBe(2);
    expect(sweeps(world).at(-1)).toMatchObject({ checked: 2, more: true });
    await sweepAtMost(2);
    expect(await armed()).toBe(3);
    await sweepAtMost(2);
    expect(sweeps(world).at(-1)).toMatchObject({ more: false });
    expect(await markOf("sweep_new_order")).toBe((made[2]?.id ?? 0) + 1);
  });

  test("goes on past an order that fails, and looks at that one again the next time", async () => {
    const world = await openSweptWorld();
    const made = [await makeOrder(world), await makeOrder(world), await makeOrder(world)];
    for (const order of made) await wipe(order);
    advance(6 * MINUTE);
    watchD1().fail({ sql: READ, how: "lost before" });
    await sweepAtMost(10);
    expect(sweeps(world)).toMatchObject([{ checked: 3, armed: 2, failed: 1 }]);
    await sweepAtMost(10);
    for (const order of made) expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test("goes its other ways when one can't be gone", async () => {
    const world = await openSweptWorld();
    const made = await makeOrder(world);
    await wipe(made);
    advance(6 * MINUTE);
    watchD1().fail({ sql: /pay_notify_state" = 'failing'/, how: "lost before" });
    await runSchedule();
    expect(world.logged.join()).toContain("sweep_failed");
    expect(await timerOf(made, "poll-payment")).toBeDefined();
  });

  test("doesn't leave behind an order that was made before a younger one with a lower id", async () => {
    const world = await openSweptWorld();
    const made = [await makeOrder(world), await makeOrder(world)];
    for (const order of made) await wipe(order);
    const [first, second] = made;
    if (first === undefined || second === undefined) throw new Error("not made");
    await env.DB.prepare("update orders set created_at = created_at + 1000 where id = ?")
      .bind(first.id)
      .run();
    advance(2 * MINUTE + 500);
    await runSchedule();
    expect(await markOf("sweep_new_order")).toBe(first.id);
    advance(1000);
    await runSchedule();
    expect(await timerOf(first, "poll-payment")).toBeDefined();
    expect(await timerOf(second, "poll-payment")).toBeDefined();
  });

  test("does not arm what does its work while the sweep is reading", async () => {
    const world = await openSweptWorld();
    const made = await makePaidOrder(world);
    world.app.reply(says("fail"));
    await runNext(made, "deliver-payment");
    expect((await rowOf(made)).payNotifyState).toBe("failing");
    const held = gate();
    const log = watchD1();
    log.fail({ sql: READ, how: "held after", gate: held.passed });
    const looking = objectOf(made).ensureTimers(0);
    await until(() => log.trips.flat().some((statement) => READ.test(statement)));
    await runNext(made, "deliver-payment");
    held.release();
    expect(await looking).toMatchObject({ armed: 0 });
    expect(await timerOf(made, "deliver-payment")).toBeUndefined();
  });
});
