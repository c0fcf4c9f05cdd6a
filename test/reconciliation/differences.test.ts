import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { insertOrder } from "../../src/db/orders.ts";
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

/** Runs the day with a bill of these trades. */
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

describe("a payment in the bill", () => {
  test("that we don't have is told, once however often the day is run", async () => {
    const scene = await openScene();
    const stranger = { number: "order-of-another-system", transactionId: "42000", fen: 77 };
    await reconcile(scene, [stranger]);
    await runDay(scene.shop);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      {
        kind: "bill_line_unknown",
        subject: subjectOf(scene, stranger.number),
        orderNumber: stranger.number,
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

  test("of another merchant's order is one that we don't have", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const other = { ...scene, shop: await openShop() };
    await reconcile(other, [await paymentOf(order)]);
    expect(await incidentsOf(other.shop)).toMatchObject([{ kind: "bill_line_unknown" }]);
  });

  test.for([
    ["amount", { fen: 101 }],
    ["transaction", { transactionId: "4200009999" }],
  ] as const)("with another %s is told, and nothing is changed", async ([, change]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const before = await rowOf(order);
    await reconcile(scene, [await paymentOf(order, change)]);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind: "bill_amount_differs", subject: subjectOf(scene, order.number) },
    ]);
    expect(await rowOf(order)).toEqual(before);
  });

  test("in a line that can't be read is told, and not missed in the bill besides", async () => {
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

  test("that was taken back at the till counts on neither side", async () => {
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

describe("a payment of ours", () => {
  test("that the bill hasn't is told", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const there = await makePaidOrder(scene);
    await reconcile(scene, [await paymentOf(there)]);
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

  test("is looked for where WeChat has no bill at all", async () => {
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
  ] as const)("paid at %s is looked for in %i bill of that day", async ([time, count]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await env.DB.prepare("update orders set paid_at = ? where id = ?")
      .bind(beijing(time), order.id)
      .run();
    await reconcile(scene, []);
    expect(await incidentsOf(scene.shop)).toHaveLength(count);
  });
});

/** The order's refund as the bill has it. */
async function lineOf(order: OrderRef, changes: object = {}): Promise<Trade> {
  const { number: refundNo, refundFen } = await refundOf(order);
  const { transactionId } = await rowOf(order);
  const told = { transactionId: transactionId ?? "", refundNo, refundFen };
  return { number: order.number, ...told, status: "PROCESSING", ...changes };
}

async function makeRefunded(scene: Scene): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  await requestRefund(scene, order);
  return order;
}

describe("a refund in the bill", () => {
  test.for([
    ["bill_amount_differs", { refundFen: 99 }],
    ["bill_state_differs", { status: "SUCCESS" }],
    ["bill_state_differs", { status: "CHANGE" }],
    ["bill_state_differs", { status: "FAIL" }],
  ] as const)("is told: %s with %j", async ([kind, change]) => {
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
  ] as const)("whose news we had missed (%s) is settled", async ([atWechat, status, state]) => {
    const scene = await openScene();
    const order = await makeRefunded(scene);
    scene.wechat.refund((await refundOf(order)).number).status = atWechat;
    await reconcile(scene, [await paymentOf(order), await lineOf(order, { status })]);
    expect((await refundOf(order)).state).toBe(state);
    expect(await reconciliationOf(scene.shop)).toMatchObject({ recovered: 1, discrepancies: 0 });
  });

  test("that we don't have is told, of our order and of a stranger's", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const ours = { number: order.number, transactionId: "42", refundNo: "by-hand", refundFen: 1 };
    const theirs = { ...ours, number: "stranger", refundNo: "theirs" };
    await reconcile(scene, [
      await paymentOf(order),
      { ...ours, status: "SUCCESS" },
      { ...theirs, status: "SUCCESS" },
    ]);
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind: "bill_line_unknown", subject: subjectOf(scene, "by-hand") },
      { kind: "bill_line_unknown", subject: subjectOf(scene, "theirs") },
    ]);
    // No object is made for orders that aren't ours.
    const ids = scene.logged.filter((entry) => entry.includes("order_operation_failed"));
    expect(ids).toEqual([]);
  });
});

/** Runs the day of a paid order with a bill that has the payment only. */
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

describe("a refund of ours that the bill hasn't", () => {
  test("is told", async () => {
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
  ] as const)("made %i ms into the day is %i incident", async ([sinceMidnight, count]) => {
    const { incidents } = await runWithout(async (opened, order) => {
      vi.setSystemTime(beijing("2040-01-01T12:30:00"));
      await requestRefund(opened, order);
      await setCreatedAt(await refundOf(order), beijing("2040-01-01T00:00:00") + sinceMidnight);
    });
    expect(incidents).toHaveLength(count);
  });

  test("isn't missed when WeChat took it another day only, having refused it at first", async () => {
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

  test("isn't missed when WeChat refused it, or when it was made in the merchant platform", async () => {
    const refused = await runWithout(async (opened, order) => {
      opened.wechat.fail("/secapi/pay/refund", wechatError("NOTENOUGH"));
      await requestRefund(opened, order);
    });
    expect(refused.incidents).toEqual([]);
    closeScene();
    const byHand = await runWithout(async (opened, order) => {
      await requestRefund(opened, order);
      await env.DB.prepare("update refunds set source = 'platform' where number = ?")
        .bind((await refundOf(order)).number)
        .run();
    });
    expect(byHand.incidents).toEqual([]);
  });
});

test("more differences than a person reads are counted, and asked about step by step", async () => {
  const scene = await openScene();
  const count = Math.max(MAX_LISTED_DIFFERENCES, MAX_QUERIES_PER_STEP) + 7;
  const drafts = Array.from({ length: count }, () => newOrderOf(scene.shop));
  for (const draft of drafts) await insertOrder(db, draft);
  await reconcile(
    scene,
    drafts.map(({ number }) => ({ number, transactionId: "42", fen: 100 })),
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

test("orders under way when the day is run by hand aren't missed in a bill that is older", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const old = await makePaidOrder(scene);
  const fresh = await makePaidOrder(scene);
  vi.setSystemTime(beijing("2040-01-01T15:00:00"));
  for (const [order, time] of [
    [old, "2040-01-01T14:59:54"],
    [fresh, "2040-01-01T14:59:55"],
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
