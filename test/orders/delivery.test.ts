import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash, createHmac } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { rotateSecret } from "../../src/db/apps-rotation.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { advance, gate, START } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import {
  endless,
  hangs,
  says,
  saysLater,
  unreachable,
  type AppCall,
  type AppReply,
} from "../support/fake-app.ts";
import {
  makePaidOrder,
  objectOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  type Made,
} from "../support/life.ts";
import { notifyPayment } from "../support/notices.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The contract's waits between the calls, written anew here. */
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

const no = says("fail");

afterEach(closeWorld);

/** The app's answer to the next call, and how long the gateway waits then, in ms; null: for good. */
async function waitAfter(world: World, made: Made, reply: AppReply): Promise<number | null> {
  world.app.reply(reply);
  await runNext(made, "deliver-payment");
  const timer = await timerOf(made, "deliver-payment");
  return timer === undefined ? null : timer.dueAt - Date.now();
}

/** PHP's http_build_query of one value, written anew here. */
function escapePhp(value: string): string {
  return encodeURIComponent(value)
    .replaceAll("%20", "+")
    .replaceAll(/[!'()*~]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
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

describe("a call to the app", () => {
  test("tells of the payment as the contract has it, signed in both ways", async () => {
    const world = await openWorld();
    const { app, shop } = world;
    const made = await makePaidOrder(world, { attach: "a b&c=*~中文", desc: "x" });
    await runDue(made);
    const [call, ...more] = app.calls;
    if (call === undefined) throw new Error("the app was not called");
    expect(more).toEqual([]);
    expect(call.url).toBe(shop.payUrl);
    expect(call.redirect).toBe("manual");
    expect([...call.parameters]).toEqual([
      ["appId", String(shop.appId)],
      ["event", "pay"],
      ["eventId", `pay_${made.number}`],
      ["order_id", String(made.id)],
      ["pay_order_number", made.number],
      ["attach", "a b&c=*~中文"],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", world.wechat.order(made.number).transactionId],
      ["timestamp", String(START / 1000)],
      ["sign", signOf(call, shop.salt)],
    ]);
    expect(call.body).toContain("attach=a+b%26c%3D%2A%7E%E4%B8%AD%E6%96%87&");
    expect(call.headers.get("content-type")).toMatch(/^application\/x-www-form-urlencoded/);
    expect(call.headers.get("webhook-id")).toBe(`pay_${made.number}`);
    expect(call.headers.get("webhook-timestamp")).toBe(String(START / 1000));
    expect(call.headers.get("webhook-signature")).toBe(webhookSignature(call, shop.webhookSecret));
  });

  test("carries two webhook signatures while the secret is being changed, then one", async () => {
    const world = await openWorld();
    const { app, shop } = world;
    const made = await makePaidOrder(world);
    const fresh = `whsec_${btoa("a fresh webhook secret")}`;
    const masterKey = await importMasterKey(env.MASTER_KEY);
    const change = { fresh, overlapMs: 10 * SECOND };
    await rotateSecret(connect(env.DB), masterKey, shop.appId, "webhookSecret", change, Date.now());
    forgetSettings();
    await waitAfter(world, made, no);
    await waitAfter(world, made, no);
    const [during, after] = app.calls;
    if (during === undefined || after === undefined) throw new Error("not called twice");
    expect(during.headers.get("webhook-signature")).toBe(
      `${webhookSignature(during, fresh)} ${webhookSignature(during, shop.webhookSecret)}`,
    );
    expect(after.headers.get("webhook-signature")).toBe(webhookSignature(after, fresh));
  });
});

describe("the app's answer", () => {
  test.for([
    ["success", says("success")],
    ["SUCCESS between blanks", says(" \n SUCCESS \t")],
    ["JSON with code 0", says('{"code":0,"msg":"ok"}')],
    ["success with status 201", says("success", { status: 201 })],
  ] as const)("%s confirms", async ([, reply]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    expect(await waitAfter(world, made, reply)).toBeNull();
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 1 });
  });

  test.for([
    ["fail", says("fail")],
    ["nothing", says("")],
    ["JSON with code 1", says('{"code":1}')],
    ['JSON with code "0"', says('{"code":"0"}')],
    ["success with status 500", says("success", { status: 500 })],
    ["success with status 404", says("success", { status: 404 })],
    [
      "a redirect that would confirm",
      says("success", { status: 302, headers: { location: "https://elsewhere.example.com/" } }),
    ],
    ["a lost connection", unreachable],
  ] as const)("%s does not confirm", async ([, reply]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const wait = await waitAfter(world, made, reply);
    expect(wait).toBeGreaterThanOrEqual(15 * SECOND);
    expect(wait).toBeLessThanOrEqual(16.5 * SECOND);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    expect(world.app.calls).toHaveLength(1);
  });

  test("that never comes is given up, and does not confirm", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const time = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => AbortSignal.abort());
    world.app.reply(async (call, signal) => {
      const given = hangs(call, signal);
      if (signal?.aborted === true) throw new Error("The operation was aborted");
      return await given;
    });
    await runNext(made, "deliver-payment");
    expect(time).toHaveBeenCalledWith(10_000);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
  });

  test("without an end is cut at 8 KB and hung up on", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const answer = endless("fail");
    await waitAfter(world, made, answer.reply);
    expect(answer.taken()).toBe(8 * 1024);
    expect(answer.hungUp()).toBe(true);
    expect((await rowOf(made)).payNotifyState).toBe("failing");
  });

  test.for([
    ["later than the schedule's wait", "600", 600 * SECOND, 600 * SECOND],
    ["sooner than the schedule's wait", "1", 15 * SECOND, 16.5 * SECOND],
    ["beyond six hours", "999999", 6 * HOUR, 6 * HOUR],
    ["a date", "Sun, 01 Jan 2040 01:00:00 GMT", HOUR, HOUR],
    ["nonsense", "soon", 15 * SECOND, 16.5 * SECOND],
  ] as const)("may ask for a pause: %s", async ([, header, least, most]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const busy = says("busy", { status: 503, headers: { "retry-after": header } });
    const wait = await waitAfter(world, made, busy);
    expect(wait).toBeGreaterThanOrEqual(least);
    expect(wait).toBeLessThanOrEqual(most);
  });
});

