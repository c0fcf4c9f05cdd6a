import { Hono } from "hono";
import type { GatewayEnv } from "../env.ts";
import { describe, log } from "../observability/log.ts";
import { notFound, refuse } from "./errors.ts";
import { appRoutes } from "./apps.ts";
import { authorize } from "./authorize.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { incidentRoutes } from "./incidents.ts";
import { merchantRoutes } from "./merchants.ts";
import { exportOrders } from "./order-list.ts";
import { orderRoutes } from "./orders.ts";
import { exportReconciliations, reconciliationRoutes } from "./reconciliations.ts";
import { exportRefunds, getRefunds } from "./refunds.ts";
import { requestKeyRoutes } from "./request-keys.ts";
import { resealRoutes, rotationRoutes } from "./rotations.ts";
import { stagedSaltRoutes } from "./staged-salt.ts";

/** The admin API: JSON for the operator, all of it behind ADMIN_TOKEN. */
export const adminRoutes = new Hono<GatewayEnv>();

adminRoutes.use(async function forbidCaching(c, next) {
  // Responses show new secrets once: no cache on the way may store them.
  c.header("Cache-Control", "no-store");
  return await next();
});
adminRoutes.use(authorize);

adminRoutes.route("/merchants", merchantRoutes);
adminRoutes.route("/apps", appRoutes);
adminRoutes.route("/apps", rotationRoutes);
adminRoutes.route("/apps", stagedSaltRoutes);
adminRoutes.route("/apps", requestKeyRoutes);
adminRoutes.route("/orders", orderRoutes);
adminRoutes.get("/orders.csv", exportOrders);
adminRoutes.get("/refunds", getRefunds);
adminRoutes.get("/refunds.csv", exportRefunds);
adminRoutes.route("/deliveries", deliveryRoutes);
adminRoutes.route("/incidents", incidentRoutes);
adminRoutes.route("/reconciliations", reconciliationRoutes);
adminRoutes.get("/reconciliations.csv", exportReconciliations);
adminRoutes.route("/reseal", resealRoutes);

// Last: requests that no route above matches.
adminRoutes.all("*", (c) => refuse(c, notFound("No route matches this method and path.")));

adminRoutes.onError((error, c) => {
  log("error", "admin_failed", {
    requestId: c.get("requestId"),
    path: c.req.path,
    error: describe(error),
  });
  const message = `The gateway failed; see its log under request ${c.get("requestId")}.`;
  return refuse(c, { code: "internal", message, fields: [] });
});
