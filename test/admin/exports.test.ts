import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MAX_EXPORTED_ROWS, ROWS_PER_TRIP } from "../../src/admin/export.ts";
import { instrumentD1 } from "../support/d1.ts";
import { send, startRequest } from "../support/gateway.ts";
import { storeManyOrders } from "../support/many-orders.ts";
import { makePaidOrder, refundOf, requestRefund, rowOf } from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";
import { START } from "../support/clock.ts";

afterEach(closeScene);

const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };

/** An export as bytes: `text()` would drop the byte order mark. */
async function download(path: string) {
  const response = await send(`/admin/${path}`, { headers });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { response, bytes, text: new TextDecoder().decode(bytes) };
}

/** The lines of an export, split at commas outside quotes. */
function cellsIn(text: string): string[][] {
  return text
    .split("\r\n")
    .slice(0, -1)
    .map((line) =>
      line
        .split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
        .map((cell) => cell.replace(/^"([\s\S]*)"$/, "$1").replaceAll('""', '"')),
    );
}

/** The first row by column. */
function rowIn(text: string): Record<string, string> {
  const [names = [], row = []] = cellsIn(text);
  return Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""]));
}

describe("GET /admin/orders.csv", () => {
  test("is UTF-8 with a byte order mark, lines in CRLF, yuan and Beijing time", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene, {
      desc: '苹果 3 斤, "红"',
      totalFree: 1_205,
      appOrderNo: "20260101000000000001",
      attach: "=1+1",
      tag: "007",
      openId: "oPayerOfTheExport",
    });
    await requestRefund(scene, order, { refundFree: 5, appRefundNo: "-1" });
    const { response, bytes, text } = await download(`orders.csv?appId=${scene.shop.appId}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="orders.csv"');
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(bytes.slice(0, 3)).toEqual(new Uint8Array([0xef, 0xbb, 0xbf]));
    expect(text.endsWith("\r\n")).toBe(true);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(text).toContain('"苹果 3 斤, ""红"""');
    const { transactionId } = await rowOf(order);
    expect(rowIn(text)).toMatchObject({
      id: String(order.id),
      number: `\t${order.number}`,
      appOrderNo: "\t20260101000000000001",
      transactionId: `\t${transactionId}`,
      desc: '苹果 3 斤, "红"',
      attach: "'=1+1",
      tag: "\t007",
      totalYuan: "12.05",
      refundedYuan: "0.05",
      payState: "paid",
      paidAt: "2040-01-01 12:00:00",
      createdAt: "2040-01-01 08:00:00",
    });
    expect(text).not.toContain("oPayerOfTheExport");
  });

  test("has the list's filters, and only them", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const rows = async (query: string) =>
      cellsIn((await download(`orders.csv?appId=${scene.shop.appId}&${query}`)).text).length - 1;
    expect(await rows("payState=paid")).toBe(1);
    expect(await rows("payState=failed")).toBe(0);
    expect(await rows(`q=${order.number}`)).toBe(1);
    expect(await rows("paidFrom=2040-01-01&paidBefore=2040-01-02")).toBe(1);
    for (const query of ["limit=1", "cursor=1", "sums=1", "payState=lost", "paidFrom=x"]) {
      const { response, text } = await download(`orders.csv?${query}`);
      expect(response.status).toBe(400);
      expect(text).toContain(query.split("=")[0]);
    }
  });

  test("holds each of many orders once, page after page", async () => {
    const { shop } = await openScene();
    const count = 2 * ROWS_PER_TRIP + 7;
    await storeManyOrders(shop, { count, createdAt: START, everyMs: 1 });
    const { trips } = instrumentD1();
    const { text } = await download(`orders.csv?appId=${shop.appId}`);
    const ids = cellsIn(text)
      .slice(1)
      .map(([id]) => Number(id));
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    expect(trips).toHaveLength(4);
  });

  test("refuses more orders than its limit before it begins, and names the limit", async () => {
    const { shop } = await openScene();
    // One order with an id far ahead stands for all before it.
    await storeManyOrders(shop, { count: 1, createdAt: START - 1_000_000, everyMs: 1 });
    await storeManyOrders(shop, { count: 1, createdAt: START, everyMs: 1 });
    await env.DB.prepare("update orders set id = id + ? where created_at = ? and app_id = ?")
      .bind(MAX_EXPORTED_ROWS + 1, START, shop.appId)
      .run();
    const { response, text } = await download("orders.csv");
    expect(response.status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      error: {
        fields: [{ path: "createdFrom", message: expect.stringContaining("400000 orders") }],
      },
    });
    expect((await download("orders.csv?q=x")).response.status).toBe(200);
    await env.DB.prepare("delete from orders where app_id = ?").bind(shop.appId).run();
  });

  test("breaks off, visibly, when D1 fails in the middle", async () => {
    const { shop, logged } = await openScene();
    const count = 3 * ROWS_PER_TRIP;
    await storeManyOrders(shop, { count, createdAt: START, everyMs: 1 });
    const { response } = startRequest(`/admin/orders.csv?appId=${shop.appId}`, { headers });
    const answer = await response;
    expect(answer.status).toBe(200);
    instrumentD1().fail({ sql: /from "orders"/, how: "lost before" });
    await expect(answer.text()).rejects.toThrow();
    expect(logged.join("\n")).toContain("export_failed");
  });

  test("answers 500 when D1 fails before the first row", async () => {
    await openScene();
    instrumentD1().fail({ sql: /from "orders"/, how: "lost before", times: 9 });
    expect((await download("orders.csv")).response.status).toBe(500);
  });

  test("stops reading when the client goes", async () => {
    const { shop, logged } = await openScene();
    const count = 3 * ROWS_PER_TRIP;
    await storeManyOrders(shop, { count, createdAt: START, everyMs: 1 });
    const { response } = startRequest(`/admin/orders.csv?appId=${shop.appId}`, { headers });
    const reader = (await response).body?.getReader();
    await reader?.read();
    const { trips } = instrumentD1();
    await reader?.cancel();
    await vi.waitFor(() => {
      expect(logged.join("\n")).toContain('"outcome":"cancelled"');
    });
    expect(trips.length).toBeLessThanOrEqual(1);
  });
});

test("GET /admin/refunds.csv has the refunds of all orders", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await requestRefund(scene, order);
  const refund = await refundOf(order);
  const { text } = await download(`refunds.csv?appId=${scene.shop.appId}&state=accepted`);
  expect(rowIn(text)).toMatchObject({
    number: `\t${refund.number}`,
    refundId: `\t${refund.refundId}`,
    orderNumber: `\t${order.number}`,
    refundYuan: "1.00",
    state: "accepted",
    source: "app",
    createdAt: "2040-01-01 08:00:00",
    succeededAt: "",
  });
  expect((await download("refunds.csv?limit=1")).response.status).toBe(400);
});

test("GET /admin/reconciliations.csv has the days, amounts in yuan", async () => {
  const { shop } = await openScene();
  await env.DB.prepare(
    `insert into reconciliations (merchant_id, day, state, reason, attempts, bill_payments, bill_paid_fen,
       bill_refunds, bill_refunded_fen, our_payments, our_paid_fen, our_refunds, our_refunded_fen,
       recovered, discrepancies, started_at, updated_at)
     values (?, '2039-12-31', 'failed', '=1', 1, 2, 205, 1, 5, 2, 205, 1, 5, 0, 0, ?, ?)`,
  )
    .bind(shop.merchantId, START, START)
    .run();
  const { text } = await download(`reconciliations.csv?merchantId=${shop.merchantId}`);
  expect(rowIn(text)).toMatchObject({
    day: "2039-12-31",
    reason: "'=1",
    billPaidYuan: "2.05",
    ourRefundedYuan: "0.05",
    startedAt: "2040-01-01 08:00:00",
    finishedAt: "",
  });
  const done = await download(`reconciliations.csv?merchantId=${shop.merchantId}&state=done`);
  expect(cellsIn(done.text)).toHaveLength(1);
});

test.for(["orders.csv", "refunds.csv", "reconciliations.csv", "refunds"])(
  "GET /admin/%s answers 401 without the token",
  async (path) => {
    await openScene();
    expect((await send(`/admin/${path}`)).status).toBe(401);
  },
);
