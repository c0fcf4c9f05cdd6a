import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { START } from "../support/clock.ts";
import { says } from "../support/fake-app.ts";
import { UNKNOWN } from "../support/faults.ts";
import { send } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  type Made,
} from "../support/life.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";

afterEach(closeWorld);

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
async function openAdmitted({ wechat }: World): Promise<Shop> {
  const other = await openShop();
  wechat.admit(other);
  return other;
}

describe("the list of orders", () => {
  test("has the newest first, page by page, each order once", async () => {
    const world = await openWorld();
    const made: Made[] = [];
    for (let count = 0; count < 5; count += 1) made.push(await makeOrder(world));
    const filter = `?appId=${world.shop.appId}&limit=2`;
    const pages: unknown[] = [];
    let cursor: unknown = 999_999_999;
    while (typeof cursor === "number") {
      const page = await admin("GET", `${filter}&cursor=${cursor}`);
      expect(page.status).toBe(200);
      pages.push(idsOf(page));
      cursor = page.body["nextCursor"];
    }
    const ids = made.map(({ id }) => id).toReversed();
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  });

  test("can be narrowed down by each of its filters", async () => {
    const world = await openWorld();
    const { shop } = world;
    const paid = await makePaidOrder(world);
    const waiting = await makeOrder(world);
    await makePaidOrder({ ...world, shop: await openAdmitted(world) });
    expect(await found(`appId=${shop.appId}`)).toEqual([waiting.id, paid.id]);
    expect(await found(`merchantId=${shop.merchantId}`)).toEqual([waiting.id, paid.id]);
    expect(await found(`appId=${shop.appId}&payState=paid`)).toEqual([paid.id]);
    expect(await found(`appId=${shop.appId}&payState=failed`)).toEqual([]);
    expect(await found(`number=${waiting.number}`)).toEqual([waiting.id]);
    expect(await found(`appId=${shop.appId}&payNotifyState=confirmed`)).toEqual([]);
    await runDue(paid);
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
    await openWorld();
    const reply = await admin("GET", `?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.text).toContain(query.split("=")[0]);
  });
});

describe("one order", () => {
  test("is shown as stored, with its refunds, without the payer's openId", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world, { openId: "oOpenIdThatNobodyShouldSee" });
    await refund(world, made);
    const reply = await admin("GET", `/${made.id}`);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ ...(await rowOf(made)), refunds: [await refundOf(made)] });
    expect(reply.text).not.toContain("oOpenIdThatNobodyShouldSee");
    expect((await admin("GET", `?number=${made.number}`)).text).not.toContain("oOpenIdThat");
  });

  test("has a timeline with what happened and what is going to", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.app.reply(says("out of order", { status: 500 }));
    await runNext(made, "deliver-payment");
    const { status, body } = await admin("GET", `/${made.id}/timeline`);
    expect(status).toBe(200);
    expect(body["items"]).toEqual([
      { at: START, event: "wechat.prepay", facts: { answer: "prepared" } },
      { at: START, event: "payment.recorded", facts: { transactionId: expect.any(String) } },
      {
        at: START,
        event: "app.called",
        facts: {
          eventId: `pay_${made.number}`,
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
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await refund(world, made);
    world.wechat.refund((await refundOf(made)).number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    await runDue(made);
    const url = event === "pay" ? world.shop.payUrl : world.shop.refundUrl;
    expect(world.app.callsTo(url)).toHaveLength(1);
    expect((await admin("POST", `/${made.id}/redeliver`, { event })).status).toBe(202);
    await runDue(made);
    const calls = world.app.callsTo(url);
    expect(calls).toHaveLength(2);
    expect(calls[1]?.headers.get("webhook-id")).toBe(calls[0]?.headers.get("webhook-id"));
  });

  test("of what hasn't happened is a 409", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    expect((await admin("POST", `/${made.id}/redeliver`, { event: "pay" })).status).toBe(409);
    const paid = await makePaidOrder(world);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
    await refund(world, paid);
    expect((await admin("POST", `/${paid.id}/redeliver`, { event: "refund" })).status).toBe(409);
  });

  test.for([{}, { event: "order" }, { event: "pay", extra: 1 }, []])(
    "as %j is a 400",
    async (body) => {
      const world = await openWorld();
      const made = await makePaidOrder(world);
      expect((await admin("POST", `/${made.id}/redeliver`, body)).status).toBe(400);
    },
  );
});

describe("asking WeChat by hand", () => {
  test("books what it says, and shows the order as it is then", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const { transactionId } = world.wechat.pay(made.number);
    expect(await admin("POST", `/${made.id}/sync`)).toMatchObject({
      status: 200,
      body: { outcome: "asked", order: { id: made.id, payState: "paid", transactionId } },
    });
  });

  test("says when WeChat gives no clear answer", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.fail("/pay/orderquery", UNKNOWN);
    expect(await admin("POST", `/${made.id}/sync`)).toMatchObject({
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
    await openWorld();
    const body = method === "POST" ? { event: "pay" } : undefined;
    expect((await admin(method, `/999999${path}`, body)).status).toBe(404);
    expect((await admin(method, `/none${path}`, body)).status).toBe(404);
  });

  test.for([...ROUTES, ["GET", "list"] as const])(
    "%s %s is a 401 without the token, whether the order exists or not",
    async ([method, path]) => {
      const world = await openWorld();
      const made = await makePaidOrder(world);
      await runDue(made);
      const before = await rowOf(made);
      for (const id of [made.id, 999_999]) {
        for (const authorization of ["", "Bearer wrong", `Basic ${env.ADMIN_TOKEN}`]) {
          const where = path === "list" ? "" : `/${id}${path}`;
          const init = { method, headers: { authorization } };
          expect((await send(`/admin/orders${where}`, init)).status).toBe(401);
        }
      }
      await runDue(made);
      expect(await rowOf(made)).toEqual(before);
      expect(world.app.calls).toHaveLength(1);
    },
  );
});
