import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { findOrder, insertOrder, markOrderPaid } from "../../src/db/orders.ts";
import { incidents, orders } from "../../src/db/schema.ts";
import { instrumentD1 } from "../support/d1.ts";
import { paidOrderMatchOf, db, newOrderOf, NOW } from "../support/rows.ts";
import { openShop } from "../support/shop.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

const MIGRATION = env.MIGRATIONS.findIndex(({ name }) =>
  name.includes("one_order_per_transaction"),
);

const allOrders = env.DB.prepare("select * from orders order by id");

/** Inserts a merchant's order as before the migration. */
function insertBefore(id: number, merchantId: number, transactionId: string | null) {
  const number = id.toString(16).padStart(32, "0");
  const state = transactionId === null ? "waiting" : "paid";
  return env.DB.prepare(
    `insert into orders values (?, ?, 1, ?, 1, 'v2', 'MD5', 'wx1', null, 'd', 100, 't', null,
       '203.0.113.7', 'https://gateway.test/', ?, ?, ?, 'none', 0, 2, 1, 1)`,
  ).bind(id, number, merchantId, state, transactionId, transactionId === null ? null : 5);
}

describe("migration 0004, one order per transaction", () => {
  test("keeps duplicates, opens an incident for each, and allows no new ones", async () => {
    await reset();
    await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, MIGRATION));
    await env.DB.batch([
      ...[1, 2].map((id) =>
        env.DB.prepare(
          "insert into merchants (id, name, mch_id, protocol, created_at, updated_at) values (?1, 'm', ?1, 'v2', 1, 1)",
        ).bind(id),
      ),
      env.DB.prepare(
        `insert into apps (id, name, merchant_id, wechat_app_id, pay_notify_url, refund_notify_url, enabled,
           salt_sealed, webhook_secret_sealed, created_at, updated_at)
         values (1, 'a', 1, 'wx1', '', '', 1, '', '', 1, 1)`,
      ),
      env.DB.prepare("insert into users (id, app_id, open_id, created_at) values (1, 1, 'o', 1)"),
      insertBefore(1, 1, "T1"),
      insertBefore(2, 1, "T2"),
      insertBefore(3, 1, "T1"),
      insertBefore(4, 2, "T1"),
      insertBefore(5, 1, null),
      insertBefore(6, 1, null),
      insertBefore(7, 1, "T1"),
      // An open incident of the same order is counted, not doubled.
      env.DB.prepare(
        `insert into incidents (kind, subject, facts, seen, created_at, last_seen_at)
         values ('payment_contradiction', '${"7".padStart(32, "0")}', '{"what":"amount"}', 3, 1, 1)`,
      ),
    ]);
    const { results: before } = await allOrders.all();

    await applyD1Migrations(env.DB, env.MIGRATIONS);

    const { results: after } = await allOrders.all();
    expect(after).toMatchObject(before);
    expect(after.map((row) => [row["id"], row["transaction_duplicate_of"]])).toEqual([
      [1, null],
      [2, null],
      [3, 1],
      [4, null],
      [5, null],
      [6, null],
      [7, 1],
    ]);
    const facts = {
      what: "transaction-of-another-order",
      transactionId: "T1",
      totalFen: 100,
      otherOrder: "1".padStart(32, "0"),
      recorded: true,
    };
    const opened = await db.select().from(incidents).orderBy(incidents.subject);
    expect(opened).toMatchObject([
      {
        kind: "payment_contradiction",
        subject: "3".padStart(32, "0"),
        orderNumber: "3".padStart(32, "0"),
        merchantId: 1,
        facts,
        seen: 1,
        resolvedAt: null,
      },
      { subject: "7".padStart(32, "0"), facts, seen: 4, resolvedAt: null },
    ]);
    expect(Date.now() - (opened[0]?.createdAt ?? 0)).toBeLessThan(60_000);
    for (const transaction of ["T1", "T2"]) {
      const again = env.DB.prepare("update orders set transaction_id = ? where id = 5");
      await expect(again.bind(transaction).run()).rejects.toThrow(/UNIQUE/);
    }
    await env.DB.prepare("update orders set transaction_id = 'T3' where id = 5").run();
  });

  test("opens no incident without duplicates", async () => {
    await reset();
    await applyD1Migrations(env.DB, env.MIGRATIONS);
    expect(await db.$count(incidents)).toBe(0);
  });
});

describe("markOrderPaid", () => {
  test("returns null when another order of the merchant has the transaction", async () => {
    const shop = await openShop();
    const [first, second] = [newOrderOf(shop), newOrderOf(shop)];
    await insertOrder(db, first);
    await insertOrder(db, second);
    const match = paidOrderMatchOf(first);
    expect(await markOrderPaid(db, match, NOW)).not.toBeNull();
    const { transactionId } = match;
    const before = await findOrder(db, second.number);
    expect(await markOrderPaid(db, paidOrderMatchOf(second, { transactionId }), NOW)).toBeNull();
    expect(await findOrder(db, second.number)).toEqual(before);
  });

  test.for([
    ["none", null, "", true],
    ["none, reported as x", null, "x", false],
    ["x", "x", "x", true],
    ["x, reported as none", "x", "", false],
    ["x, not reported", "x", null, true],
    ["empty", "", "", true],
  ] as const)("compares attach: %s", async ([, stored, attach, recorded]) => {
    const shop = await openShop();
    const order = newOrderOf(shop, { attach: stored });
    await insertOrder(db, order);
    const row = await markOrderPaid(db, paidOrderMatchOf(order, { attach }), NOW);
    expect(row !== null).toBe(recorded);
  });

  test("looks the transaction up in the unique index", async () => {
    const { trips } = instrumentD1();
    await markOrderPaid(db, paidOrderMatchOf(newOrderOf(await openShop())), NOW);
    const statement = trips.flat().find((sql) => sql.startsWith('update "orders"')) ?? "";
    closeScene();
    const values = Array.from({ length: statement.split("?").length - 1 }, () => 1);
    const plan = await env.DB.prepare(`explain query plan ${statement}`)
      .bind(...values)
      .all<{ detail: string }>();
    const details = plan.results.map(({ detail }) => detail).join("; ");
    expect(details).toContain(
      "INDEX orders_merchant_transaction (merchant_id=? AND transaction_id=?)",
    );
    expect(details).not.toContain("SCAN");
    expect(await db.$count(orders)).toBeGreaterThan(0);
  });
});
