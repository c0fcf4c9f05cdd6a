import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash, createHmac } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { version } from "../../package.json";
import { connect } from "../../src/db/database.ts";
import { rotateSecret } from "../../src/db/apps-rotation.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { advance, gate, START } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import {
  endlessResponse,
  neverResponds,
  appResponse,
  appResponseAfter,
  unreachable,
  type AppCall,
  type AppResponse,
} from "../support/app-receiver.ts";
import {
  makePaidOrder,
  objectOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";
import { shortenTimers } from "../support/time-limits.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The contract's waits between the calls, stated independently of `src`. */
const WAITS = [
  15 * SECOND,
  15 * SECOND,
  30 * SECOND,
  3 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  60 * MINUTE,
  3 * HOUR,
  3 * HOUR,
  3 * HOUR,
  6 * HOUR,
  6 * HOUR,
];

const refuse = appResponse("fail");

afterEach(closeScene);

/** Makes the next call with this response; returns the wait until the call after it in ms, null if none. */
async function callAndGetWait(
  scene: Scene,
  order: OrderRef,
  response: AppResponse,
): Promise<number | null> {
  scene.app.respondWith(response);
  await runNextTimer(order, "deliver-payment");
  const timer = await timerOf(order, "deliver-payment");
  return timer === undefined ? null : timer.dueAt - Date.now();
}

/** PHP's http_build_query of one value, implemented independently of `src`. */
function escapePhp(value: string): string {
  return encodeURIComponent(value)
    .replaceAll("%20", "+")
    .replaceAll(
      /[!'()*~]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}

/** The contract's signature of a call's body. */
function signOf({ parameters }: AppCall, salt: string): string {
  const text = [...parameters]
    .filter(([name]) => name !== "sign")
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${escapePhp(value)}`)
    .join("&");
  return createHash("sha1")
    .update(salt + text + salt)
    .digest("hex");
}

/** The Standard Webhooks signature of a call. */
function webhookSignature({ headers, body }: AppCall, secret: string): string {
  const text = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}

describe("callApp, request", () => {
  test("posts the contract's payment fields with both signatures", async () => {
    const scene = await openScene();
    const { app, shop } = scene;
    const order = await makePaidOrder(scene, { attach: "a b&c=*~中文", desc: "x" });
    await runDueTimers(order);
    const [call, ...more] = app.calls;
    if (call === undefined) throw new Error("the app was not called");
    expect(more).toEqual([]);
    expect(call.url).toBe(shop.payUrl);
    expect(call.redirect).toBe("manual");
    expect([...call.parameters]).toEqual([
      ["appId", String(shop.appId)],
      ["event", "pay"],
      ["eventId", `pay_${order.number}`],
      ["order_id", String(order.id)],
      ["pay_order_number", order.number],
      ["attach", "a b&c=*~中文"],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", scene.wechat.order(order.number).transactionId],
      ["pay_time", String(Date.UTC(2040, 0, 1, 4) / 1000)],
      ["timestamp", String(START / 1000)],
      ["sign", signOf(call, shop.salt)],
    ]);
    expect(call.body).toContain("attach=a+b%26c%3D%2A%7E%E4%B8%AD%E6%96%87&");
    expect(call.headers.get("content-type")).toMatch(/^application\/x-www-form-urlencoded/);
    expect(call.headers.get("user-agent")).toBe(`wechat-pay-gateway/${version}`);
    expect(call.headers.get("accept")).toBe("*/*");
    expect(call.headers.get("webhook-id")).toBe(`pay_${order.number}`);
    expect(call.headers.get("webhook-timestamp")).toBe(String(START / 1000));
    expect(call.headers.get("webhook-signature")).toBe(webhookSignature(call, shop.webhookSecret));
  });

  test("sends two webhook signatures during a secret rotation and one after it", async () => {
    const scene = await openScene();
    const { app, shop } = scene;
    const order = await makePaidOrder(scene);
    const fresh = `whsec_${btoa("a fresh webhook secret")}`;
    const masterKey = await importMasterKey(env.MASTER_KEY);
    const change = { fresh, overlapMs: 10 * SECOND };
    await rotateSecret(connect(env.DB), masterKey, shop.appId, "webhookSecret", change, Date.now());
    forgetSettings();
    await callAndGetWait(scene, order, refuse);
    await callAndGetWait(scene, order, refuse);
    const [during, after] = app.calls;
    if (during === undefined || after === undefined) throw new Error("not called twice");
    expect(during.headers.get("webhook-signature")).toBe(
      `${webhookSignature(during, fresh)} ${webhookSignature(during, shop.webhookSecret)}`,
    );
    expect(after.headers.get("webhook-signature")).toBe(webhookSignature(after, fresh));
  });
});

describe("callApp, the app's response", () => {
  test.for([
    ["success", appResponse("success")],
    ["SUCCESS between spaces", appResponse(" \n SUCCESS \t")],
    ["JSON with code 0", appResponse('{"code":0,"msg":"ok"}')],
    ["success with status 201", appResponse("success", { status: 201 })],
  ] as const)("treats %s as a confirmation", async ([, response]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    expect(await callAndGetWait(scene, order, response)).toBeNull();
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });

  test.for([
    ["fail", appResponse("fail")],
    ["an empty body", appResponse("")],
    ["JSON with code 1", appResponse('{"code":1}')],
    ['JSON with code "0"', appResponse('{"code":"0"}')],
    ["success with status 500", appResponse("success", { status: 500 })],
    ["success with status 404", appResponse("success", { status: 404 })],
    [
      "a redirect that would confirm",
      appResponse("success", {
        status: 302,
        headers: { location: "https://elsewhere.example.com/" },
      }),
    ],
    ["a lost connection", unreachable],
  ] as const)("doesn't treat %s as a confirmation", async ([, response]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const wait = await callAndGetWait(scene, order, response);
    expect(wait).toBeGreaterThanOrEqual(15 * SECOND);
    expect(wait).toBeLessThanOrEqual(16.5 * SECOND);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    expect(scene.app.calls).toHaveLength(1);
  });

  test("aborts a call without a response after 10 s and doesn't count it as confirmed", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const limits = shortenTimers(10_000);
    scene.app.respondWith(neverResponds);
    await runNextTimer(order, "deliver-payment");
    expect(limits()).toBe(1);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
  });

  test("reads at most 8 KB of an endless body and cancels it", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const body = endlessResponse("fail");
    await callAndGetWait(scene, order, body.respond);
    expect(body.bytesRead()).toBe(8 * 1024);
    expect(body.cancelled()).toBe(true);
    expect((await rowOf(order)).payNotifyState).toBe("failing");
  });

  test.for([
    ["longer than the schedule's wait", "600", 600 * SECOND, 600 * SECOND],
    ["shorter than the schedule's wait", "1", 15 * SECOND, 16.5 * SECOND],
    ["over six hours", "999999", 6 * HOUR, 6 * HOUR],
    ["a date", "Sun, 01 Jan 2040 01:00:00 GMT", HOUR, HOUR],
    ["invalid", "soon", 15 * SECOND, 16.5 * SECOND],
  ] as const)(
    "applies a Retry-After that is %s within its limits",
    async ([, header, min, max]) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      const busy = appResponse("busy", { status: 503, headers: { "retry-after": header } });
      const wait = await callAndGetWait(scene, order, busy);
      expect(wait).toBeGreaterThanOrEqual(min);
      expect(wait).toBeLessThanOrEqual(max);
    },
  );
});

describe("I5: the delivery schedule", () => {
  test("makes 16 calls at the contract's intervals, then logs delivery_exhausted", async () => {
    const scene = await openScene();
    const { app } = scene;
    const order = await makePaidOrder(scene);
    const waits: (number | null)[] = [];
    for (let call = 1; call <= 16; call += 1) {
      waits.push(await callAndGetWait(scene, order, refuse));
      expect(await rowOf(order)).toMatchObject({
        payNotifyState: "failing",
        payNotifyNumber: call,
        nextCallAt: (await timerOf(order, "deliver-payment"))?.dueAt ?? null,
      });
    }
    expect(waits.pop()).toBeNull();
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(WAITS[index] ?? Number.NaN);
      expect(wait).toBeLessThanOrEqual((WAITS[index] ?? Number.NaN) * 1.1);
    }
    expect(waits).toHaveLength(WAITS.length);
    expect(new Set(app.calls.map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
    expect(new Set(app.calls.map(({ parameters }) => parameters.get("eventId"))).size).toBe(1);
    const stamps = app.calls.map(({ headers }) => Number(headers.get("webhook-timestamp")));
    expect(new Set(stamps).size).toBe(16);
    expect(scene.logged.join()).toContain("delivery_exhausted");
  });

  test("adds a jitter of at most 10 % to a wait", async () => {
    const scene = await openScene();
    vi.spyOn(Math, "random").mockReturnValue(0.999_999);
    const order = await makePaidOrder(scene);
    expect(await callAndGetWait(scene, order, refuse)).toBeGreaterThan(16.4 * SECOND);
    vi.spyOn(Math, "random").mockReturnValue(0);
    expect(await callAndGetWait(scene, order, refuse)).toBe(15 * SECOND);
  });

  test("stops at the first confirmation", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await callAndGetWait(scene, order, refuse);
    expect((await rowOf(order)).nextCallAt).not.toBeNull();
    expect(await callAndGetWait(scene, order, appResponse("success"))).toBeNull();
    expect(await rowOf(order)).toMatchObject({
      payNotifyState: "confirmed",
      payNotifyNumber: 2,
      nextCallAt: null,
    });
  });

  test("stores when the next call is due in the same write as the call's outcome", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const { trips } = instrumentD1();
    const busy = appResponse("no", { status: 503, headers: { "retry-after": "7200" } });
    expect(await callAndGetWait(scene, order, busy)).toBe(2 * HOUR);
    expect(trips.flat().filter((statement) => statement.startsWith("update"))).toHaveLength(1);
    expect((await rowOf(order)).nextCallAt).toBe(Date.now() + 2 * HOUR);
  });

  test("isn't brought forward by a repeated payment notification", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await callAndGetWait(scene, order, refuse);
    const before = await timerOf(order, "deliver-payment");
    const paid = scene.wechat.order(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(await timerOf(order, "deliver-payment")).toEqual(before);
  });
});

describe("redeliver", () => {
  test("restarts an exhausted schedule and continues the call count", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    while ((await callAndGetWait(scene, order, refuse)) !== null)
      expect(scene.app.calls.length).toBeLessThan(17);
    expect(await objectOf(order).redeliver("pay")).toBe("armed");
    const wait = await callAndGetWait(scene, order, refuse);
    expect(wait).toBeLessThanOrEqual(16.5 * SECOND);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 17 });
    await callAndGetWait(scene, order, appResponse("success"));
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 18 });
    expect(new Set(scene.app.calls.map(({ parameters }) => parameters.get("eventId"))).size).toBe(
      1,
    );
  });

  test("keeps a confirmed delivery confirmed even if the new call fails", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    expect(await objectOf(order).redeliver("pay")).toBe("armed");
    await callAndGetWait(scene, order, refuse);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("leads to another call when one is in flight", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened, "fail"));
    const running = runNextTimer(order, "deliver-payment");
    await until(() => scene.app.calls.length === 1);
    expect(await objectOf(order).redeliver("pay")).toBe("armed");
    held.release();
    await running;
    expect((await rowOf(order)).nextCallAt).toBe((await timerOf(order, "deliver-payment"))?.dueAt);
    await runDueTimers(order);
    expect(scene.app.calls).toHaveLength(2);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });
});

describe("I5: a crash during the call to the app", () => {
  test("leads to another call and counts both", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened));
    const running = runNextTimer(order, "deliver-payment").catch(() => "aborted");
    await until(() => scene.app.calls.length === 1);
    await abortAllDurableObjects();
    held.release();
    await running;
    expect((await rowOf(order)).payNotifyState).toBe("none");
    expect((await timerOf(order, "deliver-payment"))?.dueAt).toBe(START + 15 * SECOND);
    await runNextTimer(order, "deliver-payment");
    expect(scene.app.calls).toHaveLength(2);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("leads to another call and counts both when D1 lost the outcome of the first", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: /update "orders" set "pay_notify_state"/, how: "lost before" });
    await runNextTimer(order, "deliver-payment");
    expect((await rowOf(order)).payNotifyNumber).toBe(0);
    await runNextTimer(order, "deliver-payment");
    expect(scene.app.calls).toHaveLength(2);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });
});

test("callApp uses a changed notify URL from the next call on", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await callAndGetWait(scene, order, refuse);
  const url = "https://moved.example.com/pay";
  await env.DB.prepare("update apps set pay_notify_url = ? where id = ?")
    .bind(url, scene.shop.appId)
    .run();
  advance(MINUTE);
  await runDueTimers(order);
  expect(scene.app.calls.map((call) => call.url)).toEqual([scene.shop.payUrl, url]);
});
