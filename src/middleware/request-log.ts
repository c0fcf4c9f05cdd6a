import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import { newMeter } from "../observability/request-meter.ts";

/**
 * Assigns each request an id and logs one line per request, with its usage until the response. Order
 * objects log their own lines with the same id.
 */
export const requestLog = createMiddleware<GatewayEnv>(async function logRequest(c, next) {
  const startedAt = Date.now();
  // Always generated: an id chosen by the caller could imitate another request's.
  const requestId = crypto.randomUUID();
  const meter = newMeter(c.env, requestId);
  c.set("requestId", requestId);
  c.set("meter", meter);
  await next();
  c.header("x-request-id", requestId);
  const { status } = c.res;
  const code = c.get("code");
  const app = c.get("appId");
  const tookMs = Date.now() - startedAt;
  const endpoint = routePath(c, -1);
  count(c.env.METRICS, {
    kind: "request",
    endpoint,
    outcome: code ?? status,
    app,
    tookMs,
    usage: meter.usage,
  });
  if (c.get("isNoise") === true) return;
  log("info", "request", {
    requestId,
    method: c.req.method,
    path: c.req.path.slice(0, 200),
    status,
    code,
    reason: c.get("reason"),
    app,
    claimedApp: c.get("claimedApp"),
    order: c.get("order"),
    limited: c.get("limited"),
    tookMs,
    ...meter.usage,
  });
});
