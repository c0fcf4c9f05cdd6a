import { eq } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { MasterKey } from "../lib/secret-box.ts";
import type { Usage } from "../observability/request-meter.ts";
import { selectMerchantIncidents } from "./incidents.ts";
import { metered } from "./metered.ts";
import * as schema from "./schema.ts";
import { countUnreadable } from "./sealed-columns.ts";

/** D1 with the gateway's tables. Cheap to create: one per request, since a binding belongs to a request. */
export type Database = DrizzleD1Database<typeof schema>;

/** Wraps the D1 binding in Drizzle. Makes no trip itself; each query's trip is added to `usage`. */
export function connect(d1: D1Database, usage?: Usage): Database {
  return drizzle(usage === undefined ? d1 : metered(d1, usage), { schema });
}

/**
 * D1 for lists and exports: where read replication is on, a replica may answer, so the rows may be a
 * moment old; within one handle no query sees an older state than the one before. Only for reads.
 */
export function connectReplica(d1: D1Database, usage: Usage): Database {
  return drizzle(metered(d1, usage, d1.withSession("first-unconstrained")), { schema });
}

/** The database's part of the health check. */
export interface HealthFacts {
  /** When the schedule last ran; null before its first run. */
  readonly scheduledAt: number | null;
  /** A stored secret; null while no app is registered. */
  readonly secret: { readonly appId: number; readonly saltSealed: string } | null;
  /** How many merchants, apps and request keys have a secret that neither key opens. */
  readonly unreadable: number;
  /** Open incidents of merchants that can't work. */
  readonly merchantIncidents: Awaited<ReturnType<typeof selectMerchantIncidents>>;
}

/** Reads the health facts in one trip. Throws when D1 is unavailable or lacks the newest table. */
export async function readHealth(db: Database, masterKey: MasterKey): Promise<HealthFacts> {
  const { apps, cursors } = schema;
  const [[cursor], [app], [counted], merchantIncidents] = await db.batch([
    db.select({ scheduledAt: cursors.value }).from(cursors).where(eq(cursors.name, "schedule")),
    db.select({ appId: apps.id, saltSealed: apps.saltSealed }).from(apps).orderBy(apps.id).limit(1),
    countUnreadable(db, masterKey),
    selectMerchantIncidents(db),
  ]);
  return {
    scheduledAt: cursor?.scheduledAt ?? null,
    secret: app ?? null,
    unreadable: counted?.rows ?? 0,
    merchantIncidents,
  };
}
