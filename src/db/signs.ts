import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { apps, marks } from "./schema.ts";

/** What the database says of the gateway's health. */
export interface Signs {
  /** When the schedule ran last; null before its first run. */
  readonly scheduledAt: number | null;
  /** A stored secret; null while no app is registered. */
  readonly secret: { readonly appId: number; readonly saltSealed: string } | null;
}

/** Reads them in one trip. Throws when the database is away, or older than its newest table. */
export async function readSigns(db: Database): Promise<Signs> {
  const [[mark], [app]] = await db.batch([
    db.select({ scheduledAt: marks.value }).from(marks).where(eq(marks.name, "schedule")),
    db.select({ appId: apps.id, saltSealed: apps.saltSealed }).from(apps).orderBy(apps.id).limit(1),
  ]);
  return { scheduledAt: mark?.scheduledAt ?? null, secret: app ?? null };
}
