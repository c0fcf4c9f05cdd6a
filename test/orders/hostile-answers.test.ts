import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { breaksOff, drips, says, type AppReply } from "../support/fake-app.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { advance, gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import {
  makePaidOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
} from "../support/life.ts";
import { notifyRefund } from "../support/notices.ts";
import { closeWorld, openWorld, until } from "../support/world.ts";

afterEach(closeWorld);

describe("an app's answer", () => {
  test("that drips and never ends is given up with the time, and does not confirm", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    // Made in the object's own context, as the platform makes it.
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => {
      const limit = new AbortController();
      setTimeout(() => limit.abort(new DOMException("took too long", "TimeoutError")), 10);
      return limit.signal;
    });
    const answer = drips("succ", "ess");
    world.app.reply(answer.reply);
    await runNext(made, "deliver-payment");
    expect(answer.hungUp()).toBe(true);
    expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    const { entries } = await objectOf(made).history();
    expect(entries.at(-1)?.facts).toMatchObject({
      status: 200,
      answer: "TimeoutError: took too long",
    });
  });

  test.for([
    ["breaks off after success", breaksOff("success")],
    ["is cut off within the blanks after success", says(`success${" ".repeat(9_000)}fail`)],
    ["is cut off within the blanks after JSON", says(`{"code":0}${" ".repeat(9_000)},`)],
    ["has success for its first line only", says("success\nwith warnings")],
  ] as const satisfies readonly (readonly [string, AppReply])[])(
    "that %s does not confirm",
    async ([, reply]) => {
      const world = await openWorld();
      const made = await makePaidOrder(world);
      world.app.reply(reply);
      await runNext(made, "deliver-payment");
      expect(await rowOf(made)).toMatchObject({ payNotifyState: "failing", payNotifyNumber: 1 });
    },
  );

  test("that breaks off may have asked for a pause", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.app.reply(breaksOff("busy", { status: 503, headers: { "retry-after": "600" } }));
    await runNext(made, "deliver-payment");
    expect((await timerOf(made, "deliver-payment"))?.dueAt).toBe(Date.now() + 600_000);
  });

  test.for([
    ["-5"],
    ["1e9"],
    ["Mon, 01 Jan 2001 00:00:00 GMT"],
    ["0x10"],
    ["600, 600"],
    ["99 minutes"],
  ])("can't move the schedule by a Retry-After of %s", async ([header = ""]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.app.reply(says("busy", { status: 503, headers: { "retry-after": header } }));
    await runNext(made, "deliver-payment");
    const wait = ((await timerOf(made, "deliver-payment"))?.dueAt ?? 0) - Date.now();
    expect(wait).toBeGreaterThanOrEqual(15_000);
    expect(wait).toBeLessThanOrEqual(16_500);
  });

  test("can't put the next call off beyond six hours, however many digits it takes", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const header = "9".repeat(400);
    world.app.reply(says("busy", { status: 503, headers: { "retry-after": header } }));
    await runNext(made, "deliver-payment");
    expect((await timerOf(made, "deliver-payment"))?.dueAt).toBe(Date.now() + 6 * 3_600_000);
  });
});

test("news that comes while the old news is being read for a call is told, and the old is not", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await runDue(made);
  await refund(world, made);
  const { number } = await refundOf(made);
  const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
  world.wechat.refund(number).status = "CHANGE";
  expect(await notifyRefund(world.shop, { ...news, refund_status: "CHANGE" })).toBe(true);
  forgetSettings();
  const held = gate();
  const log = watchD1();
  const APP = /from "apps"/;
  log.fail({ sql: APP, how: "held after", gate: held.passed });
  const delivering = runNext(made, "deliver-refund");
  await until(() => log.trips.some((trip) => APP.test(trip[0] ?? "")));
  world.wechat.refund(number).status = "SUCCESS";
  advance(1);
  expect(await notifyRefund(world.shop, news)).toBe(true);
  held.release();
  await delivering;
  await runDue(made);
  const told = world.app.callsTo(world.shop.refundUrl);
  expect(told.map(({ parameters }) => parameters.get("ref_state"))).toEqual(["4"]);
  expect(await refundOf(made)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
});

test("an app that was disabled is still told of its payments, where it says now", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  world.app.reply(says("fail"));
  await runNext(made, "deliver-payment");
  await disable(world.shop.appId);
  await runNext(made, "deliver-payment");
  expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(2);
  expect((await rowOf(made)).payNotifyState).toBe("confirmed");
});

async function disable(appId: number): Promise<void> {
  await env.DB.prepare("update apps set enabled = 0 where id = ?").bind(appId).run();
  forgetSettings();
}
