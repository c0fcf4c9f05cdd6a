import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { describe as describeError, log, masked } from "../../src/observability/log.ts";
import { watchD1 } from "../support/d1.ts";
import { says, unreachable } from "../support/fake-app.ts";
import { error, UNKNOWN, UNKNOWNS } from "../support/faults.ts";
import { ask, send } from "../support/gateway.ts";
import { makeOrder, objectOf, ORDER, refund, refundOf, runDue, runNext } from "../support/life.ts";
import { linesOf } from "../support/lines.ts";
import { watchMetrics } from "../support/metrics.ts";
import { notifyPayment, notifyRefund } from "../support/notices.ts";
import type { Shop } from "../support/shop.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";

afterEach(closeWorld);

const OPEN_ID = "oSecretOpenIdOfThePayer-0001";

/** What must be nowhere but where it belongs. */
function secretsOf(shop: Shop): string[] {
  const { apiKey, salt, webhookSecret } = shop;
  return [
    apiKey,
    salt,
    webhookSecret,
    webhookSecret.replace("whsec_", ""),
    env.ADMIN_TOKEN,
    env.MASTER_KEY,
    OPEN_ID,
    "access-token-of-the-payer",
  ];
}

/** A life in which everything fails once. */
async function hardLife(world: World): Promise<{ id: number; number: string }> {
  const { wechat, app, shop } = world;
  const page = { accessToken: "access-token-of-the-payer", url: "https://shop.example.com/" };
  const values = { openId: OPEN_ID, ...page };
  const d1 = watchD1();
  d1.fail({ sql: /insert into "orders"/, how: "lost before" });
  await ask(shop, "/pay/create-order", { ...ORDER, ...values });
  wechat.fail("/pay/unifiedorder", error("PARAM_ERROR", `no such payer: ${OPEN_ID}`));
  await ask(shop, "/pay/create-order", { ...ORDER, ...values });
  wechat.fail("/pay/unifiedorder", ...UNKNOWNS.slice(0, 2).map(([, fault]) => fault));
  await ask(shop, "/pay/create-order", { ...ORDER, ...values });
  await ask({ ...shop, salt: "a wrong salt of the app" }, "/order", { order_id: 1 });
  const made = await makeOrder(world, values);
  for (const [, fault] of UNKNOWNS) {
    wechat.fail("/pay/orderquery", fault);
    await runNext(made, "poll-payment");
  }
  const paid = wechat.pay(made.number);
  await notifyPayment(shop, made.number, paid, { total_fee: "1" });
  await notifyPayment({ ...shop, apiKey: "wrong" }, made.number, paid);
  d1.fail({ sql: /update "orders" set "pay_state"/, how: "lost before" });
  await notifyPayment(shop, made.number, paid);
  await notifyPayment(shop, made.number, paid);
  app.reply(says("<html>down</html>", { status: 500 }), unreachable);
  await runNext(made, "deliver-payment");
  d1.fail({ sql: /update "orders" set "pay_notify_state"/, how: "lost before" });
  for (let call = 0; call < 2; call += 1) await runNext(made, "deliver-payment");
  wechat.fail("/secapi/pay/refund", error("NOTENOUGH"), ...UNKNOWNS.map(([, fault]) => fault));
  for (let turn = 0; turn < 4; turn += 1) await refund(world, made);
  d1.fail({ sql: /update "refunds" set "state"/, how: "lost before" });
  await runNext(made, "poll-refund");
  await runNext(made, "poll-refund");
  const { number } = await refundOf(made);
  wechat.refund(number).status = "SUCCESS";
  wechat.fail("/pay/refundquery", UNKNOWN);
  const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
  await notifyRefund(shop, news, "wrong");
  await notifyRefund(shop, news);
  await notifyRefund(shop, news);
  await runDue(made);
  return made;
}

describe("a whole life with every failure", () => {
  test("leaves no secret in the log, and no openId", async () => {
    const world = await openWorld();
    await hardLife(world);
    const logged = world.logged.join("\n");
    for (const event of ["request", "order_operation", "wechat_call", "app_call"]) {
      expect(linesOf(world.logged, { event }).length).toBeGreaterThan(1);
    }
    expect(world.logged.length).toBeGreaterThan(20);
    expect(logged).toMatch(/"level":"error"/);
    for (const secret of secretsOf(world.shop)) expect(logged).not.toContain(secret);
  });

  test("leaves no secret in the counters, no openId and no order's number", async () => {
    const world = await openWorld();
    const counted = watchMetrics();
    const { number } = await hardLife(world);
    expect(new Set(counted.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(4);
    const text = JSON.stringify(counted);
    for (const secret of [...secretsOf(world.shop), number]) expect(text).not.toContain(secret);
  });

  test("leaves no secret in the timeline, and no openId", async () => {
    const world = await openWorld();
    const made = await hardLife(world);
    const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
    const shown = await send(`/admin/orders/${made.id}/timeline`, { headers });
    const timeline = JSON.stringify(await objectOf(made).history()) + (await shown.text());
    expect(timeline).toContain("app.called");
    for (const secret of secretsOf(world.shop)) expect(timeline).not.toContain(secret);
  });

  test("ends with the money back and both of its events told", async () => {
    const world = await openWorld();
    const made = await hardLife(world);
    expect(await refundOf(made)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
    expect(world.wechat.refunds.size).toBe(1);
  });
});

test("the back-office's token isn't logged when it is refused", async () => {
  const { logged } = await openWorld();
  const headers = { authorization: "Bearer a-token-of-somebody-else" };
  expect((await send("/admin/orders", { headers })).status).toBe(401);
  expect(logged.join()).not.toContain("a-token-of-somebody-else");
});

describe("a log line", () => {
  test("is one line of JSON with its level and event", () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    log("warn", "odd", { order: "a\nb", app: 1, none: null, left: undefined });
    const [[line = ""] = []] = warn.mock.calls;
    expect(String(line)).not.toContain("\n");
    expect(JSON.parse(String(line))).toEqual({
      level: "warn",
      event: "odd",
      order: "a\nb",
      app: 1,
      none: null,
    });
  });

  test("shows of an identifier what tells two apart, not what could be used", () => {
    expect(masked("ocxab04rPr0Qms9SOQA3fNgYGqoY")).toBe("ocxa***oY");
    expect(masked("12345678")).toBe("***");
  });

  test("tells of a failed query its cause, never the values bound to it", () => {
    const cause = new Error("D1_ERROR: no such table");
    const failed = new Error(`Failed query: select ?\nparams: ${OPEN_ID}`, { cause });
    expect(describeError(failed)).toBe("Error: D1_ERROR: no such table");
    expect(describeError(new Error(`Failed query: params: ${OPEN_ID}`))).not.toContain(OPEN_ID);
    expect(describeError(new TypeError("x".repeat(1_000))).length).toBeLessThanOrEqual(300);
    expect(describeError("text")).not.toContain("text");
  });
});
