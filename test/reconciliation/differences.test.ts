import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { insertOrder } from "../../src/db/orders.ts";
import { MAX_QUERIES_PER_STEP } from "../../src/reconciliation/compare-lines.ts";
import { REFUND_EDGE_MS } from "../../src/reconciliation/find-missing.ts";
import { MAX_LISTED_DIFFERENCES } from "../../src/reconciliation/incidents.ts";
import { error } from "../support/faults.ts";
import { makeOrder, makePaidOrder, refund, refundOf, rowOf, type Made } from "../support/life.ts";
import { db, draftOf } from "../support/rows.ts";
import { openShop } from "../support/shop.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";
import {
  beijing,
  billOf,
  DAY,
  dayOf,
  incidentsOf,
  openBills,
  READY_AT,
  run,
  type Trade,
} from "./support.ts";

afterEach(closeWorld);

/** Runs the day with a bill of these trades. */
async function reconcile(world: World, trades: readonly Trade[]): Promise<void> {
  vi.setSystemTime(READY_AT);
  openBills(world).reply({ kind: "bill", text: billOf(world.shop, trades) });
  await run(world.shop);
}

async function paymentOf(made: Made, changes: object = {}): Promise<Trade> {
  const { number, transactionId, totalFen } = await rowOf(made);
  return { number, transactionId: transactionId ?? "42", fen: totalFen, ...changes };
}

const subjectOf = ({ shop }: World, trade: string) => `${shop.merchantId}:${DAY}:${trade}`;

describe("a payment in the bill", () => {
  test("that we don't have is told, once however often the day is run", async () => {
    const world = await openWorld();
    const stranger = { number: "order-of-another-system", transactionId: "42000", fen: 77 };
    await reconcile(world, [stranger]);
    await run(world.shop);
    expect(await incidentsOf(world.shop)).toMatchObject([
      {
        kind: "bill_line_unknown",
        subject: subjectOf(world, stranger.number),
        orderNumber: stranger.number,
        seen: 2,
        facts: { day: DAY, line: 2, billFen: 77, transactionId: "42000", ourFen: null },
      },
    ]);
    expect(await dayOf(world.shop)).toMatchObject({
      state: "done",
      billPayments: 1,
      billPaidFen: 77,
      ourPayments: 0,
      ourPaidFen: 0,
      discrepancies: 1,
    });
  });

  test("of another merchant's order is one that we don't have", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const other = { ...world, shop: await openShop() };
    await reconcile(other, [await paymentOf(made)]);
    expect(await incidentsOf(other.shop)).toMatchObject([{ kind: "bill_line_unknown" }]);
  });

  test.for([
    ["amount", { fen: 101 }],
    ["transaction", { transactionId: "4200009999" }],
  ] as const)("with another %s is told, and nothing is changed", async ([, change]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const before = await rowOf(made);
    await reconcile(world, [await paymentOf(made, change)]);
    expect(await incidentsOf(world.shop)).toMatchObject([
      { kind: "bill_amount_differs", subject: subjectOf(world, made.number) },
    ]);
    expect(await rowOf(made)).toEqual(before);
  });

  test("in a line that can't be read is told, and not missed in the bill besides", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const text = billOf(world.shop, [await paymentOf(made)]).replace(
      "`1.00,`0.00,`\r",
      "`1.0x,`0.00,`\r",
    );
    vi.setSystemTime(READY_AT);
    openBills(world).reply({ kind: "bill", text });
    await run(world.shop);
    expect(await incidentsOf(world.shop)).toMatchObject([
      {
        kind: "bill_unreadable",
        subject: subjectOf(world, "line-2"),
        orderNumber: made.number,
        facts: { line: 2, reason: "订单金额 isn't an amount" },
      },
    ]);
    expect(await dayOf(world.shop)).toMatchObject({
      state: "done",
      ourPayments: 1,
      discrepancies: 1,
    });
  });

  test("that was taken back at the till counts on neither side", async () => {
    const world = await openWorld();
    await reconcile(world, [
      { number: "at-the-till", transactionId: "42", fen: 5, state: "REVOKED" },
    ]);
    expect(await dayOf(world.shop)).toMatchObject({
      state: "done",
      billPayments: 0,
      discrepancies: 0,
    });
  });
});

