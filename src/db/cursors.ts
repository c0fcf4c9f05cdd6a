import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { cursors } from "./schema.ts";

/** The progress of a scheduled job. */
export type Cursor = typeof cursors.$inferSelect;

/** Null when the job has never finished. */
export async function findCursor(db: Database, name: Cursor["name"]): Promise<Cursor | null> {
  const rows = await db.select().from(cursors).where(eq(cursors.name, name));
  return rows[0] ?? null;
}

/** Stores the progress of a job. */
export async function saveCursor(
  db: Database,
  name: Cursor["name"],
  value: number,
  nowAt: number,
  behind: Cursor["behind"] = [],
): Promise<void> {
  const progress = { value, behind, updatedAt: nowAt };
  await db
    .insert(cursors)
    .values({ name, ...progress })
    .onConflictDoUpdate({ target: cursors.name, set: progress });
}
