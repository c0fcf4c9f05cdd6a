import type { Context } from "hono";
import { failure, success } from "../contract/envelope.ts";
import { serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import type { Result } from "../lib/result.ts";
import { describe, log } from "../observability/log.ts";

/** Answers an app. Contract: the HTTP status is 200 whatever the outcome, which is in the envelope. */
export function respond(c: Context<GatewayEnv>, outcome: Result<object, Refusal>): Response {
  c.set("code", outcome.ok ? 0 : outcome.error.code);
  return c.json(outcome.ok ? success(outcome.value) : failure(outcome.error));
}

/**
 * Answers any caller with a fault of the gateway's own. Apps go by the envelope, whose status is
 * 200; the back-office, WeChat and monitors go by the HTTP status.
 */
export function respondWithFault(c: Context<GatewayEnv>, fault: Refusal): Response {
  c.set("code", fault.code);
  const goesByStatus = /^\/(admin|notify|health)(\/|$)/.test(c.req.path);
  return c.json(failure(fault), goesByStatus ? 503 : 200);
}

/**
 * An unexpected error (D1 away, a bug). The caller learns that it is ours and that repeating is
 * safe; the log has the error under the same request id.
 */
export function respondToError(error: Error, c: Context<GatewayEnv>): Response {
  const requestId = c.get("requestId");
  log("error", "request_failed", { requestId, path: c.req.path, error: describe(error) });
  return respondWithFault(c, serverFault(`网关内部错误（${requestId}）。重复本请求是安全的`));
}
