import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { advance } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { formOf, read, send, signed, type Answer, type Values } from "../support/gateway.ts";
import {
  makePaidOrder,
  ORDER,
  requestRefund,
  refundOf,
  runDueTimers,
} from "../support/scenario.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import {
  isAcknowledged,
  paymentNotificationRequest,
  payPath,
  refundNotificationXml,
  refundPath,
  xmlPost,
} from "../support/notifications.ts";
import { openSibling, type Shop } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";

const PATHS = ["/pay/create-order", "/pay/close-order", "/refund/refund-money", "/order"] as const;

afterEach(closeScene);

let addresses = 0;

/** The headers of a caller with an address of its own. */
function newCaller(): Readonly<Record<string, string>> {
  addresses += 1;
  return { "cf-connecting-ip": `198.51.100.${addresses}` };
}

async function postWith(
  bindings: Env,
  shop: Pick<Shop, "appId" | "salt">,
  path: string,
  values: Values,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await read(await send(path, formOf(signed(shop, values), headers), bindings));
}

describe("I12: app limit", () => {
  test.for(PATHS)("answers %s with a safely repeatable 503 without any trip", async (path) => {
    const { shop, wechat, logged } = await openScene();
    const { bindings } = bindingsWithLimits({ app: 1 });
    // Requests are counted in parallel with the work, so the one after the first excess is refused.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await postWith(bindings, shop, path, { order_id: 1 });
    }
    const { trips } = instrumentD1();
    const dataPoints = recordDataPoints();
    const answer = await postWith(bindings, shop, path, { ...ORDER, order_id: 1 });
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toMatch(/^服务器端运行错误.*请求过于频繁（too many requests）/);
    expect(answer.errmsg).toContain("重复本请求是安全的");
    expect(trips).toEqual([]);
    expect(wechat.orders.size).toBe(0);
    const { requestId } = answer;
    expect(logLinesWith(logged, { event: "request", requestId })).toMatchObject([
      { limited: "app" },
    ]);
    const app = String(shop.appId);
    expect(dataPoints).toMatchObject([
      { kind: "limited", subject: "app", app },
      { kind: "request" },
    ]);
  });

  test("is counted per app", async () => {
    const { shop } = await openScene();
    const sibling = await openSibling(shop);
    const { bindings, keys } = bindingsWithLimits({ app: 1 });
    const codes = [];
    for (const caller of [shop, shop, shop, sibling]) {
      codes.push((await postWith(bindings, caller, "/order", { order_id: 1 })).code);
    }
    expect(codes).toEqual([501, 501, 503, 501]);
    expect(keys).toEqual([shop, shop, sibling].map(({ appId }) => `${appId} order`));
  });

  test.for(PATHS)("of %s that is used up leaves the other endpoints theirs", async (path) => {
    const scene = await openScene();
    const { shop } = scene;
    const { bindings } = bindingsWithLimits({ app: 2 });
    const order = await makePaidOrder(scene);
    const requests = [
      ["/pay/create-order", ORDER],
      ["/order", { order_id: order.id }],
      ["/pay/close-order", { platForm: 1, order_id: order.id }],
      ["/refund/refund-money", { platForm: 1, order_id: order.id }],
    ] as const;
    const codes: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      codes.push((await postWith(bindings, shop, path, { order_id: "nonsense" })).code);
    }
    expect(codes.at(-1)).toBe(503);
    for (const [other, values] of requests.filter(([name]) => name !== path)) {
      expect((await postWith(bindings, shop, other, values)).code, other).toBe(0);
    }
  });

  test("is checked again after a second", async () => {
    const { shop } = await openScene();
    const { bindings } = bindingsWithLimits({ app: 1 });
    const codes = [];
    for (const wait of [0, 0, 999, 1]) {
      advance(wait);
      codes.push((await postWith(bindings, shop, "/order", { order_id: 1 })).code);
    }
    expect(codes).toEqual([501, 501, 503, 501]);
    expect((await postWith(bindings, shop, "/order", { order_id: 1 })).code).toBe(503);
    // Another limiter's refusals don't apply.
    expect((await postWith(env, shop, "/order", { order_id: 1 })).code).toBe(501);
  });

  test("isn't consumed by requests with an invalid signature", async () => {
    const { shop } = await openScene();
    const { bindings } = bindingsWithLimits({ app: 1 });
    const forger = { ...shop, salt: "another salt" };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect((await postWith(bindings, forger, "/pay/create-order", ORDER)).code).toBe(501);
    }
    expect((await postWith(bindings, shop, "/pay/create-order", ORDER)).code).toBe(0);
  });

  test("refuses nothing when counting fails, and logs the failure", async () => {
    const { shop, logged } = await openScene();
    const broken: RateLimit = { limit: vi.fn<RateLimit["limit"]>().mockRejectedValue(new Error()) };
    const bindings = { ...env, APP_LIMIT: broken };
    expect((await postWith(bindings, shop, "/pay/create-order", ORDER)).code).toBe(0);
    expect(logLinesWith(logged, { event: "limit_not_counted" })).toHaveLength(1);
  });

  test("allows 100 requests per second with wrangler.toml's setting", async () => {
    const { shop } = await openScene();
    const codes = await Promise.all(
      Array.from({ length: 100 }, async () => await postWith(env, shop, "/order", { order_id: 1 })),
    );
    expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([501]));
  });
});

