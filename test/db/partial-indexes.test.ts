import { afterEach, describe, expect, test } from "vitest";
import { failingPayments, failingRefunds } from "../../src/db/failing-deliveries.ts";
import { failingOrders, unfinishedOrders, unfinishedRefunds } from "../../src/db/scans.ts";
import { plansOf } from "../support/query-plans.ts";
import { db, NOW } from "../support/rows.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

const scanWindow = { from: 1, before: NOW, limit: 10 };
const cursor = { lastCallAt: NOW, id: 7 };

describe("partial indexes", () => {
  test.for([
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

test("unfinishedOrders reads only the rows of its window", async () => {
  const plans = await plansOf(async () => await unfinishedOrders(db, scanWindow));
  expect(plans).toEqual([
    "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "SEARCH orders",
    "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
  ]);
});
