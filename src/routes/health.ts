import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { connect } from "../db/database.ts";
import { merchants } from "../db/schema.ts";
import type { GatewayEnv } from "../hono-env.ts";
import { describe, log } from "../log.ts";

/** GET /health: 200 when D1 answers and is migrated, else 503. */
export async function health(c: Context<GatewayEnv>): Promise<Response> {
  try {
    await connect(c.env.DB)
      .select({ one: sql`1` })
      .from(merchants)
      .limit(1);
    return c.json({ ok: true });
  } catch (error) {
    log("error", "d1_unreachable", { requestId: c.get("requestId"), error: describe(error) });
    return c.json({ ok: false, error: "the database does not answer" }, 503);
  }
}
