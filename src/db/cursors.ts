import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { cursors } from "./schema.ts";

/** How far one of the schedule's jobs has come. */
export type Cursor = typeof cursors.$inferSelect;

/** Null when the job has never come to an end. */
export async function findCursor(db: Database, name: Cursor["name"]): Promise<Cursor | null> {
  const rows = await db.select().from(cursors).where(eq(cursors.name, name));
  return rows[0] ?? null;
}

/** Writes down how far a job has come. */
export async function saveCursor(
  db: Database,
  name: Cursor["name"],
  value: number,
  nowAt: number,
): Promise<void> {
  await db
    .insert(cursors)
    .values({ name, value, updatedAt: nowAt })
    .onConflictDoUpdate({ target: cursors.name, set: { value, updatedAt: nowAt } });
}
