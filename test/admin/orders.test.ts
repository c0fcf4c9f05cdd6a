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

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the back-office, as the operator. */
async function admin(method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await send(`/admin/orders${path}`, {
    method,
    headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

/** The ids in an answer's list, in its order. */
function idsOf({ body }: Reply): unknown[] {
  const { items } = body;
  return Array.isArray(items) ? items.map((item: unknown) => Reflect.get(Object(item), "id")) : [];
}

/** The ids of the orders that a query finds. */
async function found(query: string): Promise<unknown[]> {
  return idsOf(await admin("GET", `?${query}`));
}

/** One more shop that WeChat knows. */
async function openAdmitted({ wechat }: Scene): Promise<Shop> {
  const other = await openShop();
  wechat.addMerchant(other);
  return other;
}

describe("the list of orders", () => {
  test("has the newest first, page by page, each order once", async () => {
    const scene = await openScene();
    const order: OrderRef[] = [];
    for (let count = 0; count < 5; count += 1) order.push(await makeOrder(scene));
    const filter = `?appId=${scene.shop.appId}&limit=2`;
    const pages: unknown[] = [];
    let cursor: unknown = 999_999_999;
    while (typeof cursor === "number") {
      const page = await admin("GET", `${filter}&cursor=${cursor}`);
      expect(page.status).toBe(200);
      pages.push(idsOf(page));
      cursor = page.body["nextCursor"];
    }
    const ids = order.map(({ id }) => id).toReversed();
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  });

  test("can be narrowed down by each of its filters", async () => {
    const scene = await openScene();
    const { shop } = scene;
    const paid = await makePaidOrder(scene);
    const waiting = await makeOrder(scene);
    await makePaidOrder({ ...scene, shop: await openAdmitted(scene) });
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
  ])("refuses ?%s by name", async (query) => {
    await openScene();
    const reply = await admin("GET", `?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.text).toContain(query.split("=")[0]);
  });
});

describe("one order", () => {
  test("is shown as stored, with its refunds, without the payer's openId", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene, { openId: "oOpenIdThatNobodyShouldSee" });
    await requestRefund(scene, order);
    const reply = await admin("GET", `/${order.id}`);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ ...(await rowOf(order)), refunds: [await refundOf(order)] });
    expect(reply.text).not.toContain("oOpenIdThatNobodyShouldSee");
    expect((await admin("GET", `?number=${order.number}`)).text).not.toContain("oOpenIdThat");
  });

  test("has a timeline with what happened and what is going to", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(appResponse("out of order", { status: 500 }));
    await runNextTimer(order, "deliver-payment");
    const { status, body } = await admin("GET", `/${order.id}/timeline`);
    expect(status).toBe(200);
    expect(body["items"]).toEqual([
      { at: START, event: "wechat.prepay", facts: { answer: "prepared" } },
      { at: START, event: "payment.recorded", facts: { transactionId: expect.any(String) } },
      {
        at: START,
        event: "app.called",
        facts: {
          eventId: `pay_${order.number}`,
          call: 1,
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

describe("redelivery", () => {
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

  test("of what hasn't happened is a 409", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    expect((await admin("POST", `/${order.id}/redeliver`, { event: "pay" })).status).toBe(409);
    const paid = await makePaidOrder(scene);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
    await requestRefund(scene, paid);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
  });

  test.for([{}, { event: "order" }, { event: "pay", extra: 1 }, []])(
    "as %j is a 400",
    async (body) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      expect((await admin("POST", `/${order.id}/redeliver`, body)).status).toBe(400);
    },
  );
});

describe("asking WeChat by hand", () => {
  test("books what it says, and shows the order as it is then", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const { transactionId } = scene.wechat.pay(order.number);
    expect(await admin("POST", `/${order.id}/sync`)).toMatchObject({
      status: 200,
      body: { outcome: "asked", order: { id: order.id, payState: "paid", transactionId } },
    });
  });

  test("says when WeChat gives no clear answer", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", UNKNOWN);
    expect(await admin("POST", `/${order.id}/sync`)).toMatchObject({
      status: 200,
      body: { outcome: "unknown", order: { payState: "waiting" } },
    });
  });
});

describe("every route about one order", () => {
  const ROUTES = [
    ["GET", ""],
    ["GET", "/timeline"],
    ["POST", "/redeliver"],
    ["POST", "/sync"],
  ] as const;

  test.for(ROUTES)("%s %s is a 404 where there is no order", async ([method, path]) => {
    await openScene();
    const body = method === "POST" ? { event: "pay" } : undefined;
    expect((await admin(method, `/999999${path}`, body)).status).toBe(404);
    expect((await admin(method, `/none${path}`, body)).status).toBe(404);
  });

  test.for([...ROUTES, ["GET", "list"] as const])(
    "%s %s is a 401 without the token, whether the order exists or not",
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
