import { afterEach, describe, expect, test } from "vitest";
import type { OrderFilter } from "../../src/db/order-filter.ts";
import { isKnownNumber, listOrders, locateOrders, readOrderPage } from "../../src/db/order-list.ts";
import { locateReconciliations, readReconciliationPage } from "../../src/db/reconciliations.ts";
import { listAllRefunds } from "../../src/db/refund-list.ts";
import { plansOf } from "../support/query-plans.ts";
import { db } from "../support/rows.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

const page = { beforeId: 1_000, limit: 50 };
const range = { kind: "range", range: { fromId: 1, untilId: 1_000 } } as const;

/** Every filter but the numbers, which are looked up. */
const EVERYTHING: OrderFilter = {
  appId: 1,
  merchantId: 1,
  payState: "paid",
  payNotifyState: "failing",
  refundState: "abnormal",
  openId: "o",
  totalFen: 1,
  createdFrom: 1,
  createdBefore: 2,
  paidFrom: 1,
  paidBefore: 2,
};

/** Partial indexes of few rows, which are read as a whole. */
const SMALL = /USING (COVERING )?INDEX (orders_failing|refunds_open_by_app)$/;

/** The steps of a plan that read all rows of a table that grows. */
function scansIn(plan: string): string[] {
  return plan
    .split("; ")
    .filter((step) => /^SCAN (orders|refunds|users|o|r|u|t)\b/.test(step) && !SMALL.test(step));
}

const FILTERS: readonly (readonly [string, OrderFilter])[] = [
  ...Object.entries(EVERYTHING).map(([name, value]) => [name, { [name]: value }] as const),
  ["everything", EVERYTHING],
  ["nothing", {}],
  ["a merchant's paid orders", { merchantId: 1, paidFrom: 1, paidBefore: 2, payState: "paid" }],
];

describe("listOrders", () => {
  test.for(FILTERS)("reads a range of ids only: %s", async ([, filter]) => {
    const [plan = ""] = await plansOf(async () => await readOrderPage(db, filter, range, page));
    expect(plan).toMatch(
      /^SEARCH orders USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)|^SEARCH orders USING INTEGER PRIMARY KEY \(rowid=\?\)/,
    );
    expect(plan).not.toContain("orders_merchant_paid");
    expect(scansIn(plan)).toEqual([]);
  });

  test.for(FILTERS)("finds out where the orders are by indexes: %s", async ([, filter]) => {
    const [plan = ""] = await plansOf(async () => await locateOrders(db, filter));
    expect(scansIn(plan)).toEqual([]);
  });

  test.for<readonly [string, OrderFilter, indexes: readonly string[]]>([
    [
      "q",
      { q: "x", merchantId: 1, paidFrom: 1 },
      [
        "orders_number (number=?)",
        "orders_app_order_no (app_id=? AND app_order_no=?)",
        "orders_merchant_transaction (merchant_id=? AND transaction_id=?)",
        "orders_transaction_duplicate (transaction_id=?)",
        "refunds_number (number=?)",
        "refunds_refund_id (refund_id=?)",
        "refunds_app_refund_no (app_id=? AND app_refund_no=?)",
      ],
    ],
    ["number", { number: "x", appId: 1 }, ["orders_number (number=?)"]],
    ["appOrderNo", { appOrderNo: "x" }, ["orders_app_order_no (app_id=? AND app_order_no=?)"]],
  ])("looks numbers up in their indexes: %s", async ([, filter, indexes]) => {
    const sums = async () => await listOrders(db, filter, page, true);
    for (const plan of await plansOf(sums)) {
      for (const index of indexes) expect(plan).toContain(index);
      expect(plan).toContain("SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)");
      expect(scansIn(plan)).toEqual([]);
    }
    if (filter.q !== undefined) {
      const [known = ""] = await plansOf(async () => await isKnownNumber(db, "x"));
      for (const index of indexes) expect(known).toContain(index);
    }
  });

  test("reads the refunds of a range along their index", async () => {
    const plans = await plansOf(async () => await listOrders(db, { createdFrom: 1 }, page, true));
    expect(plans).toHaveLength(4);
    expect(plans[3]).toContain("SEARCH r USING INDEX refunds_order (order_id>? AND order_id<?)");
  });

  test.for<readonly [OrderFilter, index: string]>([
    [{ payNotifyState: "failing" }, "orders_failing"],
    [{ paidFrom: 1 }, "orders_merchant_paid (merchant_id=? AND paid_at>? AND paid_at<?)"],
    [{ refundState: "abnormal" }, "refunds_open_by_app"],
  ])("reads few orders from the index that holds them: %j", async ([filter, index]) => {
    const plans = await plansOf(async () => await listOrders(db, filter, page));
    for (const plan of plans) expect(plan).toContain(index);
    expect(plans[1]).toContain("SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)");
  });
});

test("listAllRefunds reads a range of ids only", async () => {
  const filter = {
    appId: 1,
    merchantId: 1,
    state: "closed",
    createdFrom: 1,
    createdBefore: 2,
  } as const;
  const [located = "", ...plans] = await plansOf(
    async () => await listAllRefunds(db, filter, page, true),
  );
  expect(scansIn(located)).toEqual([]);
  expect(plans).toHaveLength(2);
  for (const plan of plans) {
    expect(plan).toMatch(/^SEARCH refunds USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/);
    expect(plan).toContain("SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)");
  }
});

test("listReconciliations reads a range of ids only", async () => {
  const filter = { merchantId: 1, day: "2026-01-01", state: "done" } as const;
  const [plan] = await plansOf(async () => await readReconciliationPage(db, filter, range, page));
  expect(plan).toBe("SEARCH reconciliations USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
  const [located = ""] = await plansOf(async () => await locateReconciliations(db, filter));
  expect(located).toContain("reconciliations_merchant_day (merchant_id=?)");
});
