import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { marks } from "./schema.ts";

/** How far one of the schedule's jobs has come. */
export type Mark = typeof marks.$inferSelect;

/** Null when the job has never come to an end. */
export async function findMark(db: Database, name: Mark["name"]): Promise<Mark | null> {
  const rows = await db.select().from(marks).where(eq(marks.name, name));
  return rows[0] ?? null;
}

/** Writes down how far a job has come. */
export async function saveMark(
  db: Database,
  name: Mark["name"],
  value: number,
  nowAt: number,
): Promise<void> {
  await db
    .insert(marks)
    .values({ name, value, updatedAt: nowAt })
    .onConflictDoUpdate({ target: marks.name, set: { value, updatedAt: nowAt } });
}
