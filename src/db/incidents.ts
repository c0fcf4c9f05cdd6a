import { and, eq, gte, isNull, sql } from "drizzle-orm";
import type { Incident } from "../domain/incidents.ts";
import type { Database } from "./database.ts";
import { incidents } from "./schema.ts";

/** An incident as stored. */
export type IncidentRow = typeof incidents.$inferSelect;

/**
 * Opens an incident, or counts it on the open one of the same kind and subject: one trip.
 * Returns whether it is new.
 */
export async function recordIncident(
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

/** What names an incident while it is open. */
export type IncidentName = Pick<Incident, "kind" | "subject">;

/**
 * Resolves the open incident of this kind and subject, for what has mended itself: one trip.
 * Returns whether there was one.
 */
export async function resolveOpenIncident(
  db: Database,
  { kind, subject }: IncidentName,
  note: string,
  nowAt: number,
): Promise<boolean> {
  const rows = await db
    .update(incidents)
    .set({ resolvedAt: nowAt, note })
    .where(
      and(eq(incidents.kind, kind), eq(incidents.subject, subject), isNull(incidents.resolvedAt)),
    )
    .returning({ id: incidents.id });
  return rows.length > 0;
}

/** Whether it was raised at `sinceAt` (Unix ms) or later, be it resolved since. Looks through them all. */
export async function wasOpenedSince(
  db: Database,
  { kind, subject }: IncidentName,
  sinceAt: number,
): Promise<boolean> {
  const rows = await db
    .select({ id: incidents.id })
    .from(incidents)
    .where(
      and(
        eq(incidents.kind, kind),
        eq(incidents.subject, subject),
        gte(incidents.lastSeenAt, sinceAt),
      ),
    )
    .limit(1);
  return rows.length > 0;
}
