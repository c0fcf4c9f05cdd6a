import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { callerNetwork } from "../middleware/caller-address.ts";
import { isWithin } from "../middleware/rate-limit.ts";
import { count } from "../observability/metrics.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { refuse } from "./errors.ts";

/** The period of `ADMIN_LIMIT` (wrangler.toml). */
const RETRY_AFTER_S = 60;

/**
 * Admits requests with `Authorization: Bearer <ADMIN_TOKEN>` and answers all others with 401, beyond
 * their address's limit with 429.
 *
 * The right token is admitted from any address, also from one that is over the limit: whoever shares
 * the operators' address could lock them out otherwise. What makes guessing hopeless is the token's
 * length (config.ts), not the limit.
 */
export const authorize: MiddlewareHandler<GatewayEnv> = async function authorize(c, next) {
  const [, token] = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  if (token !== undefined && (await isSame(token, c.get("work").config.adminToken))) {
    return await next();
  }
  if (await recordUnverified(c, "admin", "wrong token")) {
    log("warn", "admin_refused", { requestId: c.get("requestId"), path: c.req.path });
  }
  if (!(await isWithin(c.env.ADMIN_LIMIT, callerNetwork(c.req.raw)))) {
    c.set("limited", "admin");
    count(c.env.METRICS, { kind: "limited", limit: "admin" });
    c.header("Retry-After", String(RETRY_AFTER_S));
    return refuse(c, {
      code: "too_many_requests",
      message: "Too many requests without the ADMIN_TOKEN from this address.",
      fields: [],
    });
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
