import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { Cost } from "../trace.ts";
import { metered } from "./metered.ts";
import * as schema from "./schema.ts";

/** D1 with the gateway's tables. Cheap to make: one a request, since a binding belongs to its request. */
export type Database = DrizzleD1Database<typeof schema>;

/** Puts drizzle over the D1 binding. Opens nothing: queries do. Trips are added to `cost`, if given. */
export function connect(d1: D1Database, cost?: Cost): Database {
  return drizzle(cost === undefined ? d1 : metered(d1, cost), { schema });
}
