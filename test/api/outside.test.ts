import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { instrumentD1 } from "../support/d1.ts";
import { postSigned, formOf, read, send, signed } from "../support/gateway.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { ORDER } from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

describe("unknown path", () => {
  test.for(["/", "/pay", "/pay/create-orders", "/orders", "/notify/v2/1", "/notify/v2/1/other"])(
    "%s answers 404 in the contract's envelope",
    async (path) => {
      await openScene();
      const answer = await read(await send(path, { method: "POST" }));
      expect(answer).toMatchObject({ status: 404, code: 501, data: null });
      expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test("answers 404 to a GET on a notification path", async () => {
    await openScene();
    expect((await send("/notify/v2/1/pay")).status).toBe(404);
  });
});

test("routing ignores a slash at the end of a path", async () => {
  const { shop } = await openScene();
  expect((await postSigned(shop, "/pay/create-order/", ORDER)).code).toBe(0);
});

test("x-request-id is unique per response and never the caller's", async () => {
  const { shop } = await openScene();
  const init = formOf(signed(shop, { order_id: 1 }), { "x-request-id": "mine" });
  const ids = [await send("/order", init), await send("/order", init)].map(({ headers }) =>
    headers.get("x-request-id"),
  );
  expect(new Set(ids).size).toBe(2);
  expect(ids).not.toContain("mine");
});

test("request log has one line per request with its id, code, app and order", async () => {
  const { shop, logged } = await openScene();
  const { requestId, data } = await postSigned(shop, "/pay/create-order", ORDER);
  const lines = logLinesWith(logged, { requestId, event: "request" });
  expect(lines).toEqual([
    expect.objectContaining({
      path: "/pay/create-order",
      status: 200,
      code: 0,
      app: shop.appId,
      order: data?.["orderNumber"],
    }),
  ]);
});

describe("app endpoints while D1 is down", () => {
  test("answer a safely repeatable 503 without details of the fault", async () => {
    const { shop } = await openScene();
    instrumentD1().fail({ sql: /./, how: "lost before", times: 100 });
    for (const path of [
      "/pay/create-order",
      "/pay/close-order",
      "/refund/refund-money",
      "/order",
    ]) {
      const answer = await postSigned(shop, path, { ...ORDER, order_id: 1 });
      expect(answer).toMatchObject({ status: 200, code: 503, data: null });
      expect(answer.errmsg).toContain("重复本请求是安全的");
      expect(answer.errmsg).toContain(answer.requestId);
      expect(answer.text).not.toMatch(/D1_ERROR|select |Network connection/);
    }
  });

  test("answer an unknown app with the same 503", async () => {
    const { shop } = await openScene();
    instrumentD1().fail({ sql: /from "apps"/, how: "lost before" });
    expect((await postSigned({ ...shop, appId: 999_999 }, "/order", { order_id: 1 })).code).toBe(
      503,
    );
  });
});

test("create-order answers 503 when the app's secrets don't open under MASTER_KEY", async () => {
  const { shop } = await openScene();
  const other = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
  const init = formOf(signed(shop, ORDER));
  const answer = await read(await send("/pay/create-order", init, { ...env, MASTER_KEY: other }));
  expect(answer).toMatchObject({ status: 200, code: 503, data: null });
  expect(answer.text).not.toContain(other);
});
