import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import { newMeter } from "../observability/request-meter.ts";

/**
 * Names each request, in its answer and in the one line that the log has of it. The line tells what
 * the request has cost until it was answered; what an order's object did for it has lines of its own
 * with the same id.
 */
export const requestLog = createMiddleware<GatewayEnv>(async function traceRequest(c, next) {
  const startedAt = Date.now();
  // Always our own: an id of the caller's choice could pose as another request's.
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
    app,
    order: c.get("order"),
    limited: c.get("limited"),
    tookMs,
    ...meter.usage,
  });
});
