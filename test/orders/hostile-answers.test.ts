import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import {
  truncatedResponse,
  stalledResponse,
  appResponse,
  type AppResponse,
} from "../support/app-receiver.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import {
  makePaidOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
} from "../support/scenario.ts";
import { notifyRefund } from "../support/notifications.ts";
import { closeScene, openScene, until } from "../support/scene.ts";
import { shortenTimers } from "../support/time-limits.ts";

afterEach(closeScene);

describe("I12: an app's response", () => {
  test("that stalls midway is aborted at the timeout and doesn't confirm", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    shortenTimers(10_000);
    const body = stalledResponse("succ", "ess");
    scene.app.respondWith(body.respond);
    await runNextTimer(order, "deliver-payment");
    expect(body.cancelled()).toBe(true);
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    const { entries } = await objectOf(order).history();
    expect(entries.at(-1)?.facts).toMatchObject({
      status: 200,
      answer: "TimeoutError: nothing arrived within 10000 ms",
    });
  });

  test.for([
    ["is truncated after success", truncatedResponse("success")],
    [
      "exceeds 8 KB within the spaces after success",
      appResponse(`success${" ".repeat(9_000)}fail`),
    ],
    ["exceeds 8 KB within the spaces after JSON", appResponse(`{"code":0}${" ".repeat(9_000)},`)],
    ["has success only in its first line", appResponse("success\nwith warnings")],
  ] as const satisfies readonly (readonly [string, AppResponse])[])(
    "that %s doesn't confirm",
    async ([, response]) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      scene.app.respondWith(response);
      await runNextTimer(order, "deliver-payment");
      expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    },
  );

  test("that is truncated still has its Retry-After applied", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(
      truncatedResponse("busy", { status: 503, headers: { "retry-after": "600" } }),
    );
    await runNextTimer(order, "deliver-payment");
    expect((await timerOf(order, "deliver-payment"))?.dueAt).toBe(Date.now() + 600_000);
  });

  test.for([
    ["-5"],
    ["1e9"],
    ["Mon, 01 Jan 2001 00:00:00 GMT"],
    ["0x10"],
    ["600, 600"],
    ["99 minutes"],
  ])("can't change the schedule with a Retry-After of %s", async ([header = ""]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("busy", { status: 503, headers: { "retry-after": header } }));
    await runNextTimer(order, "deliver-payment");
    const wait = ((await timerOf(order, "deliver-payment"))?.dueAt ?? 0) - Date.now();
    expect(wait).toBeGreaterThanOrEqual(15_000);
    expect(wait).toBeLessThanOrEqual(16_500);
  });

  test("can't delay the next call by more than six hours with a 400-digit Retry-After", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const header = "9".repeat(400);
    scene.app.respondWith(appResponse("busy", { status: 503, headers: { "retry-after": header } }));
    await runNextTimer(order, "deliver-payment");
    expect((await timerOf(order, "deliver-payment"))?.dueAt).toBe(Date.now() + 6 * 3_600_000);
  });
});

test("callApp reports only the newest refund state when it changes while the call is prepared", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  const { number } = await refundOf(order);
  const notification = {
    out_trade_no: order.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  };
  scene.wechat.refund(number).status = "CHANGE";
  expect(await notifyRefund(scene.shop, { ...notification, refund_status: "CHANGE" })).toBe(true);
  forgetSettings();
  const held = gate();
  const log = instrumentD1();
  const APP = /from "apps"/;
  log.fail({ sql: APP, how: "held after", gate: held.opened });
  const delivering = runNextTimer(order, "deliver-refund");
  await until(() => log.trips.some((trip) => APP.test(trip[0] ?? "")));
  scene.wechat.refund(number).status = "SUCCESS";
  advance(1);
  expect(await notifyRefund(scene.shop, notification)).toBe(true);
  held.release();
  await delivering;
  await runDueTimers(order);
  const calls = scene.app.callsTo(scene.shop.refundUrl);
  expect(calls.map(({ parameters }) => parameters.get("ref_state"))).toEqual(["4"]);
  expect(await refundOf(order)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
});

test("callApp still calls a disabled app, at its current notify URL", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  scene.app.respondWith(appResponse("fail"));
  await runNextTimer(order, "deliver-payment");
  await disable(scene.shop.appId);
  await runNextTimer(order, "deliver-payment");
  expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(2);
  expect((await rowOf(order)).payNotifyState).toBe("confirmed");
});

async function disable(appId: number): Promise<void> {
  await env.DB.prepare("update apps set enabled = 0 where id = ?").bind(appId).run();
  forgetSettings();
}
