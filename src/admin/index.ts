import { Hono } from "hono";
import type { GatewayEnv } from "../env.ts";
import { describe, log } from "../observability/log.ts";
import { notFound, refuse } from "./errors.ts";
import { appRoutes } from "./apps.ts";
import { authorize } from "./authorize.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { incidentRoutes } from "./incidents.ts";
import { merchantRoutes } from "./merchants.ts";
import { orderRoutes } from "./orders.ts";
import { reconciliationRoutes } from "./reconciliations.ts";
import { requestKeyRoutes } from "./request-keys.ts";
import { resealRoutes } from "./reseal.ts";
import { rotationRoutes } from "./rotations.ts";

/** The back-office: JSON for the operator, all of it behind ADMIN_TOKEN. */
export const adminRoutes = new Hono<GatewayEnv>();

adminRoutes.use(async function keepNoCopy(c, next) {
  // Answers show new secrets once: no cache on the way may keep them.
  c.header("Cache-Control", "no-store");
  return await next();
});
adminRoutes.use(authorize);

adminRoutes.route("/merchants", merchantRoutes);
adminRoutes.route("/apps", appRoutes);
adminRoutes.route("/apps", rotationRoutes);
adminRoutes.route("/apps", requestKeyRoutes);
adminRoutes.route("/orders", orderRoutes);
adminRoutes.route("/deliveries", deliveryRoutes);
adminRoutes.route("/incidents", incidentRoutes);
adminRoutes.route("/reconciliations", reconciliationRoutes);
adminRoutes.route("/reseal", resealRoutes);

// Last: whatever nothing above has answered.
adminRoutes.all("*", (c) => refuse(c, notFound("There is nothing at this path for this method.")));

adminRoutes.onError((error, c) => {
  log("error", "admin_failed", {
    requestId: c.get("requestId"),
    path: c.req.path,
    error: describe(error),
  });
  const message = `The gateway failed; its log tells more under request ${c.get("requestId")}.`;
  return refuse(c, { code: "internal", message, fields: [] });
});
