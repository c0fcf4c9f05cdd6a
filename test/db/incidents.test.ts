import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Incident } from "../../src/domain/incidents.ts";
import { connect } from "../../src/db/database.ts";
import { recordIncident } from "../../src/db/incidents.ts";
import { incidents } from "../../src/db/schema.ts";

const incident: Incident = {
  kind: "delivery_exhausted",
  subject: "order-1",
  merchantId: 1,
  orderNumber: "order-1",
  requestId: "request-1",
  facts: { call: 16 },
};

describe("recordIncident", () => {
  test("opens one row per kind and subject and counts repeats", async () => {
    const db = connect(env.DB);
    expect(await recordIncident(db, incident, 1000)).toBe(true);
    expect(await recordIncident(db, { ...incident, facts: { call: 17 } }, 2000)).toBe(false);
    expect(await recordIncident(db, { ...incident, subject: "order-2" }, 2000)).toBe(true);
    const rows = await db.select().from(incidents);
    expect(rows).toMatchObject([
      { subject: "order-1", seen: 2, createdAt: 1000, lastSeenAt: 2000, facts: { call: 17 } },
      { subject: "order-2", seen: 1, createdAt: 2000 },
    ]);
  });

  test("opens another row after the first is resolved", async () => {
    const db = connect(env.DB);
    const input = { ...incident, subject: "order-3" };
    await recordIncident(db, input, 1000);
    await db.update(incidents).set({ resolvedAt: 1500, note: "mended" });
    expect(await recordIncident(db, input, 2000)).toBe(true);
  });
});
