import { createMiddleware } from "hono/factory";
import type { GatewayEnv } from "../hono-env.ts";
import { log } from "../log.ts";

/** Names each request, in its answer and in the one line that the log has of it. */
export const traceRequest = createMiddleware<GatewayEnv>(async function traceRequest(c, next) {
  const startedAt = Date.now();
  // Always our own: an id of the caller's choice could pose as another request's.
  const requestId = crypto.randomUUID();
  c.set("requestId", requestId);
  await next();
  c.header("x-request-id", requestId);
  log("info", "request", {
    requestId,
    method: c.req.method,
    path: c.req.path.slice(0, 200),
    status: c.res.status,
    code: c.get("code"),
    app: c.get("appId"),
    order: c.get("order"),
    tookMs: Date.now() - startedAt,
  });
});