describe("I12: unverified requests", () => {
  test("are counted by address, a /64 in IPv6", async () => {
    const { shop } = await openScene();
    const { bindings, keys } = bindingsWithLimits({});
    const forger = { ...shop, salt: "another salt" };
    for (const address of ["2001:db8::1", "2001:db8::ffff:2", "::ffff:203.0.113.9"]) {
      const headers = { "cf-connecting-ip": address };
      await postWith(bindings, forger, "/order", { order_id: 1 }, headers);
    }
    expect(keys).toEqual(["app 2001:db8::/64", "app 2001:db8::/64", "app 203.0.113.9"]);
  });

  test("are logged one by one up to their address's limit, then once a minute", async () => {
    const { shop, logged } = await openScene();
    const { bindings } = bindingsWithLimits({ unverified: 3 });
    const forger = { ...shop, salt: "another salt" };
    const headers = newCaller();
    const flood = async () => {
      for (let attempt = 0; attempt < 10; attempt += 1) {
        expect((await postWith(bindings, forger, "/order", { order_id: 1 }, headers)).code).toBe(
          501,
        );
      }
    };
    await flood();
    expect(logLinesWith(logged, { event: "request" })).toHaveLength(3);
    const address = headers["cf-connecting-ip"];
    expect(logLinesWith(logged, { event: "unverified_flood" })).toEqual([
      { level: "warn", event: "unverified_flood", door: "app", address, suppressed: 1 },
    ]);
    advance(60_000);
    await flood();
    expect(logLinesWith(logged, { event: "unverified_flood" })).toMatchObject([
      { suppressed: 1 },
      { suppressed: 7 },
    ]);
  });

  test("don't affect verified requests from the same address or their log lines", async () => {
    const { shop, logged } = await openScene();
    const { bindings } = bindingsWithLimits({ unverified: 1 });
    const forger = { ...shop, salt: "another salt" };
    const headers = newCaller();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await postWith(bindings, forger, "/order", { order_id: 1 }, headers);
    }
    const { code, requestId } = await postWith(bindings, shop, "/pay/create-order", ORDER, headers);
    expect(code).toBe(0);
    expect(logLinesWith(logged, { event: "request", requestId })).toHaveLength(1);
  });

  test.for([
    ["a wrong signature", "wrong signature", { body: `appId=1&sign=${"0".repeat(40)}` }],
    ["no parameters", "malformed", { body: "" }],
    ["malformed JSON", "malformed", { body: "{" }],
    ["a callback's shape", "callback", { body: "appId=1&event=pay&eventId=pay_1" }],
    ["a body over the limit", "too large", { body: "a=".padEnd(20_000, "x") }],
  ] as const)("with %s are counted", async ([, outcome, { body }]) => {
    await openScene();
    const dataPoints = recordDataPoints();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    await send("/order", { method: "POST", headers, body });
    expect(dataPoints[0]).toMatchObject({ kind: "unverified", subject: "app", outcome });
  });

  test("to the admin routes are limited in the log too", async () => {
    const { logged } = await openScene();
    const { bindings } = bindingsWithLimits({ unverified: 2 });
    const headers = { ...newCaller(), authorization: "Bearer a-guess" };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect((await send("/admin/orders", { headers }, bindings)).status).toBe(401);
    }
    expect(logLinesWith(logged, { event: "admin_refused" })).toHaveLength(2);
    expect(logLinesWith(logged, { event: "request" })).toHaveLength(2);
  });
});

describe("I12: refund notification limit", () => {
  test("refuses repeats over the limit without a trip, then accepts them again", async () => {
    const scene = await openScene("HMAC-SHA256");
    const { shop, wechat } = scene;
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    const fields = { out_trade_no: order.number, out_refund_no: number, refund_status: "SUCCESS" };
    const body = await refundNotificationXml(shop, fields);
    const post = async (bindings: Env) =>
      await isAcknowledged(await send(refundPath(shop), xmlPost(body), bindings));
    const { bindings, keys } = bindingsWithLimits({ refundNotification: 2 });
    expect([await post(bindings), await post(bindings)]).toEqual([false, false]);
    expect(wechat.callsOf("/pay/refundquery")).toHaveLength(2);
    wechat.refund(number).status = "SUCCESS";
    const { trips } = instrumentD1();
    expect(await post(bindings)).toBe(false);
    expect(trips).toEqual([]);
    const key = `${shop.merchantId} ${order.number}`;
    expect(keys).toEqual([key, key, key]);
    expect(await post(bindingsWithLimits({ refundNotification: 2 }).bindings)).toBe(true);
  });
});

describe("I12: payment notification limit", () => {
  test.for(["HMAC-SHA256", "RSA"] as const)(
    "refuses repeats over the limit without a trip, then accepts them again (%s)",
    async (signType) => {
      const scene = await openScene(signType);
      const { shop, wechat, logged } = scene;
      const order = await makePaidOrder(scene);
      const request = await paymentNotificationRequest(
        shop,
        order.number,
        wechat.order(order.number),
      );
      const post = async (bindings: Env) =>
        await isAcknowledged(await send(payPath(shop), request, bindings));
      const { bindings, keys } = bindingsWithLimits({ paymentNotification: 2 });
      expect([await post(bindings), await post(bindings)]).toEqual([true, true]);
      const { trips } = instrumentD1();
      expect(await post(bindings)).toBe(false);
      expect(trips).toEqual([]);
      const key = `${shop.merchantId} ${order.number}`;
      expect(keys).toEqual([key, key, key]);
      expect(
        logLinesWith(logged, { event: "request", limited: "payment-notification" }),
      ).toHaveLength(1);
      expect(await post(bindingsWithLimits({ paymentNotification: 2 }).bindings)).toBe(true);
    },
  );
});
