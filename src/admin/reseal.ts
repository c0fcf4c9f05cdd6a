import { Hono } from "hono";
import { reseal } from "../db/reseal.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";

/**
 * `/admin/reseal`: after a change of the master key. To be repeated until nothing is left; then
 * MASTER_KEY_PREVIOUS can go.
 */
export const resealRoutes = new Hono<GatewayEnv>();

resealRoutes.post("/", async (c) => {
  const masterKey = await c.get("work").settings.masterKey();
  const { unreadable, ...rest } = await reseal(c.get("work").db, masterKey);
  // The key's id, because for a while after the change an isolate may still serve with the old one
  // as the current: its "nothing left" would mean the opposite.
  const facts = { masterKeyId: masterKey.id, ...rest, unreadable: unreadable.length };
  log("info", "secrets_resealed", { requestId: c.get("requestId"), ...facts });
  return c.json({ ...facts, unreadableRows: unreadable });
});
