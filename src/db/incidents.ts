import { and, desc, eq, gte, inArray, isNotNull, isNull, lt, sql, type SQL } from "drizzle-orm";
import type { Incident } from "../domain/incidents.ts";
import {
  MERCHANT_INCIDENT_KINDS,
  type MerchantIncidentKind,
} from "../domain/merchant-incidents.ts";
import type { Database } from "./database.ts";
import { incidents, merchants } from "./schema.ts";

/** An incident is open until `resolved_at` is set. */
export const INCIDENT_STATES = ["open", "resolved"] as const;

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
        requestId: sql`excluded.request_id`,
      },
    })
    .returning({ seen: incidents.seen });
  return rows[0]?.seen === 1;
}

/** The identity of an open incident. */
export type IncidentName = Pick<Incident, "kind" | "subject">;

/**
 * Resolves the open incident of this kind and subject, when the problem is gone: one trip.
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

/** Resolves a merchant's incident as `resolveOpenIncident` does, if it was last seen at `place`. */
export async function resolveMerchantIncident(
  db: Database,
  { kind, subject }: IncidentName,
  place: { readonly api?: string | null; readonly wechatAppId?: string | null },
  note: string,
  nowAt: number,
): Promise<boolean> {
  const atPlace = Object.entries(place).map(
    ([fact, value]) => sql`json_extract(facts, ${`$.${fact}`}) is ${value}`,
  );
  const rows = await db
    .update(incidents)
    .set({ resolvedAt: nowAt, note })
    .where(
      and(
        eq(incidents.kind, kind),
        eq(incidents.subject, subject),
        isNull(incidents.resolvedAt),
        ...atPlace,
      ),
    )
    .returning({ id: incidents.id });
  return rows.length > 0;
}

/** The open incidents of `merchants`' row in a query, as kinds: by the index of open incidents. */
export const OPEN_INCIDENTS_OF_MERCHANT = sql<MerchantIncidentKind[]>`(
  select coalesce(json_group_array(kind), '[]') from incidents
  where kind in ${MERCHANT_INCIDENT_KINDS} and subject = 'merchant:' || ${merchants.id}
    and resolved_at is null
)`.mapWith((text: string): MerchantIncidentKind[] => {
  const kinds: unknown = JSON.parse(text);
  return MERCHANT_INCIDENT_KINDS.filter((kind) => Array.isArray(kinds) && kinds.includes(kind));
});

/** Open incidents of merchants, at most 20: for the health check. */
export function selectMerchantIncidents(db: Database) {
  return db
    .select({ kind: incidents.kind, merchantId: incidents.merchantId })
    .from(incidents)
    .where(and(inArray(incidents.kind, [...MERCHANT_INCIDENT_KINDS]), isNull(incidents.resolvedAt)))
    .limit(20);
}

/** Whether it was seen at `sinceAt` (Unix ms) or later, resolved or not. Scans all incidents. */
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

/** The filter of the admin API's list; absent fields match everything. */
export interface IncidentFilter {
  readonly state: (typeof INCIDENT_STATES)[number];
  readonly kind?: IncidentRow["kind"] | undefined;
  readonly merchantId?: number | undefined;
  readonly orderNumber?: string | undefined;
}

/** At most `limit` incidents with an id below `beforeId`, newest first. */
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
 * Resolves an incident, once: compare and set in one statement. Returns the resolved incident; null
 * when none has this id, or it is already resolved.
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
