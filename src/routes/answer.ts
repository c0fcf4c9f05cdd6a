import type { Context } from "hono";
import { failure, success } from "../core/contract/envelope.ts";
import type { Result } from "../core/result.ts";
import type { Refusal } from "../errors.ts";
import type { GatewayEnv } from "../hono-env.ts";

/** Answers an app. Contract: the HTTP status is 200 whatever the outcome, which is in the envelope. */
export function answer(c: Context<GatewayEnv>, outcome: Result<object, Refusal>): Response {
  c.set("code", outcome.ok ? 0 : outcome.error.code);
  return c.json(outcome.ok ? success(outcome.value) : failure(outcome.error));
}

/**
 * Answers anybody with a fault of the gateway's own. Apps go by the envelope, whose status is 200;
 * the back-office, WeChat and monitors go by the HTTP status.
 */
export function answerFault(c: Context<GatewayEnv>, fault: Refusal): Response {
  c.set("code", fault.code);
  const isForOthers = /^\/(admin|notify|health)(\/|$)/.test(c.req.path);
  return c.json(failure(fault), isForOthers ? 503 : 200);
}
