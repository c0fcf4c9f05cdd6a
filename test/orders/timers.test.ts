import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { Timers, type TimerName } from "../../src/orders/timers.ts";
import { START, stopClock } from "../support/clock.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  rowOf,
  runDueTimers,
  timersOf,
} from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { closeScene, openScene } from "../support/scene.ts";

const POLL: TimerName = { kind: "poll-payment" };
const PAY: TimerName = { kind: "deliver-payment" };
const REFUND: TimerName = { kind: "poll-refund", refundNo: "0123456789abcdef0123456789abcdef" };

beforeEach(stopClock);
afterEach(closeScene);

/** Runs `work` with new timers in a new object; `billed` lists the rows written and alarms set. */
async function inObject(
  work: (timers: Timers, storage: DurableObjectStorage, billed: () => string[]) => Promise<void>,
): Promise<void> {
  const stub = env.ORDER_OBJECT.getByName(randomHex32());
  await runInDurableObject(stub, async (_object, { storage }) => {
    // The spies are on the prototypes, so no other object may work meanwhile.
    const put = vi.spyOn(Object.getPrototypeOf(storage.kv), "put");
    const remove = vi.spyOn(Object.getPrototypeOf(storage.kv), "delete");
    const alarm = vi.spyOn(Object.getPrototypeOf(storage), "setAlarm");
    const billed = (): string[] => {
      const all = [
        ...put.mock.invocationCallOrder.map((order) => ({ order, text: "put" })),
        ...remove.mock.invocationCallOrder.map((order) => ({ order, text: "delete" })),
        ...alarm.mock.invocationCallOrder.map((order, index) => ({
          order,
          text: `alarm ${Number(alarm.mock.calls[index]?.[0]) - START}`,
        })),
      ];
      for (const spy of [put, remove, alarm]) spy.mockClear();
      return all.toSorted((left, right) => left.order - right.order).map(({ text }) => text);
    };
    await work(new Timers(storage), storage, billed);
  });
}

describe("Timers, the alarm", () => {
  test("is set for the earliest timer and moved only if it would fire too late", async () => {
    await inObject(async (timers, storage, billed) => {
      await timers.arm(POLL, START + 60);
      expect(billed()).toEqual(["put", "alarm 60"]);
      await timers.arm(REFUND, START + 90);
      expect(billed()).toEqual(["put"]);
      await timers.arm(PAY, START + 30);
      expect(billed()).toEqual(["put", "alarm 30"]);
      await timers.armUnlessBegun(PAY, START + 10);
      expect(billed()).toEqual(["put", "alarm 10"]);
      await timers.armUnlessBegun(PAY, START + 70);
      expect(billed()).toEqual(["put"]);
      expect(await storage.getAlarm()).toBe(START + 10);
      expect(timers.all().map(({ kind }) => kind)).toEqual([
        "poll-payment",
        "deliver-payment",
        "poll-refund",
      ]);
    });
  });

  test("is set once at the end of an alarm, for all its changes", async () => {
    await inObject(async (timers, storage, billed) => {
      await timers.arm(PAY, START);
      await timers.arm(POLL, START + 60);
      await storage.deleteAlarm();
      billed();
      // The alarm starts the object with empty memory.
      const restarted = new Timers(storage);
      const [due, ...others] = restarted.beginAlarm(START);
      expect(others).toEqual([]);
      if (due === undefined) throw new Error("nothing is due");
      const begun = await restarted.begin(due, START + 15);
      await restarted.putOff(begun, START + 20);
      await restarted.arm(REFUND, START + 40);
      expect(billed()).toEqual(["put", "put", "put"]);
      await restarted.endAlarm();
      expect(billed()).toEqual(["alarm 20"]);
      expect(await storage.getAlarm()).toBe(START + 20);
    });
  });

  test("isn't set when no timer is armed", async () => {
    await inObject(async (timers, storage, billed) => {
      await timers.arm(PAY, START);
      await storage.deleteAlarm();
      billed();
      for (const due of timers.beginAlarm(START)) await timers.remove(due);
      await timers.endAlarm();
      expect(billed()).toEqual(["delete"]);
      expect(await storage.getAlarm()).toBeNull();
      expect(timers.all()).toEqual([]);
    });
  });

  test("is restored by the next operation after it was lost", async () => {
    await inObject(async (timers, storage) => {
      await timers.arm(POLL, START + 60);
      await storage.deleteAlarm();
      // A new instance, which doesn't have the alarm's time in memory.
      const restarted = new Timers(storage);
      expect(await restarted.armIfAbsent(POLL, START + 90)).toBe(false);
      expect(await storage.getAlarm()).toBe(START + 60);
      await storage.deleteAlarm();
      await restarted.endAlarm();
      expect(await storage.getAlarm()).toBe(START + 60);
    });
  });

  test("is set by the next change after setting it failed", async () => {
    await inObject(async (timers, storage) => {
      vi.spyOn(Object.getPrototypeOf(storage), "setAlarm").mockRejectedValueOnce(new Error("no"));
      await expect(timers.arm(POLL, START + 60)).rejects.toThrow("no");
      await timers.armIfAbsent(POLL, START + 60);
      expect(await storage.getAlarm()).toBe(START + 60);
    });
  });
});

