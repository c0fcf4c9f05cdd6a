import type { Context } from "hono";
import { failure, success } from "../contract/envelope.ts";
import type { Result } from "../lib/result.ts";
import type { Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";

/** Answers an app. Contract: the HTTP status is 200 whatever the outcome, which is in the envelope. */
export function respond(c: Context<GatewayEnv>, outcome: Result<object, Refusal>): Response {
  c.set("code", outcome.ok ? 0 : outcome.error.code);
  return c.json(outcome.ok ? success(outcome.value) : failure(outcome.error));
}

/**
 * Answers anybody with a fault of the gateway's own. Apps go by the envelope, whose status is 200;
 * the back-office, WeChat and monitors go by the HTTP status.
 */
export function respondWithFault(c: Context<GatewayEnv>, fault: Refusal): Response {
  c.set("code", fault.code);
  const isForOthers = /^\/(admin|notify|health)(\/|$)/.test(c.req.path);
  return c.json(failure(fault), isForOthers ? 503 : 200);
}