describe("the schedule", () => {
  test("calls sixteen times with the contract's waits, and says then that it has failed", async () => {
    const world = await openWorld();
    const { app } = world;
    const made = await makePaidOrder(world);
    const waits: (number | null)[] = [];
    for (let call = 1; call <= 16; call += 1) {
      waits.push(await waitAfter(world, made, no));
      expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: call });
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
    expect(world.logged.join()).toContain("delivery_exhausted");
  });

  test("adds no more than a tenth, however chance has it", async () => {
    const world = await openWorld();
    vi.spyOn(Math, "random").mockReturnValue(0.999_999);
    const made = await makePaidOrder(world);
    expect(await waitAfter(world, made, no)).toBeGreaterThan(16.4 * SECOND);
    vi.spyOn(Math, "random").mockReturnValue(0);
    expect(await waitAfter(world, made, no)).toBe(15 * SECOND);
  });

  test("ends with the first confirmation", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await waitAfter(world, made, no);
    expect(await waitAfter(world, made, says("success"))).toBeNull();
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("does not hurry by a repeated notification", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await waitAfter(world, made, no);
    const before = await timerOf(made, "deliver-payment");
    const paid = world.wechat.order(made.number);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    expect(await timerOf(made, "deliver-payment")).toEqual(before);
  });
});

describe("redelivery by hand", () => {
  test("begins again after the schedule has ended, and the count goes on", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    while ((await waitAfter(world, made, no)) !== null)
      expect(world.app.calls.length).toBeLessThan(17);
    expect(await objectOf(made).redeliver("pay")).toBe("armed");
    const wait = await waitAfter(world, made, no);
    expect(wait).toBeLessThanOrEqual(16.5 * SECOND);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 17 });
    await waitAfter(world, made, says("success"));
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 18 });
    expect(new Set(world.app.calls.map(({ parameters }) => parameters.get("eventId"))).size).toBe(
      1,
    );
  });

  test("of what was confirmed stays confirmed, even when it fails now", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await runDue(made);
    expect(await objectOf(made).redeliver("pay")).toBe("armed");
    await waitAfter(world, made, no);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("while a call is in flight leads to another call", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const held = gate();
    world.app.reply(saysLater(held.passed, "fail"));
    const running = runNext(made, "deliver-payment");
    await until(() => world.app.calls.length === 1);
    expect(await objectOf(made).redeliver("pay")).toBe("armed");
    held.release();
    await running;
    await runDue(made);
    expect(world.app.calls).toHaveLength(2);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });
});

describe("a crash while the app is being called", () => {
  test("leads to another call, and both are counted", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const held = gate();
    world.app.reply(saysLater(held.passed));
    const running = runNext(made, "deliver-payment").catch(() => "aborted");
    await until(() => world.app.calls.length === 1);
    await abortAllDurableObjects();
    held.release();
    await running;
    expect((await rowOf(made)).payNotifyState).toBe("none");
    expect((await timerOf(made, "deliver-payment"))?.dueAt).toBe(START + 15 * SECOND);
    await runNext(made, "deliver-payment");
    expect(world.app.calls).toHaveLength(2);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });

  test("and D1 not taking the outcome lead to another call, and both are counted", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    watchD1().fail({ sql: /update "orders" set "pay_notify_state"/, how: "lost before" });
    await runNext(made, "deliver-payment");
    expect((await rowOf(made)).payNotifyNumber).toBe(0);
    await runNext(made, "deliver-payment");
    expect(world.app.calls).toHaveLength(2);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 2 });
  });
});

test("a changed notify URL is called from the next call on", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await waitAfter(world, made, no);
  const url = "https://moved.example.com/pay";
  await env.DB.prepare("update apps set pay_notify_url = ? where id = ?")
    .bind(url, world.shop.appId)
    .run();
  advance(MINUTE);
  await runDue(made);
  expect(world.app.calls.map((call) => call.url)).toEqual([world.shop.payUrl, url]);
});
