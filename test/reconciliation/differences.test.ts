import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { insertOrder } from "../../src/db/orders.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { MAX_QUERIES_PER_STEP } from "../../src/reconciliation/compare-lines.ts";
import { REFUND_EDGE_MS } from "../../src/reconciliation/find-missing.ts";
import { MAX_LISTED_DIFFERENCES } from "../../src/reconciliation/incidents.ts";
import { wechatError } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  rowOf,
  type OrderRef,
} from "../support/scenario.ts";
import { db, newOrderOf } from "../support/rows.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import {
  beijing,
  billOf,
  DAY,
  reconciliationOf,
  incidentsOf,
  serveBills,
  READY_AT,
  runDay,
  type Trade,
} from "./support.ts";

afterEach(closeScene);

/** Runs the day against a bill of these trades. */
async function reconcile(scene: Scene, trades: readonly Trade[]): Promise<void> {
  vi.setSystemTime(READY_AT);
  serveBills(scene).respondWith({ kind: "bill", text: billOf(scene.shop, trades) });
  await runDay(scene.shop);
}

async function paymentOf(order: OrderRef, changes: object = {}): Promise<Trade> {
  const { number, transactionId, totalFen } = await rowOf(order);
  return { number, transactionId: transactionId ?? "42", fen: totalFen, ...changes };
}

const subjectOf = ({ shop }: Scene, trade: string) => `${shop.merchantId}:${DAY}:${trade}`;

describe("bill comparison, payment in the bill", () => {
  test("opens one bill_line_unknown for an unknown payment, over repeated runs", async () => {
    const scene = await openScene();
    const unknown = { number: randomHex32(), transactionId: "42000", fen: 77 };
    await reconcile(scene, [unknown]);
    await runDay(scene.shop);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      {
        kind: "bill_line_unknown",
        subject: subjectOf(scene, unknown.number),
        orderNumber: unknown.number,
        seen: 2,
        facts: { day: DAY, line: 2, billFen: 77, transactionId: "42000", ourFen: null },
      },
    ]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      billPayments: 1,
      billPaidFen: 77,
      ourPayments: 0,
      ourPaidFen: 0,
      discrepancies: 1,
    });
  });

  test("treats another merchant's order as unknown", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const other = { ...scene, shop: await openShop() };
    await reconcile(other, [await paymentOf(order)]);
    expect(await incidentsOf(other.shop)).toMatchObject([{ kind: "bill_line_unknown" }]);
  });

  test.for([
    ["amount", { fen: 101 }],
    ["transaction", { transactionId: "4200009999" }],
  ] as const)(
    "opens bill_amount_differs for another %s and changes nothing",
    async ([, change]) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      const before = await rowOf(order);
      await reconcile(scene, [await paymentOf(order, change)]);
      expect(await incidentsOf(scene.shop)).toMatchObject([
        { kind: "bill_amount_differs", subject: subjectOf(scene, order.number) },
      ]);
      expect(await rowOf(order)).toEqual(before);
    },
  );

  test("opens only bill_unreadable for an unreadable line, not bill_line_missing too", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const text = billOf(scene.shop, [await paymentOf(order)]).replace(
      "`1.00,`0.00,`\r",
      "`1.0x,`0.00,`\r",
    );
    vi.setSystemTime(READY_AT);
    serveBills(scene).respondWith({ kind: "bill", text });
    await runDay(scene.shop);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      {
        kind: "bill_unreadable",
        subject: subjectOf(scene, "line-2"),
        orderNumber: order.number,
        facts: { line: 2, reason: "订单金额 isn't an amount" },
      },
    ]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      ourPayments: 1,
      discrepancies: 1,
    });
  });

  test("compares the rest of a bill of which one line is cut in two", async () => {
    const scene = await openScene();
    const [good, wrong] = [await makePaidOrder(scene), await makePaidOrder(scene)];
    const other = await makePaidOrder(scene);
    const trades = [
      await paymentOf(good),
      await paymentOf(other),
      await paymentOf(wrong, { fen: 1 }),
    ];
    const whole = billOf(scene.shop, trades);
    const [, , cut = ""] = whole.split("\r\n");
    const text = whole.replace(cut, `${cut.slice(0, 150)}\r\n${cut.slice(150)}`);
    vi.setSystemTime(READY_AT);
    serveBills(scene).respondWith({ kind: "bill", text });
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done", billPayments: 2 });
    const found = await incidentsOf(scene.shop);
    expect(found.map(({ kind, subject }) => [kind, subject])).toEqual(
      expect.arrayContaining([
        ["bill_amount_differs", subjectOf(scene, wrong.number)],
        ["bill_unreadable", subjectOf(scene, "line-3")],
        ["bill_unreadable", subjectOf(scene, "line-4")],
        ["bill_line_missing", subjectOf(scene, other.number)],
      ]),
    );
    expect(found).toHaveLength(4);
  });

  test("ignores a revoked payment on both sides", async () => {
    const scene = await openScene();
    await reconcile(scene, [
      { number: "at-the-till", transactionId: "42", fen: 5, state: "REVOKED" },
    ]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      billPayments: 0,
      discrepancies: 0,
    });
  });
});

