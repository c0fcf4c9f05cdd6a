import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import * as schema from "./schema.ts";

/** D1 with the gateway's tables. Cheap to make: one a request, since a binding belongs to its request. */
export type Database = DrizzleD1Database<typeof schema>;

/** Puts drizzle over the D1 binding. Opens nothing: queries do. */
export function connect(d1: D1Database): Database {
  return drizzle(d1, { schema });
}