describe("a payment of ours", () => {
  test("that the bill hasn't is told", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const there = await makePaidOrder(world);
    await reconcile(world, [await paymentOf(there)]);
    expect(await incidentsOf(world.shop)).toMatchObject([
      {
        kind: "bill_line_missing",
        subject: subjectOf(world, made.number),
        orderNumber: made.number,
        facts: { ourFen: 100, at: beijing("2040-01-01T12:00:00") },
      },
    ]);
    expect(await dayOf(world.shop)).toMatchObject({
      ourPayments: 2,
      ourPaidFen: 200,
      billPayments: 1,
    });
  });

  test("is looked for where WeChat has no bill at all", async () => {
    const world = await openWorld();
    await makePaidOrder(world);
    vi.setSystemTime(READY_AT);
    openBills(world).reply({ kind: "empty" });
    await run(world.shop);
    expect(await incidentsOf(world.shop)).toMatchObject([{ kind: "bill_line_missing" }]);
  });

  test.for([
    ["2039-12-31T23:59:59.999", 0],
    ["2040-01-01T00:00:00.000", 1],
    ["2040-01-01T23:59:59.000", 1],
    ["2040-01-02T00:00:00.000", 0],
  ] as const)("paid at %s is looked for in %i bill of that day", async ([time, count]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await env.DB.prepare("update orders set paid_at = ? where id = ?")
      .bind(beijing(time), made.id)
      .run();
    await reconcile(world, []);
    expect(await incidentsOf(world.shop)).toHaveLength(count);
  });
});

/** The order's refund as the bill has it. */
async function lineOf(made: Made, changes: object = {}): Promise<Trade> {
  const { number: refundNo, refundFen } = await refundOf(made);
  const { transactionId } = await rowOf(made);
  const told = { transactionId: transactionId ?? "", refundNo, refundFen };
  return { number: made.number, ...told, status: "PROCESSING", ...changes };
}

async function makeRefunded(world: World): Promise<Made> {
  const made = await makePaidOrder(world);
  await refund(world, made);
  return made;
}

describe("a refund in the bill", () => {
  test.for([
    ["bill_amount_differs", { refundFen: 99 }],
    ["bill_state_differs", { status: "SUCCESS" }],
    ["bill_state_differs", { status: "CHANGE" }],
    ["bill_state_differs", { status: "FAIL" }],
  ] as const)("is told: %s with %j", async ([kind, change]) => {
    const world = await openWorld();
    const made = await makeRefunded(world);
    await reconcile(world, [await paymentOf(made), await lineOf(made, change)]);
    const { number } = await refundOf(made);
    expect(await incidentsOf(world.shop)).toMatchObject([
      { kind, subject: subjectOf(world, number), orderNumber: made.number },
    ]);
  });

  test.for([
    ["CHANGE", "CHANGE", "abnormal"],
    ["REFUNDCLOSE", "FAIL", "closed"],
  ] as const)("whose news we had missed (%s) is settled", async ([atWechat, status, state]) => {
    const world = await openWorld();
    const made = await makeRefunded(world);
    world.wechat.refund((await refundOf(made)).number).status = atWechat;
    await reconcile(world, [await paymentOf(made), await lineOf(made, { status })]);
    expect((await refundOf(made)).state).toBe(state);
    expect(await dayOf(world.shop)).toMatchObject({ recovered: 1, discrepancies: 0 });
  });

  test("that we don't have is told, of our order and of a stranger's", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const ours = { number: made.number, transactionId: "42", refundNo: "by-hand", refundFen: 1 };
    const theirs = { ...ours, number: "stranger", refundNo: "theirs" };
    await reconcile(world, [
      await paymentOf(made),
      { ...ours, status: "SUCCESS" },
      { ...theirs, status: "SUCCESS" },
    ]);
    expect(await incidentsOf(world.shop)).toMatchObject([
      { kind: "bill_line_unknown", subject: subjectOf(world, "by-hand") },
      { kind: "bill_line_unknown", subject: subjectOf(world, "theirs") },
    ]);
    // No object is made for orders that aren't ours.
    const ids = world.logged.filter((entry) => entry.includes("order_operation_failed"));
    expect(ids).toEqual([]);
  });
});

