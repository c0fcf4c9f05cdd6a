import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import { instrumentD1 } from "../support/d1.ts";
import { formOf, read, send, signed } from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { makeOrder, ORDER } from "../support/scenario.ts";
import { paymentNotificationRequest, payPath } from "../support/notifications.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const ENDPOINTS = ["/pay/create-order", "/pay/close-order", "/refund/refund-money", "/order"];
const METHODS = ["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TOKEN = "a-token-that-nobody-guesses";
const QA: Env = { ...env, ENVIRONMENT: "qa", ADMIN_TOKEN: TOKEN };
const PRODUCTION: Env = { ...QA, ENVIRONMENT: "production" };
const MAX_AGE = "max-age=31536000";

afterEach(closeScene);

async function sendTo(url: string, init: RequestInit = {}, bindings = PRODUCTION) {
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(new Request(url, init));
  const response = await worker.fetch(request, bindings, context);
  await waitOnExecutionContext(context);
  return response;
}

describe("plain http outside development", () => {
  test.for([QA, PRODUCTION])(
    "is answered by the endpoints with code 501, whatever the method: $ENVIRONMENT",
    async (bindings) => {
      for (const path of [...ENDPOINTS, "/order/", "/%6frder", "/order?a=1"]) {
        for (const method of METHODS) {
          const response = await sendTo(`http://gateway.test${path}`, { method }, bindings);
          expect(response.status).toBe(200);
          expect(response.headers.get("strict-transport-security")).toBe(MAX_AGE);
          if (method === "HEAD") continue;
          expect(await response.json()).toEqual({
            code: 501,
            errmsg:
              "提交上来的参数错误：只接受 https：本请求以明文 http 发送，网关没有处理，也不跳转",
            data: null,
          });
        }
      }
    },
  );

  test.for([
    "/health",
    "/",
    "/nothing",
    "/order/1",
    "/admin/merchants",
    "/admin/nothing",
    "/notify/v2/1/pay",
    "/notify/v2/1/refund",
    "/notify/v3/1/pay",
    "/notify/v3/1/refund",
  ])("is forbidden at %s, and not redirected", async (path) => {
    const { trips } = instrumentD1();
    for (const method of METHODS) {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const response = await sendTo(`http://gateway.test${path}`, { method, headers });
      expect(response.status).toBe(403);
      expect(response.headers.get("location")).toBeNull();
      expect(response.headers.get("strict-transport-security")).toBe(MAX_AGE);
    }
    expect(trips).toEqual([]);
  });

  test("has no effect, however well it is signed", async () => {
    const { shop, wechat } = await openScene();
    const { trips } = instrumentD1();
    const form = formOf(signed(shop, ORDER));
    const answer = await read(await sendTo("http://gateway.test/pay/create-order", form));
    expect(answer).toMatchObject({ status: 200, code: 501 });
    expect(wechat.orders.size).toBe(0);
    expect(trips).toEqual([]);
    const secure = await sendTo("https://gateway.test/pay/create-order", form);
    expect(await read(secure)).toMatchObject({ status: 200, code: 0 });
  });

  test("isn't taken for https, nor https for http, because of a header", async () => {
    for (const [scheme, claimed, status] of [
      ["http", "https", 403],
      ["https", "http", 404],
    ] as const) {
      const headers = {
        "x-forwarded-proto": claimed,
        "cf-visitor": `{"scheme":"${claimed}"}`,
        forwarded: `proto=${claimed}`,
        "x-forwarded-ssl": "on",
        "front-end-https": "on",
        host: `${claimed}://gateway.test`,
      };
      const response = await sendTo(`${scheme}://gateway.test/nothing`, { headers });
      expect(response.status).toBe(status);
    }
  });

  test("hears from a gateway that isn't configured what is missing", async () => {
    await openScene();
    const response = await sendTo(
      "http://gateway.test/health",
      {},
      { ...PRODUCTION, MASTER_KEY: "" },
    );
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("MASTER_KEY");
  });
});

test("plain http is accepted in development", async () => {
  await openScene();
  expect((await sendTo("http://gateway.test/health", {}, env)).status).toBe(200);
  const answer = await read(await sendTo("http://gateway.test/order", { method: "GET" }, env));
  expect(answer.code).toBe(502);
});

function post(body: string): RequestInit {
  return { method: "POST", body };
}

type SendRequest = (scene: Scene) => Promise<Response>;

describe("Strict-Transport-Security", () => {
  test.for<[string, number, SendRequest]>([
    [
      "a created order",
      200,
      async ({ shop }) => await send("/pay/create-order", formOf(signed(shop, ORDER))),
    ],
    ["code 501", 200, async () => await send("/order", post("x"))],
    ["code 502", 200, async () => await send("/order")],
    [
      "code 503 after a thrown error",
      200,
      async ({ shop }) => {
        instrumentD1().fail({ sql: /./, how: "lost before", times: 9 });
        return await send("/order", formOf(signed(shop, { order_id: 1 })));
      },
    ],
    [
      "a thrown error of the back-office",
      500,
      async () => {
        instrumentD1().fail({ sql: /./, how: "lost before", times: 9 });
        const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
        return await send("/admin/merchants", { headers });
      },
    ],
    ["an unknown path", 404, async () => await send("/nothing")],
    ["health", 200, async () => await send("/health")],
    ["a missing setting", 503, async () => await send("/health", {}, { ...env, MASTER_KEY: "" })],
    ["no admin token", 401, async () => await send("/admin/apps")],
    [
      "too many wrong admin tokens",
      429,
      async () => await send("/admin/apps", {}, bindingsWithLimits({ admin: 0 }).bindings),
    ],
    [
      "a payment notification",
      200,
      async (scene) => {
        const { number } = await makeOrder(scene);
        const paid = scene.wechat.pay(number);
        const init = await paymentNotificationRequest(scene.shop, number, paid);
        return await send(payPath(scene.shop), init);
      },
    ],
    ["a forged APIv3 notification", 401, async () => await send("/notify/v3/1/pay", post("{}"))],
  ])("is set on the answer to %s", async ([, status, request]) => {
    const response = await request(await openScene());
    expect(response.status).toBe(status);
    expect(response.headers.get("strict-transport-security")).toBe(MAX_AGE);
  });
});
