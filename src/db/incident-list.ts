import { and, desc, eq, isNotNull, isNull, lt, type SQL } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { IncidentRow } from "./incidents.ts";
import { incidents } from "./schema.ts";

/** Which incidents the back-office wants to see; what is absent doesn't matter. */
export interface IncidentFilter {
  readonly state: "open" | "resolved";
  readonly kind?: IncidentRow["kind"] | undefined;
  readonly merchantId?: number | undefined;
  readonly orderNumber?: string | undefined;
}

/** The newest incidents first, at most `limit`, all with an id below `beforeId`. */
export async function listIncidents(
  db: Database,
  filter: IncidentFilter,
  beforeId: number,
  limit: number,
): Promise<IncidentRow[]> {
  return await db
    .select()
    .from(incidents)
    .where(and(lt(incidents.id, beforeId), ...conditionsOf(filter)))
    .orderBy(desc(incidents.id))
    .limit(limit);
}

/** The incident of this id, or null. */
export async function findIncident(db: Database, id: number): Promise<IncidentRow | null> {
  const rows = await db.select().from(incidents).where(eq(incidents.id, id));
  return rows[0] ?? null;
}

/**
 * Resolves an incident, once: compare and set in one statement. Returns it as it is now; null when
 * there is none of this id, or it is resolved already.
 */
export async function resolveIncident(
  db: Database,
  id: number,
  note: string,
  nowAt: number,
): Promise<IncidentRow | null> {
  const rows = await db
    .update(incidents)
    .set({ resolvedAt: nowAt, note })
    .where(and(eq(incidents.id, id), isNull(incidents.resolvedAt)))
    .returning();
  return rows[0] ?? null;
}

function conditionsOf(filter: IncidentFilter): SQL[] {
  const conditions = [
    filter.state === "open" ? isNull(incidents.resolvedAt) : isNotNull(incidents.resolvedAt),
  ];
  if (filter.kind !== undefined) conditions.push(eq(incidents.kind, filter.kind));
  if (filter.merchantId !== undefined) {
    conditions.push(eq(incidents.merchantId, filter.merchantId));
  }
  if (filter.orderNumber !== undefined) {
    conditions.push(eq(incidents.orderNumber, filter.orderNumber));
  }
  return conditions;
}
