import { afterEach, describe, expect, test } from "vitest";
import { failingCloses, failingPayments, failingRefunds } from "../../src/db/failing-deliveries.ts";
import { countRefundedFen } from "../../src/db/refund-day.ts";
import { insertRefund, reopenRefund } from "../../src/db/refunds.ts";
import {
  overdueCloses,
  overduePayments,
  overdueRefunds,
  unfinishedOrders,
  unfinishedRefunds,
  unplannedCloses,
  unplannedPayments,
  unplannedRefunds,
} from "../../src/db/scans.ts";
import { plansOf } from "../support/query-plans.ts";
import { db, NOW } from "../support/rows.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

const scanWindow = { from: 1, behind: [], before: NOW, limit: 10 };
const cursor = { lastCallAt: NOW, id: 7 };

describe("partial indexes", () => {
  test.for([
    ["redelivery", async () => await failingPayments(db, { since: 1, appId: 1 }, cursor, 9)],
    ["redelivery's first page", async () => await failingPayments(db, { since: 1 }, null, 9)],
  ] as const)("orders_failing serves %s", async ([, work]) => {
    const [plan] = await plansOf(work);
    expect(plan).toContain("USING INDEX orders_failing");
  });

  test("orders_close_failing serves redelivery", async () => {
    const [plan] = await plansOf(
      async () => await failingCloses(db, { since: 1, appId: 1 }, cursor, 9),
    );
    expect(plan).toContain("USING INDEX orders_close_failing");
  });

  test("refunds_failing serves redelivery", async () => {
    const [plan] = await plansOf(
      async () => await failingRefunds(db, { since: 1, appId: 1 }, cursor, 9),
    );
    expect(plan).toContain("USING INDEX refunds_failing (updated_at");
    expect(plan).not.toContain("SCAN");
    expect(plan).not.toContain("TEMP B-TREE");
  });

  test.for([
    ["orders", "orders_next_call (app_id=? AND next_call_at>?", overduePayments],
    ["orders", "orders_no_next_call (app_id=? AND updated_at>?", unplannedPayments],
    ["orders", "orders_close_next_call (app_id=? AND close_next_call_at>?", overdueCloses],
    ["orders", "orders_close_no_next_call (app_id=? AND updated_at>?", unplannedCloses],
    ["refunds", "refunds_next_call (app_id=? AND next_call_at>?", overdueRefunds],
    ["refunds", "refunds_no_next_call (app_id=? AND updated_at>?", unplannedRefunds],
    ["refunds", "refunds_open_by_app (app_id=? AND updated_at>?", unfinishedRefunds],
  ] as const)("the sweep reads each app's page of %s along %s", async ([table, index, list]) => {
    const [plan, ...others] = await plansOf(async () => await list(db, scanWindow));
    expect(others).toEqual([]);
    const steps = plan?.split("; ") ?? [];
    const reads = steps.filter((step) => /\b(apps|orders|refunds|listed)\b/.test(step));
    expect(reads[0]).toMatch(/^SCAN apps/);
    expect(reads.slice(1).filter((step) => step.startsWith("SCAN"))).toEqual([]);
    expect(reads.join().replace("COVERING ", "")).toContain(`SEARCH ${table} USING INDEX ${index}`);
    // Only the page itself is sorted, never the app's rows.
    const search = steps.findIndex((step) => step.includes(index));
    expect(steps[search + 1]).not.toContain("TEMP B-TREE");
  });
});

describe("refunds_app_day", () => {
  const refund = {
    orderId: 1,
    appId: 1,
    number: "1",
    appRefundNo: null,
    refundFen: 1,
    notifyUrl: "",
    reason: null,
    fundsAccount: null,
  };
  const reopen = async (maxFenPerDay: number | null) =>
    await reopenRefund(db, refund, { fundsAccount: null, maxFenPerDay }, NOW);

  test.for([
    ["insertRefund", async () => await insertRefund(db, refund, 1, NOW)],
    ["reopenRefund", async () => await reopen(1)],
    ["countRefundedFen", async () => await countRefundedFen(db, 1, NOW)],
  ] as const)("serves the day's sum of %s", async ([, work]) => {
    const [plan] = await plansOf(work);
    expect(plan).toContain("USING INDEX refunds_app_day (app_id=? AND <expr>>? AND <expr><?)");
    expect(plan).not.toContain("SCAN refunds");
  });

  test("isn't read without a limit", async () => {
    for (const plan of await plansOf(async () => {
      await insertRefund(db, refund, null, NOW);
      await reopen(null);
    })) {
      expect(plan).not.toContain("refunds_app_day");
    }
  });
});

test("unfinishedOrders reads only the rows of its window", async () => {
  const plans = await plansOf(async () => await unfinishedOrders(db, scanWindow));
  const window = "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
  expect(plans.slice(0, 2)).toEqual([window, "SEARCH orders"]);
  const steps = plans[2]?.split("; ") ?? [];
  // All apps, and each app that is behind.
  expect(steps.filter((step) => step === window)).toHaveLength(2);
  expect(steps.filter((step) => /^SCAN (orders|listed)/.test(step))).toEqual([]);
});
