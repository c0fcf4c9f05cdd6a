import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { DELIVERY_CALLS } from "../../src/contract/callback/schedule.ts";
import { appResponse, appResponseAfter } from "../support/app-receiver.ts";
import { signFields, RENDERINGS } from "../../testkit/app-signature.ts";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { wechatError } from "../support/faults.ts";
import { postSigned } from "../support/gateway.ts";
import { notifyPayment } from "../support/notifications.ts";
import { changeApp, operator } from "../support/operator.ts";
import {
  makeOrder,
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
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

afterEach(closeScene);

/** A scene whose app wants to be told about orders that end unpaid. */
async function openTellingScene(): Promise<Scene> {
  const scene = await openScene();
  await changeApp(scene.shop, { notifyFailed: true });
  return scene;
}

/** Ends an order as WeChat's closing it would; the app hasn't been called yet. */
async function makeClosedOrder(scene: Scene, values = {}): Promise<OrderRef> {
  const order = await makeOrder(scene, values);
  scene.wechat.order(order.number).state = "CLOSED";
  expect(await objectOf(order).sync()).toBe("asked");
  expect((await rowOf(order)).payState).toBe("failed");
  return order;
}

/** Pays an order that has ended, and posts WeChat's notification. */
async function payLate(scene: Scene, { number }: OrderRef): Promise<void> {
  expect(await notifyPayment(scene.shop, number, scene.wechat.pay(number))).toBe(true);
}

/** The events of the calls that the app received, in order. */
function eventsOf({ app }: Scene): (string | undefined)[] {
  return app.calls.map(({ parameters }) => parameters.get("event"));
}

describe("event=close", () => {
  test("is posted to payNotifyUrl, signed as the other events", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene, { attach: "a b", appOrderNo: "C-1" });
    await runDueTimers(order);
    const [call, ...others] = scene.app.callsTo(scene.shop.payUrl);
    expect(others).toEqual([]);
    expect(Object.fromEntries(call?.parameters ?? [])).toEqual({
      appId: String(scene.shop.appId),
      event: "close",
      eventId: `close_${order.number}`,
      order_id: String(order.id),
      pay_order_number: order.number,
      app_order_no: "C-1",
      attach: "a b",
      total_free: "100",
      pay_state: "1",
      transaction_id: "",
      timestamp: expect.stringMatching(/^\d+$/),
      sign: signFields(
        Object.fromEntries([...(call?.parameters ?? [])].filter(([name]) => name !== "sign")),
        scene.shop.salt,
        RENDERINGS["PHP http_build_query"],
      ),
    });
    expect(call?.headers.get("webhook-id")).toBe(`close_${order.number}`);
    expect(await rowOf(order)).toMatchObject({
      closeNotifyState: "confirmed",
      closeNotifyNumber: 1,
      payNotifyState: "none",
      payNotifyNumber: 0,
    });
    expect(await viewOrder(scene, order)).toMatchObject({
      pay_state: "1",
      pay_notify_state: "0",
      pay_notify_number: 0,
    });
    expect(await timerOf(order, "deliver-close")).toBeUndefined();
  });

  test("tells of an expired order", async () => {
    const scene = await openTellingScene();
    const order = await makeOrder(scene);
    while ((await rowOf(order)).payState === "waiting") await runNextTimer(order, "poll-payment");
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["close"]);
  });

  test("tells of a withdrawn order", async () => {
    const scene = await openTellingScene();
    const order = await makeOrder(scene);
    advance(300_000);
    await postSigned(scene.shop, "/pay/close-order", { platForm: 1, order_id: order.id });
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["close"]);
  });

  test("isn't sent by default, nor for an order that WeChat refused to take", async () => {
    const scene = await openScene();
    await runDueTimers(await makeClosedOrder(scene));
    await changeApp(scene.shop, { notifyFailed: true });
    scene.wechat.fail("/pay/unifiedorder", wechatError("NOAUTH"));
    expect((await postSigned(scene.shop, "/pay/create-order", ORDER)).code).toBe(503);
    expect(scene.app.calls).toEqual([]);
  });

  test("goes by the setting at the time when the order ends", async () => {
    const scene = await openScene();
    const silent = await makeClosedOrder(scene);
    await changeApp(scene.shop, { notifyFailed: true });
    const notified = await makeClosedOrder(scene);
    await changeApp(scene.shop, { notifyFailed: false });
    for (const order of [silent, notified]) await runDueTimers(order);
    expect(scene.app.calls.map(({ parameters }) => parameters.get("order_id"))).toEqual([
      String(notified.id),
    ]);
    expect(await objectOf(silent).redeliver("close")).toBe("nothing to deliver");
  });

  test("is repeated with the same eventId until the schedule ends, then an incident", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    scene.app.respondWith(...Array.from({ length: DELIVERY_CALLS }, () => appResponse("fail")));
    for (let call = 0; call < DELIVERY_CALLS; call += 1) {
      await runNextTimer(order, "deliver-close");
    }
    expect(await timerOf(order, "deliver-close")).toBeUndefined();
    expect(new Set(scene.app.calls.map(({ parameters }) => parameters.get("eventId")))).toEqual(
      new Set([`close_${order.number}`]),
    );
    expect(await openIncidents(order)).toEqual([`close_${order.number}`]);
    expect(await rowOf(order)).toMatchObject({
      closeNotifyState: "failing",
      closeNotifyNumber: DELIVERY_CALLS,
      closeNextCallAt: null,
    });
    const again = await operator("POST", `/admin/orders/${order.id}/redeliver`, { event: "close" });
    expect(again.status).toBe(202);
    await runDueTimers(order);
    expect(await openIncidents(order)).toEqual([]);
    expect((await rowOf(order)).closeNotifyState).toBe("confirmed");
  });
});