describe("Timers, changes of a timer", () => {
  test("replace writes one row and never brings a started timer forward", async () => {
    await inObject(async (timers, _storage, billed) => {
      await timers.arm(POLL, START + 60);
      await timers.armIfAbsent(PAY, START + 60);
      billed();
      await timers.replace(POLL, PAY, START);
      expect(billed()).toEqual(["put", "alarm 0"]);
      expect(timers.all()).toMatchObject([{ ...PAY, dueAt: START, attempt: 0 }]);
      const [armed] = timers.all();
      if (armed === undefined) throw new Error("not armed");
      await timers.begin(armed, START + 15, 1);
      await timers.arm(POLL, START + 60);
      await timers.replace(POLL, PAY, START);
      expect(timers.all()).toMatchObject([{ ...PAY, dueAt: START + 15, attempt: 1, calls: 1 }]);
    });
  });

  test("putOff and remove ignore a timer that changed since it was read", async () => {
    await inObject(async (timers, _storage, billed) => {
      await timers.arm(PAY, START + 60);
      const [read] = timers.all();
      if (read === undefined) throw new Error("not armed");
      await timers.armUnlessBegun(PAY, START + 10);
      billed();
      await timers.putOff(read, START + 90);
      await timers.remove(read);
      expect(billed()).toEqual([]);
      expect(timers.all()).toMatchObject([{ ...PAY, dueAt: START + 10 }]);
      const [rearmed] = timers.all();
      if (rearmed === undefined) throw new Error("not armed");
      await timers.begin(rearmed, START + 10);
      await timers.remove(rearmed);
      expect(timers.all()).toMatchObject([{ ...PAY, attempt: 1 }]);
    });
  });

  test("begin doesn't restore a removed timer", async () => {
    await inObject(async (timers) => {
      await timers.arm(POLL, START);
      const [read] = timers.all();
      if (read === undefined) throw new Error("not armed");
      await timers.remove(read);
      expect(await timers.begin(read, START + 60)).toMatchObject({ attempt: 1 });
      expect(timers.all()).toEqual([]);
    });
  });

  test("arm resets the attempts of a timer and keeps its call count", async () => {
    await inObject(async (timers) => {
      await timers.arm(PAY, START);
      const [read] = timers.all();
      if (read === undefined) throw new Error("not armed");
      await timers.begin(read, START + 15, 3);
      await timers.arm(PAY, START + 5);
      expect(timers.all()).toMatchObject([{ dueAt: START + 5, attempt: 0, calls: 3 }]);
    });
  });
});

describe("timers of an order", () => {
  test("poll-payment is removed when the payment is recorded", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    expect((await timersOf(order)).map(({ kind }) => kind)).toEqual(["deliver-payment"]);
    await runDueTimers(order);
    expect(await timersOf(order)).toEqual([]);
    expect(scene.wechat.callsOf("/pay/orderquery")).toEqual([]);
  });

  test("a lost alarm is restored by the next notification, which delivers the payment", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runInDurableObject(objectOf(order), async (_object, { storage }) => {
      await storage.deleteAlarm();
    });
    await abortAllDurableObjects();
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    await runDueTimers(order);
    expect((await rowOf(order)).payNotifyState).toBe("confirmed");
  });
});
