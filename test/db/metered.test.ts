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

function openMetered() {
  const meter = newMeter(env);
  return { usage: meter.usage, db: connect(env.DB, meter.usage) };
}

describe("metered database", () => {
  test("counts each call of the binding as a trip, a batch as one", async () => {
    const { usage, db } = openMetered();
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

  test("returns the same rows as an unmetered database", async () => {
    const { db } = openMetered();
    const cursor = { name: "sweep_order", value: 42, updatedAt: 7, behind: [] } as const;
    const [inserted, listed] = await db.batch([
      db.insert(cursors).values(cursor).returning(),
      db.select().from(cursors),
    ]);
    expect(inserted).toEqual([cursor]);
    expect(listed).toEqual([cursor]);
    expect(await connect(env.DB).select().from(cursors)).toEqual([cursor]);
  });

  test("passes the binding's own statements to batch", async () => {
    const { db } = openMetered();
    const batch = vi.spyOn(env.DB, "batch");
    await db.batch([db.select().from(apps), db.delete(cursors).where(sql`value = ${1}`)]);
    const [statements = []] = batch.mock.calls[0] ?? [];
    expect(statements.map((statement) => types.isProxy(statement))).toEqual([false, false]);
  });

  test("adds up the trips' time and counts failed trips", async () => {
    const { usage, db } = openMetered();
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

  test("counts the trips of each handle separately", async () => {
    const [a, b] = [openMetered(), openMetered()];
    await Promise.all([a.db.select().from(apps), b.db.select().from(apps)]);
    await b.db.select().from(apps);
    expect([a.usage.d1Trips, b.usage.d1Trips]).toEqual([1, 2]);
  });
});
