import { sql } from "drizzle-orm";
import type { Incident } from "../core/incident.ts";
import type { Database } from "./database.ts";
import { incidents } from "./schema.ts";

/** An incident as stored. */
export type IncidentRow = typeof incidents.$inferSelect;

/**
 * Opens an incident, or counts it on the open one of the same kind and subject: one trip.
 * Returns whether it is new.
 */
export async function openIncident(
  db: Database,
  incident: Incident,
  nowAt: number,
): Promise<boolean> {
  const rows = await db
    .insert(incidents)
    .values({ ...incident, seen: 1, createdAt: nowAt, lastSeenAt: nowAt })
    .onConflictDoUpdate({
      target: [incidents.kind, incidents.subject],
      targetWhere: sql`resolved_at is null`,
      set: {
        seen: sql`${incidents.seen} + 1`,
        lastSeenAt: nowAt,
        facts: sql`excluded.facts`,
      },
    })
    .returning({ seen: incidents.seen });
  return rows[0]?.seen === 1;
}