describe("bill comparison, recorded payment", () => {
  test("opens bill_line_missing when the bill lacks it", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const listed = await makePaidOrder(scene);
    await reconcile(scene, [await paymentOf(listed)]);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      {
        kind: "bill_line_missing",
        subject: subjectOf(scene, order.number),
        orderNumber: order.number,
        facts: { ourFen: 100, at: beijing("2040-01-01T12:00:00") },
      },
    ]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      ourPayments: 2,
      ourPaidFen: 200,
      billPayments: 1,
    });
  });

  test("opens bill_line_missing when WeChat has no bill for the day", async () => {
    const scene = await openScene();
    await makePaidOrder(scene);
    vi.setSystemTime(READY_AT);
    serveBills(scene).respondWith({ kind: "empty" });
    await runDay(scene.shop);
    expect(await incidentsOf(scene.shop)).toMatchObject([{ kind: "bill_line_missing" }]);
  });

  test.for([
    ["2039-12-31T23:59:59.999", 0],
    ["2040-01-01T00:00:00.000", 1],
    ["2040-01-01T23:59:59.000", 1],
    ["2040-01-02T00:00:00.000", 0],
  ] as const)(
    "paid at %s opens %i incidents against that day's empty bill",
    async ([time, count]) => {
      const scene = await openScene();
      const order = await makePaidOrder(scene);
      await env.DB.prepare("update orders set paid_at = ? where id = ?")
        .bind(beijing(time), order.id)
        .run();
      await reconcile(scene, []);
      expect(await incidentsOf(scene.shop)).toHaveLength(count);
    },
  );
});

/** The order's refund as a line of the bill. */
async function lineOf(order: OrderRef, changes: object = {}): Promise<Trade> {
  const { number: refundNo, refundFen } = await refundOf(order);
  const { transactionId } = await rowOf(order);
  const refund = { transactionId: transactionId ?? "", refundNo, refundFen };
  return { number: order.number, ...refund, status: "PROCESSING", ...changes };
}

async function makeRefunded(scene: Scene): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  await requestRefund(scene, order);
  return order;
}

describe("bill comparison, refund in the bill", () => {
  test.for([
    ["bill_amount_differs", { refundFen: 99 }],
    ["bill_state_differs", { status: "SUCCESS" }],
    ["bill_state_differs", { status: "CHANGE" }],
    ["bill_state_differs", { status: "FAIL" }],
  ] as const)("opens %s for a line with %j", async ([kind, change]) => {
    const scene = await openScene();
    const order = await makeRefunded(scene);
    await reconcile(scene, [await paymentOf(order), await lineOf(order, change)]);
    const { number } = await refundOf(order);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind, subject: subjectOf(scene, number), orderNumber: order.number },
    ]);
  });

  test.for([
    ["CHANGE", "CHANGE", "abnormal"],
    ["REFUNDCLOSE", "FAIL", "closed"],
  ] as const)(
    "records a missed final state (%s) instead of opening an incident",
    async ([atWechat, status, state]) => {
      const scene = await openScene();
      const order = await makeRefunded(scene);
      scene.wechat.refund((await refundOf(order)).number).status = atWechat;
      await reconcile(scene, [await paymentOf(order), await lineOf(order, { status })]);
      expect((await refundOf(order)).state).toBe(state);
      expect(await reconciliationOf(scene.shop)).toMatchObject({ recovered: 1, discrepancies: 0 });
    },
  );

  test("opens bill_line_unknown for unknown refunds of known and unknown orders", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const ours = { number: order.number, transactionId: "42", refundNo: "by-hand", refundFen: 1 };
    const theirs = { ...ours, number: randomHex32(), refundNo: "theirs" };
    await reconcile(scene, [
      await paymentOf(order),
      { ...ours, status: "SUCCESS" },
      { ...theirs, status: "SUCCESS" },
    ]);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind: "bill_line_unknown", subject: subjectOf(scene, "by-hand") },
      { kind: "bill_line_unknown", subject: subjectOf(scene, "theirs") },
    ]);
    // No object is created for unknown orders.
    const failures = scene.logged.filter((entry) => entry.includes("order_operation_failed"));
    expect(failures).toEqual([]);
  });
});

