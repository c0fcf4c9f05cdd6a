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

/** Fresh timers in a fresh object, with all that is billed: the rows put and the alarms set. */
async function inObject(
  work: (timers: Timers, storage: DurableObjectStorage, billed: () => string[]) => Promise<void>,
): Promise<void> {
  const stub = env.ORDER_OBJECT.getByName(randomHex32());
  await runInDurableObject(stub, async (_object, { storage }) => {
    // Spies reach the prototypes: no other object has anything to do meanwhile.
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

describe("the alarm", () => {
  test("goes off with the earliest timer, and is moved only when it would be too late", async () => {
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

  test("is set once for all that an alarm has done, at its end", async () => {
    await inObject(async (timers, storage, billed) => {
      await timers.arm(PAY, START);
      await timers.arm(POLL, START + 60);
      await storage.deleteAlarm();
      billed();
      // Woken by the alarm, the object remembers nothing.
      const woken = new Timers(storage);
      const [due, ...others] = woken.beginAlarm(START);
      expect(others).toEqual([]);
      if (due === undefined) throw new Error("nothing is due");
      const begun = await woken.begin(due, START + 15);
      await woken.putOff(begun, START + 20);
      await woken.arm(REFUND, START + 40);
      expect(billed()).toEqual(["put", "put", "put"]);
      await woken.endAlarm();
      expect(billed()).toEqual(["alarm 20"]);
      expect(await storage.getAlarm()).toBe(START + 20);
    });
  });

  test("isn't set when nothing is armed any more", async () => {
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

  test("that was lost is set again, by whatever is done with the timers next", async () => {
    await inObject(async (timers, storage) => {
      await timers.arm(POLL, START + 60);
      await storage.deleteAlarm();
      // Another object's memory: what this one remembers of the alarm is gone.
      const woken = new Timers(storage);
      expect(await woken.armIfAbsent(POLL, START + 90)).toBe(false);
      expect(await storage.getAlarm()).toBe(START + 60);
      await storage.deleteAlarm();
      await woken.endAlarm();
      expect(await storage.getAlarm()).toBe(START + 60);
    });
  });

  test("that couldn't be set is set by the next change", async () => {
    await inObject(async (timers, storage) => {
      vi.spyOn(Object.getPrototypeOf(storage), "setAlarm").mockRejectedValueOnce(new Error("no"));
      await expect(timers.arm(POLL, START + 60)).rejects.toThrow("no");
      await timers.armIfAbsent(POLL, START + 60);
      expect(await storage.getAlarm()).toBe(START + 60);
    });
  });
});

describe("a timer", () => {
  test("that takes another's place costs one row, and begins no sooner than it may", async () => {
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

  test("that has changed since it was read is neither put off nor taken away", async () => {
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
      const [hastened] = timers.all();
      if (hastened === undefined) throw new Error("not armed");
      await timers.begin(hastened, START + 10);
      await timers.remove(hastened);
      expect(timers.all()).toMatchObject([{ ...PAY, attempt: 1 }]);
    });
  });

  test("that is gone isn't brought back by an attempt that was about to begin", async () => {
    await inObject(async (timers) => {
      await timers.arm(POLL, START);
      const [read] = timers.all();
      if (read === undefined) throw new Error("not armed");
      await timers.remove(read);
      expect(await timers.begin(read, START + 60)).toMatchObject({ attempt: 1 });
      expect(timers.all()).toEqual([]);
    });
  });

  test("armed anew starts its attempts again, and its calls go on", async () => {
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

describe("an order", () => {
  test("that is booked isn't asked about any more", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    expect((await timersOf(order)).map(({ kind }) => kind)).toEqual(["deliver-payment"]);
    await runDueTimers(order);
    expect(await timersOf(order)).toEqual([]);
    expect(scene.wechat.callsOf("/pay/orderquery")).toEqual([]);
  });

  test("whose alarm was lost is delivered after the next news of it", async () => {
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