/** Runs the day of a paid order with a bill that has the payment only. */
async function runWithout(prepare: (world: World, made: Made) => Promise<void>) {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await prepare(world, made);
  const payment = await paymentOf(made);
  await reconcile(world, [payment]);
  return { world, made, incidents: await incidentsOf(world.shop) };
}

async function setCreatedAt({ number }: { readonly number: string }, at: number): Promise<void> {
  await env.DB.prepare("update refunds set created_at = ? where number = ?").bind(at, number).run();
}

describe("a refund of ours that the bill hasn't", () => {
  test("is told", async () => {
    const { world, made, incidents } = await runWithout(async (opened, order) => {
      await refund(opened, order);
    });
    const { number } = await refundOf(made);
    expect(incidents).toMatchObject([
      {
        kind: "bill_line_missing",
        subject: subjectOf(world, number),
        orderNumber: made.number,
        facts: { refundNo: number, ourFen: 100 },
      },
    ]);
    expect(await dayOf(world.shop)).toMatchObject({ ourRefunds: 1, ourRefundedFen: 100 });
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
      await refund(opened, order);
      await setCreatedAt(await refundOf(order), beijing("2040-01-01T00:00:00") + sinceMidnight);
    });
    expect(incidents).toHaveLength(count);
  });

  test("isn't missed when WeChat took it another day only, having refused it at first", async () => {
    const { incidents, made } = await runWithout(async (opened, order) => {
      opened.wechat.fail("/secapi/pay/refund", error("NOTENOUGH"));
      await refund(opened, order);
      expect((await refundOf(order)).state).toBe("refused");
      vi.setSystemTime(beijing("2040-01-02T09:00:00"));
      await refund(opened, order);
    });
    expect((await refundOf(made)).state).toBe("accepted");
    expect(incidents).toEqual([]);
  });

  test("isn't missed when WeChat refused it, or when it was made in the merchant platform", async () => {
    const refused = await runWithout(async (opened, order) => {
      opened.wechat.fail("/secapi/pay/refund", error("NOTENOUGH"));
      await refund(opened, order);
    });
    expect(refused.incidents).toEqual([]);
    closeWorld();
    const byHand = await runWithout(async (opened, order) => {
      await refund(opened, order);
      await env.DB.prepare("update refunds set source = 'platform' where number = ?")
        .bind((await refundOf(order)).number)
        .run();
    });
    expect(byHand.incidents).toEqual([]);
  });
});

test("more differences than a person reads are counted, and asked about step by step", async () => {
  const world = await openWorld();
  const count = Math.max(MAX_LISTED_DIFFERENCES, MAX_QUERIES_PER_STEP) + 7;
  const drafts = Array.from({ length: count }, () => draftOf(world.shop));
  for (const draft of drafts) await insertOrder(db, draft);
  await reconcile(
    world,
    drafts.map(({ number }) => ({ number, transactionId: "42", fen: 100 })),
  );
  expect(world.wechat.callsOf("/pay/orderquery")).toHaveLength(count);
  const incidents = await incidentsOf(world.shop);
  expect(incidents).toHaveLength(MAX_LISTED_DIFFERENCES + 1);
  expect(incidents.at(-1)).toMatchObject({
    kind: "bill_too_many_differences",
    subject: `${world.shop.merchantId}:${DAY}`,
    facts: { differences: count, listed: MAX_LISTED_DIFFERENCES },
  });
  expect(await dayOf(world.shop)).toMatchObject({ state: "done", discrepancies: count });
});

test("orders under way when the day is run by hand aren't missed in a bill that is older", async () => {
  const world = await openWorld();
  const bills = openBills(world);
  const old = await makePaidOrder(world);
  const fresh = await makePaidOrder(world);
  vi.setSystemTime(beijing("2040-01-01T15:00:00"));
  for (const [made, time] of [
    [old, "2040-01-01T14:59:54"],
    [fresh, "2040-01-01T14:59:55"],
  ] as const) {
    await env.DB.prepare("update orders set paid_at = ? where id = ?")
      .bind(beijing(time), made.id)
      .run();
  }
  bills.reply({ kind: "empty" });
  await run(world.shop);
  expect(await incidentsOf(world.shop)).toMatchObject([{ orderNumber: old.number }]);
  await makeOrder(world);
});
