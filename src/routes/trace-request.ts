import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { connect } from "../db/database.ts";
import type { GatewayEnv } from "../hono-env.ts";
import { log } from "../log.ts";
import { count } from "../metrics.ts";
import { beginTrace } from "../trace.ts";

/**
 * Names each request, in its answer and in the one line that the log has of it. The line tells what
 * the request has cost until it was answered; what an order's object did for it has lines of its own
 * with the same id.
 */
export const traceRequest = createMiddleware<GatewayEnv>(async function traceRequest(c, next) {
  const startedAt = Date.now();
  // Always our own: an id of the caller's choice could pose as another request's.
  const requestId = crypto.randomUUID();
  const trace = beginTrace(c.env, requestId);
  c.set("requestId", requestId);
  c.set("trace", trace);
  c.set("db", connect(c.env.DB, trace.cost));
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
    cost: trace.cost,
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
    ...trace.cost,
  });
});