/** Runs the day of a paid order against a bill with the payment only. */
async function runWithout(prepare: (scene: Scene, order: OrderRef) => Promise<void>) {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await prepare(scene, order);
  const payment = await paymentOf(order);
  await reconcile(scene, [payment]);
  return { scene, order, incidents: await incidentsOf(scene.shop) };
}

async function setCreatedAt({ number }: { readonly number: string }, at: number): Promise<void> {
  await env.DB.prepare("update refunds set created_at = ? where number = ?").bind(at, number).run();
}

describe("bill comparison, recorded refund missing in the bill", () => {
  test("opens bill_line_missing", async () => {
    const { scene, order, incidents } = await runWithout(async (opened, paid) => {
      await requestRefund(opened, paid);
    });
    const { number } = await refundOf(order);
    expect(incidents).toMatchObject([
      {
        kind: "bill_line_missing",
        subject: subjectOf(scene, number),
        orderNumber: order.number,
        facts: { refundNo: number, ourFen: 100 },
      },
    ]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      ourRefunds: 1,
      ourRefundedFen: 100,
    });
  });

  test.for([
    [0, 0],
    [REFUND_EDGE_MS - 1, 0],
    [REFUND_EDGE_MS, 1],
    [24 * 3600_000 - REFUND_EDGE_MS - 1, 1],
    [24 * 3600_000 - REFUND_EDGE_MS, 0],
  ] as const)("created %i ms after midnight opens %i incidents", async ([sinceMidnight, count]) => {
    const { incidents } = await runWithout(async (opened, order) => {
      vi.setSystemTime(beijing("2040-01-01T12:30:00"));
      await requestRefund(opened, order);
      await setCreatedAt(await refundOf(order), beijing("2040-01-01T00:00:00") + sinceMidnight);
    });
    expect(incidents).toHaveLength(count);
  });

  test("opens no incident when WeChat accepted it only on the next day", async () => {
    const { incidents, order } = await runWithout(async (opened, paid) => {
      opened.wechat.fail("/secapi/pay/refund", wechatError("NOTENOUGH"));
      await requestRefund(opened, paid);
      expect((await refundOf(paid)).state).toBe("refused");
      vi.setSystemTime(beijing("2040-01-02T09:00:00"));
      await requestRefund(opened, paid);
    });
    expect((await refundOf(order)).state).toBe("accepted");
    expect(incidents).toEqual([]);
  });

  test("opens no incident when WeChat refused it or it came from the merchant platform", async () => {
    const refused = await runWithout(async (opened, order) => {
      opened.wechat.fail("/secapi/pay/refund", wechatError("NOTENOUGH"));
      await requestRefund(opened, order);
    });
    expect(refused.incidents).toEqual([]);
    closeScene();
    const fromPlatform = await runWithout(async (opened, order) => {
      await requestRefund(opened, order);
      await env.DB.prepare("update refunds set source = 'platform' where number = ?")
        .bind((await refundOf(order)).number)
        .run();
    });
    expect(fromPlatform.incidents).toEqual([]);
  });
});

test("bill comparison lists at most MAX_LISTED_DIFFERENCES, counts the rest and queries in steps", async () => {
  const scene = await openScene();
  const count = Math.max(MAX_LISTED_DIFFERENCES, MAX_QUERIES_PER_STEP) + 7;
  const orders = Array.from({ length: count }, () => newOrderOf(scene.shop));
  for (const order of orders) await insertOrder(db, order);
  await reconcile(
    scene,
    orders.map(({ number }) => ({ number, transactionId: "42", fen: 100 })),
  );
  expect(scene.wechat.callsOf("/pay/orderquery")).toHaveLength(count);
  const incidents = await incidentsOf(scene.shop);
  expect(incidents).toHaveLength(MAX_LISTED_DIFFERENCES + 1);
  expect(incidents.at(-1)).toMatchObject({
    kind: "bill_too_many_differences",
    subject: `${scene.shop.merchantId}:${DAY}`,
    facts: { differences: count, listed: MAX_LISTED_DIFFERENCES },
  });
  expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done", discrepancies: count });
});

test("bill comparison ignores payments newer than the bill when run during the day", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const old = await makePaidOrder(scene);
  const recent = await makePaidOrder(scene);
  vi.setSystemTime(beijing("2040-01-01T15:00:00"));
  for (const [order, time] of [
    [old, "2040-01-01T14:59:54"],
    [recent, "2040-01-01T14:59:55"],
  ] as const) {
    await env.DB.prepare("update orders set paid_at = ? where id = ?")
      .bind(beijing(time), order.id)
      .run();
  }
  bills.respondWith({ kind: "empty" });
  await runDay(scene.shop);
  expect(await incidentsOf(scene.shop)).toMatchObject([{ orderNumber: old.number }]);
  await makeOrder(scene);
});
