import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { UNKNOWN, wechatError, type Fault } from "../support/faults.ts";
import { instrumentD1 } from "../support/d1.ts";
import {
  makeOrder,
  makePaidOrder,
  refundOf,
  requestRefund,
  rowOf,
  runNextTimer,
} from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";
import { openShop } from "../support/shop.ts";
import { START } from "../support/clock.ts";
import { fieldErrors, fieldsOf, pageIn, sendAdmin } from "./support.ts";

afterEach(closeScene);

const DAY_MS = 24 * 3600_000;

async function list(query: string) {
  return await sendAdmin("GET", `/admin/orders?${query}`);
}

async function idsOf(query: string): Promise<number[]> {
  const answer = await list(query);
  expect(answer.text).toContain("items");
  return pageIn(answer).ids;
}

describe.each(["MD5", "HMAC-SHA256", "RSA"] as const)(
  "GET /admin/orders?q= with a transaction that no order has, %s",
  (signType) => {
    test("finds the order that WeChat names for it, and changes nothing", async () => {
      const scene = await openScene(signType);
      const order = await makeOrder(scene);
      const { transactionId } = scene.wechat.pay(order.number);
      const before = await rowOf(order);
      const answer = await list(`q=${transactionId}&merchantId=${scene.shop.merchantId}`);
      expect(answer.json).toMatchObject({
        items: [{ id: order.id, payState: "waiting" }],
        nextCursor: null,
        wechat: {
          outcome: "found",
          merchantId: scene.shop.merchantId,
          orderNumber: order.number,
        },
      });
      expect(await rowOf(order)).toEqual(before);
      expect(await idsOf(`q=${transactionId}&appId=${scene.shop.appId}&payState=paid`)).toEqual([]);
    });

    test("names the order of another system, which the gateway doesn't have", async () => {
      const scene = await openScene(signType);
      const order = await makeOrder(scene);
      const { transactionId } = scene.wechat.pay(order.number);
      await env.DB.prepare("delete from orders where id = ?").bind(order.id).run();
      expect((await list(`q=${transactionId}&appId=${scene.shop.appId}`)).json).toMatchObject({
        items: [],
        wechat: { outcome: "found", orderNumber: order.number },
      });
    });

    test("says that WeChat doesn't have it", async () => {
      const { shop } = await openScene(signType);
      const answer = await list(`q=4200000000000000000000000000&appId=${shop.appId}`);
      expect(answer.json).toEqual({
        items: [],
        nextCursor: null,
        wechat: { outcome: "absent", merchantId: null, orderNumber: null },
      });
    });

    test.each<readonly [string, Fault]>([
      ["no usable answer", UNKNOWN],
      ["a wrong signature", { acts: true, how: "wrong signature" }],
      ["a refusal", wechatError("NOAUTH")],
    ])("says that it is unknown: %s", async (_, fault) => {
      const scene = await openScene(signType);
      const order = await makeOrder(scene);
      const { transactionId } = scene.wechat.pay(order.number);
      scene.wechat.fail("/pay/orderquery", fault);
      expect((await list(`q=${transactionId}&appId=${scene.shop.appId}`)).json).toMatchObject({
        items: [],
        wechat: { outcome: "unknown" },
      });
    });
  },
);

describe("GET /admin/orders?q=", () => {
  test("takes at most two trips, and asks WeChat only about unknown transactions", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const { transactionId } = await rowOf(order);
    const queries = scene.wechat.callsOf("/pay/orderquery").length;
    const { trips } = instrumentD1();
    for (const q of [order.number, transactionId, "A-1", "50000305922026112391537490324", "%"]) {
      const before = trips.length;
      const answer = await list(`q=${encodeURIComponent(q ?? "")}&sums=1`);
      expect(answer.status).toBe(200);
      expect(answer.json).not.toHaveProperty("wechat");
      expect(trips.length - before).toBeLessThanOrEqual(2);
    }
    expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(queries);
  });

  test("asks at most 20 merchants, and wants one to be chosen otherwise", async () => {
    const { shop } = await openScene();
    for (let count = 0; count < 21; count += 1) await openShop();
    const q = "4200000000000000000000000000";
    const answer = await list(`q=${q}`);
    expect(answer.status).toBe(400);
    expect(fieldErrors(answer)["merchantId"]).toContain("at most 20");
    expect((await list(`q=${q}&merchantId=${shop.merchantId}`)).status).toBe(200);
  });

  test("finds a number as people paste it", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    for (const q of [` ${order.number}\n`, `\t${order.number}`, `\`${order.number}`]) {
      expect(await idsOf(`q=${encodeURIComponent(q)}`)).toEqual([order.id]);
    }
  });

  test.for(["", "%20", "x".repeat(65), "x".repeat(10_000)])("refuses ?q=%s", async (q) => {
    await openScene();
    const answer = await list(`q=${q}`);
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual(["q"]);
  });

  test.for(["%25", "_", "%27%20or%201%3D1%20--", "%00", "%F0%9F%98%80", "%FF"])(
    "finds nothing by ?q=%s",
    async (q) => {
      const scene = await openScene();
      await makePaidOrder(scene);
      expect(await idsOf(`q=${q}`)).toEqual([]);
    },
  );
});

