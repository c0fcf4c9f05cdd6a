import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { describe as describeError, log, masked } from "../../src/observability/log.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponse, unreachable } from "../support/app-receiver.ts";
import { wechatError, UNKNOWN, UNKNOWNS } from "../support/faults.ts";
import { postSigned, send } from "../support/gateway.ts";
import {
  makeOrder,
  objectOf,
  ORDER,
  requestRefund,
  refundOf,
  runDueTimers,
  runNextTimer,
} from "../support/scenario.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import type { Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

const OPEN_ID = "oSecretOpenIdOfThePayer-0001";

/** The secrets that must not appear in logs, metrics or timelines. */
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

/** Takes an order to its refund while every operation fails once. */
async function runFaultyScenario(scene: Scene): Promise<{ id: number; number: string }> {
  const { wechat, app, shop } = scene;
  const page = { accessToken: "access-token-of-the-payer", url: "https://shop.example.com/" };
  const values = { openId: OPEN_ID, ...page };
  const d1 = instrumentD1();
  d1.fail({ sql: /insert into "orders"/, how: "lost before" });
  await postSigned(shop, "/pay/create-order", { ...ORDER, ...values });
  wechat.fail("/pay/unifiedorder", wechatError("PARAM_ERROR", `no such payer: ${OPEN_ID}`));
  await postSigned(shop, "/pay/create-order", { ...ORDER, ...values });
  wechat.fail("/pay/unifiedorder", ...UNKNOWNS.slice(0, 2).map(([, fault]) => fault));
  await postSigned(shop, "/pay/create-order", { ...ORDER, ...values });
  await postSigned({ ...shop, salt: "a wrong salt of the app" }, "/order", { order_id: 1 });
  const order = await makeOrder(scene, values);
  for (const [, fault] of UNKNOWNS) {
    wechat.fail("/pay/orderquery", fault);
    await runNextTimer(order, "poll-payment");
  }
  const paid = wechat.pay(order.number);
  await notifyPayment(shop, order.number, paid, { total_fee: "1" });
  await notifyPayment({ ...shop, apiKey: "wrong" }, order.number, paid);
  d1.fail({ sql: /update "orders" set "pay_state"/, how: "lost before" });
  await notifyPayment(shop, order.number, paid);
  await notifyPayment(shop, order.number, paid);
  app.respondWith(appResponse("<html>down</html>", { status: 500 }), unreachable);
  await runNextTimer(order, "deliver-payment");
  d1.fail({ sql: /update "orders" set "pay_notify_state"/, how: "lost before" });
  for (let call = 0; call < 2; call += 1) await runNextTimer(order, "deliver-payment");
  wechat.fail(
    "/secapi/pay/refund",
    wechatError("NOTENOUGH"),
    ...UNKNOWNS.map(([, fault]) => fault),
  );
  for (let attempt = 0; attempt < 4; attempt += 1) await requestRefund(scene, order);
  d1.fail({ sql: /update "refunds" set "state"/, how: "lost before" });
  await runNextTimer(order, "poll-refund");
  await runNextTimer(order, "poll-refund");
  const { number } = await refundOf(order);
  wechat.refund(number).status = "SUCCESS";
  wechat.fail("/pay/refundquery", UNKNOWN);
  const notification = {
    out_trade_no: order.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  };
  await notifyRefund(shop, notification, "wrong");
  await notifyRefund(shop, notification);
  await notifyRefund(shop, notification);
  await runDueTimers(order);
  return order;
}

describe("I9: an order with every fault", () => {
  test("leaves no secret and no openId in the log", async () => {
    const scene = await openScene();
    await runFaultyScenario(scene);
    const logged = scene.logged.join("\n");
    for (const event of ["request", "order_operation", "wechat_call", "app_call"]) {
      expect(logLinesWith(scene.logged, { event }).length).toBeGreaterThan(1);
    }
    expect(scene.logged.length).toBeGreaterThan(20);
    expect(logged).toMatch(/"level":"error"/);
    for (const secret of secretsOf(scene.shop)) expect(logged).not.toContain(secret);
  });

  test("leaves no secret, openId or order number in the metrics", async () => {
    const scene = await openScene();
    const dataPoints = recordDataPoints();
    const { number } = await runFaultyScenario(scene);
    expect(new Set(dataPoints.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(4);
    const text = JSON.stringify(dataPoints);
    for (const secret of [...secretsOf(scene.shop), number]) expect(text).not.toContain(secret);
  });

  test("leaves no secret and no openId in the timeline", async () => {
    const scene = await openScene();
    const order = await runFaultyScenario(scene);
    const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
    const shown = await send(`/admin/orders/${order.id}/timeline`, { headers });
    const timeline = JSON.stringify(await objectOf(order).history()) + (await shown.text());
    expect(timeline).toContain("app.called");
    for (const secret of secretsOf(scene.shop)) expect(timeline).not.toContain(secret);
  });

  test("ends refunded with both events confirmed", async () => {
    const scene = await openScene();
    const order = await runFaultyScenario(scene);
    expect(await refundOf(order)).toMatchObject({ state: "succeeded", notifyState: "confirmed" });
    expect(scene.wechat.refunds.size).toBe(1);
  });
});

test("I9: a refused admin token isn't logged", async () => {
  const { logged } = await openScene();
  const headers = { authorization: "Bearer a-token-of-somebody-else" };
  expect((await send("/admin/orders", { headers })).status).toBe(401);
  expect(logged.join()).not.toContain("a-token-of-somebody-else");
});

describe("log", () => {
  test("writes one line of JSON with level and event", () => {
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

  test("masked keeps only enough of an identifier to tell two apart", () => {
    expect(masked("ocxab04rPr0Qms9SOQA3fNgYGqoY")).toBe("ocxa***oY");
    expect(masked("12345678")).toBe("***");
  });

  test("describe returns a failed query's cause, never its bound values", () => {
    const cause = new Error("D1_ERROR: no such table");
    const failed = new Error(`Failed query: select ?\nparams: ${OPEN_ID}`, { cause });
    expect(describeError(failed)).toBe("Error: D1_ERROR: no such table");
    expect(describeError(new Error(`Failed query: params: ${OPEN_ID}`))).not.toContain(OPEN_ID);
    expect(describeError(new TypeError("x".repeat(1_000))).length).toBeLessThanOrEqual(300);
    expect(describeError("text")).not.toContain("text");
  });
});
