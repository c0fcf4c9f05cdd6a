import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { Usage } from "../observability/request-meter.ts";
import { metered } from "./metered.ts";
import * as schema from "./schema.ts";

/** D1 with the gateway's tables. Cheap to make: one a request, since a binding belongs to its request. */
export type Database = DrizzleD1Database<typeof schema>;

/** Puts drizzle over the D1 binding. Opens nothing: queries do. Trips are added to `usage`, if given. */
export function connect(d1: D1Database, usage?: Usage): Database {
  return drizzle(usage === undefined ? d1 : metered(d1, usage), { schema });
}
