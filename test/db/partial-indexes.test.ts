import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { failingPayments, failingRefunds } from "../../src/db/failing-deliveries.ts";
import { listOrders } from "../../src/db/order-list.ts";
import { countRefundedFen } from "../../src/db/refund-day.ts";
import { insertRefund, reopenRefund } from "../../src/db/refunds.ts";
import { failingOrders, unfinishedOrders, unfinishedRefunds } from "../../src/db/scans.ts";
import { instrumentD1 } from "../support/d1.ts";
import { db, NOW } from "../support/rows.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

/** D1's query plans of the statements that `work` executes. */
async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
  const { trips } = instrumentD1();
  await work();
  const statements = trips.flat();
  closeScene();
  const plans: string[] = [];
  for (const statement of statements) {
    const values = Array.from({ length: statement.split("?").length - 1 }, () => 1);
    const plan = await env.DB.prepare(`explain query plan ${statement}`)
      .bind(...values)
      .all<{ detail: string }>();
    plans.push(plan.results.map(({ detail }) => detail).join("; "));
  }
  return plans;
}

const scanWindow = { from: 1, before: NOW, limit: 10 };
const cursor = { lastCallAt: NOW, id: 7 };

describe("partial indexes", () => {
  test.for([
    ["the list of orders", async () => await listOrders(db, { payNotifyState: "failing" }, 9, 9)],
    ["the sweep's orders", async () => await failingOrders(db, scanWindow)],
    ["redelivery", async () => await failingPayments(db, { since: 1, appId: 1 }, cursor, 9)],
    ["redelivery's first page", async () => await failingPayments(db, { since: 1 }, null, 9)],
  ] as const)("orders_failing serves %s", async ([, work]) => {
    const [plan] = await plansOf(work);
    expect(plan).toContain("USING INDEX orders_failing");
  });

  test.for([
    ["the sweep's refunds", async () => await unfinishedRefunds(db, scanWindow)],
    ["redelivery", async () => await failingRefunds(db, { since: 1, appId: 1 }, cursor, 9)],
  ] as const)("refunds_unfinished serves %s", async ([, work]) => {
    const [plan] = await plansOf(work);
    expect(plan).toContain("USING INDEX refunds_unfinished (updated_at");
    expect(plan).not.toContain("SCAN");
    expect(plan).not.toContain("TEMP B-TREE");
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
  };
  test.for([
    ["insertRefund", async () => await insertRefund(db, refund, 1, NOW)],
    ["reopenRefund", async () => await reopenRefund(db, refund, 1, NOW)],
    ["countRefundedFen", async () => await countRefundedFen(db, 1, NOW)],
  ] as const)("serves the day's sum of %s", async ([, work]) => {
    const [plan] = await plansOf(work);
    expect(plan).toContain("USING INDEX refunds_app_day (app_id=? AND <expr>>? AND <expr><?)");
    expect(plan).not.toContain("SCAN refunds");
  });

  test("isn't read without a limit", async () => {
    for (const plan of await plansOf(async () => {
      await insertRefund(db, refund, null, NOW);
      await reopenRefund(db, refund, null, NOW);
    })) {
      expect(plan).not.toContain("refunds_app_day");
    }
  });
});

test("unfinishedOrders reads only the rows of its window", async () => {
  const plans = await plansOf(async () => await unfinishedOrders(db, scanWindow));
  expect(plans).toEqual([
    "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "SEARCH orders",
    "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
  ]);
});
