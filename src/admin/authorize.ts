import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { refuse } from "./errors.ts";

/** Admits requests with `Authorization: Bearer <ADMIN_TOKEN>` and answers all others with 401. */
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
 * Compares in constant time, so that the response time doesn't reveal how much of a guess is right.
 * Both texts are hashed first: `timingSafeEqual` requires equal lengths, and returning early for
 * unequal ones would reveal the token's length.
 */
async function isSame(token: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(token), digest(expected)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
