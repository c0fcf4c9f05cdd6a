import type { Context } from "hono";
import { failure, success } from "../contract/envelope.ts";
import { reasonOf, serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import type { Result } from "../lib/result.ts";
import { describe, log } from "../observability/log.ts";

/** Responds to an app. Contract: the HTTP status is always 200; the envelope has the outcome. */
export function respond(c: Context<GatewayEnv>, outcome: Result<object, Refusal>): Response {
  c.set("code", outcome.ok ? 0 : outcome.error.code);
  return outcome.ok ? c.json(success(outcome.value)) : respondWithStatus(c, outcome.error, 200);
}

/** Responds with a refusal under an HTTP status. */
export function respondWithStatus(
  c: Context<GatewayEnv>,
  refusal: Refusal,
  status: 200 | 403 | 404 | 503,
): Response {
  c.set("reason", reasonOf(refusal));
  return c.json(failure(refusal), status);
}

/**
 * Responds to any caller with a fault of the gateway. Apps evaluate the envelope and get status 200;
 * operators, WeChat and monitors evaluate the HTTP status.
 */
export function respondWithFault(c: Context<GatewayEnv>, fault: Refusal): Response {
  c.set("code", fault.code);
  const evaluatesStatus = /^\/(admin|notify|health)(\/|$)/.test(c.req.path);
  return respondWithStatus(c, fault, evaluatesStatus ? 503 : 200);
}

/**
 * Responds to an unexpected error (D1 unavailable, a bug): the gateway is at fault, and repeating is
 * safe. The log has the error under the same request id.
 */
export function respondToError(error: Error, c: Context<GatewayEnv>): Response {
  const requestId = c.get("requestId");
  log("error", "request_failed", { requestId, path: c.req.path, error: describe(error) });
  const detail = `网关内部错误（${requestId}）。重复本请求是安全的`;
  return respondWithFault(c, serverFault(detail, "internal-error"));
}
