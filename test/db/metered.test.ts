import { types } from "node:util";
import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { apps, cursors, merchants } from "../../src/db/schema.ts";
import { newMeter } from "../../src/observability/request-meter.ts";
import { gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

function fresh() {
  const meter = newMeter(env);
  return { usage: meter.usage, db: connect(env.DB, meter.usage) };
}

describe("a metered database", () => {
  test("counts what drizzle sends, a batch as one trip, as the binding sees it", async () => {
    const { usage, db } = fresh();
    const { trips } = instrumentD1();
    await db.select().from(apps);
    await db.select().from(apps).get();
    await db.run(sql`select 1`);
    await db.all(sql`select 1`);
    await db.insert(cursors).values({ name: "sweep_order", value: 1, updatedAt: 1 }).returning();
    await db.batch([
      db.select().from(apps),
      db
        .select()
        .from(merchants)
        .where(sql`id = ${7}`),
      db.delete(cursors),
    ]);
    expect(usage.d1Trips).toBe(6);
    expect(trips).toHaveLength(6);
    expect(trips[5]).toHaveLength(3);
  });

  test("gives the same rows as the plain one", async () => {
    const { db } = fresh();
    const mark = { name: "sweep_order", value: 42, updatedAt: 7 } as const;
    const [inserted, listed] = await db.batch([
      db.insert(cursors).values(mark).returning(),
      db.select().from(cursors),
    ]);
    expect(inserted).toEqual([mark]);
    expect(listed).toEqual([mark]);
    expect(await connect(env.DB).select().from(cursors)).toEqual([mark]);
  });

  test("hands a batch the binding's own statements, which it may look into", async () => {
    const { db } = fresh();
    const batch = vi.spyOn(env.DB, "batch");
    await db.batch([db.select().from(apps), db.delete(cursors).where(sql`value = ${1}`)]);
    const [statements = []] = batch.mock.calls[0] ?? [];
    expect(statements.map((statement) => types.isProxy(statement))).toEqual([false, false]);
  });

  test("adds up the time that trips take, those that fail too", async () => {
    const { usage, db } = fresh();
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000 });
    const held = gate();
    const d1 = instrumentD1();
    d1.fail({ sql: /from "apps"/, how: "held before", gate: held.opened });
    d1.fail({ sql: /from "merchants"/, how: "lost before" });
    const reading = Promise.resolve(db.select().from(apps));
    await Promise.resolve();
    vi.setSystemTime(1_250);
    held.release();
    await reading;
    expect(usage).toMatchObject({ d1Trips: 1, d1Ms: 250 });
    await expect(db.select().from(merchants)).rejects.toThrow("Failed query");
    expect(usage.d1Trips).toBe(2);
  });

  test("keeps one piece of work's trips from another's", async () => {
    const [one, other] = [fresh(), fresh()];
    await Promise.all([one.db.select().from(apps), other.db.select().from(apps)]);
    await other.db.select().from(apps);
    expect([one.usage.d1Trips, other.usage.d1Trips]).toEqual([1, 2]);
  });
});
