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
