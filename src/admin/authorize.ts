import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { refuse } from "./errors.ts";

/** Lets a request through that carries `Authorization: Bearer <ADMIN_TOKEN>`, answers 401 to others. */
export const authorize: MiddlewareHandler<GatewayEnv> = async function authorize(c, next) {
  const [, token] = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  if (token !== undefined && (await isSame(token, c.get("work").config.adminToken))) {
    return await next();
  }
  if (await recordUnverified(c, "admin", "wrong token")) {
    log("warn", "admin_refused", { requestId: c.get("requestId"), path: c.req.path });
  }
  c.header("WWW-Authenticate", 'Bearer realm="admin"');
  return refuse(c, {
    code: "unauthorized",
    message: "Authorization: Bearer with the ADMIN_TOKEN is required.",
    fields: [],
  });
};

/**
 * Compares without telling, by the time taken, how much of a guess is right. Hashed first: the
 * comparison wants equal lengths, and an early answer to unequal ones would tell the length.
 */
async function isSame(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(expected)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