describe("GET /admin/orders, filters", () => {
  test("filters by payer, amount, refund and the time of the payment", async () => {
    const scene = await openScene();
    const { appId } = scene.shop;
    const paid = await makePaidOrder(scene, { openId: "oPayerOne", totalFree: 250 });
    const waiting = await makeOrder(scene, { openId: "oPayerTwo" });
    await requestRefund(scene, paid);
    const { paidAt } = await rowOf(paid);
    const answer = await list(`appId=${appId}&openId=oPayerOne`);
    expect(pageIn(answer).ids).toEqual([paid.id]);
    expect(answer.text).not.toContain("oPayerOne");
    expect(await idsOf("openId=oPayerThree")).toEqual([]);
    expect(await idsOf(`appId=${appId}&totalFen=250`)).toEqual([paid.id]);
    expect(await idsOf(`appId=${appId}&totalFen=100`)).toEqual([waiting.id]);
    expect(await idsOf(`appId=${appId}&refundState=accepted`)).toEqual([paid.id]);
    expect(await idsOf(`appId=${appId}&refundState=succeeded`)).toEqual([]);
    expect(await idsOf(`appId=${appId}&paidFrom=${paidAt}`)).toEqual([paid.id]);
    expect(await idsOf(`appId=${appId}&paidBefore=${paidAt}`)).toEqual([]);
    expect(await idsOf(`appId=${appId}&paidFrom=2040-01-01&paidBefore=2040-01-02`)).toEqual([
      paid.id,
    ]);
    expect(await idsOf(`appId=${appId}&paidFrom=2040-01-02`)).toEqual([]);
  });

  test("takes a day for its start in Beijing", async () => {
    const scene = await openScene();
    const { appId } = scene.shop;
    const midnight = Date.UTC(2039, 11, 31, 16);
    const ids: number[] = [];
    for (const createdAt of [midnight - 1, midnight, midnight + DAY_MS - 1, midnight + DAY_MS]) {
      const order = await makeOrder(scene);
      await env.DB.prepare("update orders set created_at = ? where id = ?")
        .bind(createdAt, order.id)
        .run();
      ids.push(order.id);
    }
    const [before, first, last, after] = ids;
    const day = `appId=${appId}&createdFrom=2040-01-01&createdBefore=2040-01-02`;
    expect(await idsOf(day)).toEqual([last, first]);
    expect(await idsOf(`appId=${appId}&createdBefore=2040-01-01`)).toEqual([before]);
    expect(await idsOf(`appId=${appId}&createdFrom=${midnight + DAY_MS}`)).toEqual([after]);
  });

  test.for([
    "createdFrom=2026-02-29",
    "createdBefore=2026-1-1",
    "paidFrom=yesterday",
    "paidBefore=2026-01-01T00:00:00",
    "paidFrom=-1",
    "totalFen=1.5",
    "refundState=lost",
    "sums=yes",
    `openId=${"o".repeat(129)}`,
  ])("refuses ?%s and names the parameter, not its value", async (query) => {
    await openScene();
    const answer = await list(query);
    const [name = "", value = ""] = query.split("=");
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual([name]);
    expect(answer.text).not.toContain(value);
  });

  test("sums=1 adds the sums of the whole list to each page", async () => {
    const scene = await openScene();
    const orders = [await makePaidOrder(scene), await makePaidOrder(scene), await makeOrder(scene)];
    await requestRefund(scene, orders[0] ?? orders[2]!, { refundFree: 30, appRefundNo: "S-1" });
    const query = `appId=${scene.shop.appId}&createdFrom=${START}&sums=1&limit=1`;
    const sums = { orders: 3, totalFen: 300, refundedFen: 30 };
    const first = fieldsOf(await list(query));
    expect(first).toMatchObject({ sums });
    expect(fieldsOf(await list(`${query}&cursor=${String(first["nextCursor"])}`))).toMatchObject({
      sums,
    });
    expect(fieldsOf(await list(`appId=${scene.shop.appId}`))).not.toHaveProperty("sums");
    const refused = fieldsOf(await list(`${query}&payState=failed`));
    expect(refused).toMatchObject({ sums: { orders: 0, totalFen: 0, refundedFen: 0 } });
  });
});

describe("GET /admin/refunds", () => {
  test("lists refunds of all orders by each filter, with their sums", async () => {
    const scene = await openScene();
    const { appId, merchantId } = scene.shop;
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    const refund = await refundOf(order);
    const { transactionId } = await rowOf(order);
    const path = `/admin/refunds?appId=${appId}`;
    const answer = await sendAdmin("GET", `${path}&sums=1`);
    expect(answer.json).toEqual({
      items: [
        { ...refund, orderNumber: order.number, merchantId, appOrderNo: null, transactionId },
      ],
      nextCursor: null,
      sums: { refunds: 1, refundFen: 100, refundedFen: 100 },
    });
    const count = async (query: string) =>
      pageIn(await sendAdmin("GET", `${path}&${query}`)).ids.length;
    expect(await count("state=accepted")).toBe(1);
    expect(await count("state=succeeded")).toBe(0);
    expect(await count(`createdFrom=${START}&createdBefore=${START + 1}`)).toBe(1);
    expect(await count("createdFrom=2040-01-02")).toBe(0);
    expect(await count(`cursor=${refund.id}`)).toBe(0);
    scene.wechat.refund(refund.number).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    expect(await count("state=abnormal")).toBe(1);
    expect(await idsOf(`appId=${appId}&refundState=abnormal`)).toEqual([order.id]);
  });

  test.for(["state=lost", "createdFrom=now", "limit=101", "q=1", "sums=2"])(
    "refuses ?%s and names the parameter",
    async (query) => {
      await openScene();
      const answer = await sendAdmin("GET", `/admin/refunds?${query}`);
      expect(answer.status).toBe(400);
      expect(Object.keys(fieldErrors(answer))).toEqual([query.split("=")[0]]);
    },
  );
});
