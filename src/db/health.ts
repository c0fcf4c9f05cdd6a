import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { apps, cursors } from "./schema.ts";

/** What the database says of the gateway's health. */
export interface HealthFacts {
  /** When the schedule ran last; null before its first run. */
  readonly scheduledAt: number | null;
  /** A stored secret; null while no app is registered. */
  readonly secret: { readonly appId: number; readonly saltSealed: string } | null;
}

/** Reads them in one trip. Throws when the database is away, or older than its newest table. */
export async function readHealth(db: Database): Promise<HealthFacts> {
  const [[mark], [app]] = await db.batch([
    db.select({ scheduledAt: cursors.value }).from(cursors).where(eq(cursors.name, "schedule")),
    db.select({ appId: apps.id, saltSealed: apps.saltSealed }).from(apps).orderBy(apps.id).limit(1),
  ]);
  return { scheduledAt: mark?.scheduledAt ?? null, secret: app ?? null };
}