/** The subjects of the order's open incidents. */
async function openIncidents({ number }: OrderRef): Promise<unknown[]> {
  const rows = await env.DB.prepare(
    "select subject from incidents where order_number = ? and resolved_at is null",
  )
    .bind(number)
    .all();
  return rows.results.map(({ subject }) => subject);
}

describe("I4: late money after event=close", () => {
  test("is a pay event with a delivery of its own", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    await runDueTimers(order);
    await payLate(scene, order);
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["close", "pay"]);
    expect(await rowOf(order)).toMatchObject({
      payState: "paid",
      payNotifyState: "confirmed",
      payNotifyNumber: 1,
      closeNotifyState: "confirmed",
      closeNotifyNumber: 1,
    });
    expect(await objectOf(order).redeliver("close")).toBe("nothing to deliver");
  });

  test("ends a failing delivery of the close, and its incident", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    scene.app.respondWith(...Array.from({ length: DELIVERY_CALLS }, () => appResponse("fail")));
    for (let call = 0; call < DELIVERY_CALLS; call += 1) {
      await runNextTimer(order, "deliver-close");
    }
    expect(await objectOf(order).redeliver("close")).toBe("armed");
    await payLate(scene, order);
    expect(await timerOf(order, "deliver-close")).toBeUndefined();
    expect(await openIncidents(order)).toEqual([]);
    await runDueTimers(order);
    expect(eventsOf(scene).slice(DELIVERY_CALLS)).toEqual(["pay"]);
    expect(await rowOf(order)).toMatchObject({ payNotifyNumber: 1, closeNextCallAt: null });
  });

  test("recorded during a call about the close is delivered after that call, which isn't repeated", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened, "fail"));
    const running = runNextTimer(order, "deliver-close");
    await until(() => scene.app.calls.length === 1);
    await payLate(scene, order);
    held.release();
    await running;
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["close", "pay"]);
    expect(await timersOf(order)).toEqual([]);
    expect(await rowOf(order)).toMatchObject({
      payNotifyState: "confirmed",
      closeNotifyNumber: 1,
      closeNextCallAt: null,
    });
  });

  test("is delivered even if the close was only stored, and the close is not", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    await payLate(scene, order);
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["pay"]);
  });
});

describe("event=close and crashes", () => {
  test("is sent again after a crash during the call", async () => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened));
    const running = runNextTimer(order, "deliver-close").catch(() => "aborted");
    await until(() => scene.app.calls.length === 1);
    await abortAllDurableObjects();
    held.release();
    await running;
    await runNextTimer(order, "deliver-close");
    expect(eventsOf(scene)).toEqual(["close", "close"]);
    expect(await rowOf(order)).toMatchObject({
      closeNotifyState: "confirmed",
      closeNotifyNumber: 2,
    });
  });

  test("is delivered when the answer of the record was lost", async () => {
    const scene = await openTellingScene();
    const order = await makeOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    instrumentD1().fail({ sql: /"close_notify_state" = \(select/, how: "lost after" });
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(await timerOf(order, "deliver-close")).toBeUndefined();
    await runNextTimer(order, "poll-payment");
    await runDueTimers(order);
    expect(eventsOf(scene)).toEqual(["close"]);
  });

  test.for([
    ["never called", []],
    ["called in vain", [appResponse("fail")]],
  ] as const)("ensureTimers restores a lost timer: app %s", async ([, responses]) => {
    const scene = await openTellingScene();
    const order = await makeClosedOrder(scene);
    scene.app.respondWith(...responses);
    if (responses.length > 0) await runNextTimer(order, "deliver-close");
    await loseStorage(order);
    expect(await objectOf(order).ensureTimers(0)).toMatchObject({ armed: 1 });
    await runNextTimer(order, "deliver-close");
    expect((await rowOf(order)).closeNotifyState).toBe("confirmed");
    expect(await objectOf(order).ensureTimers(0)).toMatchObject({ armed: 0 });
  });
});

/** Deletes all that the order's object has stored. */
async function loseStorage(order: OrderRef): Promise<void> {
  await runInDurableObject(objectOf(order), async (_object, { storage }) => {
    await storage.deleteAll();
  });
  await abortAllDurableObjects();
}
