import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { START } from "../support/clock.ts";
import { appResponse } from "../support/app-receiver.ts";
import { UNKNOWN } from "../support/faults.ts";
import { send } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  type OrderRef,
} from "../support/scenario.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

interface AdminReply {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends a request to /admin/orders with the operator's token. */
async function admin(method: string, path: string, body?: unknown): Promise<AdminReply> {
  const response = await send(`/admin/orders${path}`, {
    method,
    headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

/** The ids of a list response, in order. */
function idsOf({ body }: AdminReply): unknown[] {
  const { items } = body;
  return Array.isArray(items) ? items.map((item: unknown) => Reflect.get(Object(item), "id")) : [];
}

/** The ids of the orders that a query finds. */
async function found(query: string): Promise<unknown[]> {
  return idsOf(await admin("GET", `?${query}`));
}

/** Opens another shop that is registered at WeChat. */
async function openRegisteredShop({ wechat }: Scene): Promise<Shop> {
  const other = await openShop();
  wechat.addMerchant(other);
  return other;
}

describe("GET /admin/orders", () => {
  test("lists the newest first, page by page, each order once", async () => {
    const scene = await openScene();
    const orders: OrderRef[] = [];
    for (let count = 0; count < 5; count += 1) orders.push(await makeOrder(scene));
    const filter = `?appId=${scene.shop.appId}&limit=2`;
    const pages: unknown[] = [];
    let cursor: unknown = 999_999_999;
    while (typeof cursor === "number") {
      const page = await admin("GET", `${filter}&cursor=${cursor}`);
      expect(page.status).toBe(200);
      pages.push(idsOf(page));
      cursor = page.body["nextCursor"];
    }
    const ids = orders.map(({ id }) => id).toReversed();
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  });

  test("filters by each parameter", async () => {
    const scene = await openScene();
    const { shop } = scene;
    const paid = await makePaidOrder(scene);
    const waiting = await makeOrder(scene);
    await makePaidOrder({ ...scene, shop: await openRegisteredShop(scene) });
    expect(await found(`appId=${shop.appId}`)).toEqual([waiting.id, paid.id]);
    expect(await found(`merchantId=${shop.merchantId}`)).toEqual([waiting.id, paid.id]);
    expect(await found(`appId=${shop.appId}&payState=paid`)).toEqual([paid.id]);
    expect(await found(`appId=${shop.appId}&payState=failed`)).toEqual([]);
    expect(await found(`number=${waiting.number}`)).toEqual([waiting.id]);
    expect(await found(`appId=${shop.appId}&payNotifyState=confirmed`)).toEqual([]);
    await runDueTimers(paid);
    expect(await found(`appId=${shop.appId}&payNotifyState=confirmed`)).toEqual([paid.id]);
    expect(await found(`appId=${shop.appId}&createdFrom=${START}`)).toEqual([waiting.id, paid.id]);
    expect(await found(`appId=${shop.appId}&createdFrom=${START + 1}`)).toEqual([]);
    expect(await found(`appId=${shop.appId}&createdBefore=${START}`)).toEqual([]);
    expect(await found("appOrderNo=nobody-has-this")).toEqual([]);
  });

  test.for([
    "limit=0",
    "limit=101",
    "limit=x",
    "cursor=-1",
    "appId=one",
    "payState=lost",
    "payNotifyState=2",
    "createdFrom=yesterday",
    "colour=red",
  ])("refuses ?%s and names the parameter", async (query) => {
    await openScene();
    const reply = await admin("GET", `?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.text).toContain(query.split("=")[0]);
  });
});

describe("GET /admin/orders/:id", () => {
  test("returns the stored order with its refunds, without the payer's openId", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene, { openId: "oOpenIdThatNobodyShouldSee" });
    await requestRefund(scene, order);
    const reply = await admin("GET", `/${order.id}`);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ ...(await rowOf(order)), refunds: [await refundOf(order)] });
    expect(reply.text).not.toContain("oOpenIdThatNobodyShouldSee");
    expect((await admin("GET", `?number=${order.number}`)).text).not.toContain("oOpenIdThat");
  });

  test("timeline returns the events and the armed timers", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("out of order", { status: 500 }));
    await runNextTimer(order, "deliver-payment");
    const { status, body } = await admin("GET", `/${order.id}/timeline`);
    expect(status).toBe(200);
    expect(body["items"]).toEqual([
      { at: START, event: "wechat.prepay", facts: { answer: "prepared" } },
      {
        at: START,
        event: "payment.recorded",
        facts: { by: "notification", transactionId: expect.any(String) },
      },
      {
        at: START,
        event: "app.called",
        facts: {
          eventId: `pay_${order.number}`,
          call: 1,
          url: scene.shop.payUrl,
          fields:
            "appId,event,eventId,order_id,pay_order_number,total_free,pay_state,transaction_id,pay_time,timestamp,sign",
          confirmed: false,
          status: 500,
          tookMs: 0,
          answer: "out of order",
        },
      },
    ]);
    expect(body["timers"]).toEqual([
      expect.objectContaining({ kind: "deliver-payment", attempt: 1 }),
    ]);
  });
});

describe("POST /admin/orders/:id/redeliver", () => {
  test.for(["pay", "refund"] as const)("calls the app again about the %s", async (event) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    scene.wechat.refund((await refundOf(order)).number).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    await runDueTimers(order);
    const url = event === "pay" ? scene.shop.payUrl : scene.shop.refundUrl;
    expect(scene.app.callsTo(url)).toHaveLength(1);
    expect((await admin("POST", `/${order.id}/redeliver`, { event })).status).toBe(202);
    await runDueTimers(order);
    const calls = scene.app.callsTo(url);
    expect(calls).toHaveLength(2);
    expect(calls[1]?.headers.get("webhook-id")).toBe(calls[0]?.headers.get("webhook-id"));
  });

  test("answers 409 when there is nothing to deliver", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect((await admin("POST", `/${order.id}/redeliver`, { event: "pay" })).status).toBe(409);
    const paid = await makePaidOrder(scene);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
    await requestRefund(scene, paid);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
  });

  test.for([{}, { event: "order" }, { event: "pay", extra: 1 }, []])(
    "answers 400 to the body %j",
    async (body) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      expect((await admin("POST", `/${order.id}/redeliver`, body)).status).toBe(400);
    },
  );
});

describe("POST /admin/orders/:id/sync", () => {
  test("records WeChat's answer and returns the updated order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const { transactionId } = scene.wechat.pay(order.number);
    expect(await admin("POST", `/${order.id}/sync`)).toMatchObject({
      status: 200,
      body: { outcome: "asked", order: { id: order.id, payState: "paid", transactionId } },
    });
  });

  test("returns outcome unknown when WeChat gives no usable answer", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    expect(await admin("POST", `/${order.id}/sync`)).toMatchObject({
      status: 200,
      body: { outcome: "unknown", order: { payState: "waiting" } },
    });
  });
});

describe("/admin/orders/:id, all routes", () => {
  const ROUTES = [
    ["GET", ""],
    ["GET", "/timeline"],
    ["POST", "/redeliver"],
    ["POST", "/sync"],
  ] as const;

  test.for(ROUTES)("%s %s answers 404 for an absent order", async ([method, path]) => {
    await openScene();
    const body = method === "POST" ? { event: "pay" } : undefined;
    expect((await admin(method, `/999999${path}`, body)).status).toBe(404);
    expect((await admin(method, `/none${path}`, body)).status).toBe(404);
  });

  test.for([...ROUTES, ["GET", "list"] as const])(
    "%s %s answers 401 without the token, whether the order exists or not",
    async ([method, path]) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      await runDueTimers(order);
      const before = await rowOf(order);
      for (const id of [order.id, 999_999]) {
        for (const authorization of ["", "Bearer wrong", `Basic ${env.ADMIN_TOKEN}`]) {
          const where = path === "list" ? "" : `/${id}${path}`;
          const init = { method, headers: { authorization } };
          expect((await send(`/admin/orders${where}`, init)).status).toBe(401);
        }
      }
      await runDueTimers(order);
      expect(await rowOf(order)).toEqual(before);
      expect(scene.app.calls).toHaveLength(1);
    },
  );
});
