import type { Context } from "hono";
import { serverFault } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { describe, log } from "../observability/log.ts";
import { respondWithFault } from "./respond.ts";

/**
 * A fault nobody expected (D1 away, a bug). The caller learns that it is ours and that repeating is
 * safe; what it was stands in the log, under the same request id.
 */
export function respondToError(error: Error, c: Context<GatewayEnv>): Response {
  const requestId = c.get("requestId");
  log("error", "request_failed", { requestId, path: c.req.path, error: describe(error) });
  return respondWithFault(c, serverFault(`网关内部错误（${requestId}）。重复本请求是安全的`));
}
