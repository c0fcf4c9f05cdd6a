import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { badRequest } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { err } from "../lib/result.ts";
import { respond, respondWithStatus } from "./respond.ts";

/**
 * A year. Without `includeSubDomains`: the gateway speaks for its own host. Browsers ignore it over http
 * and for an IP address (RFC 6797, 8.1), as in development.
 */
const STRICT_TRANSPORT = "max-age=31536000";

/** For the caller of a plain-http request, whose parameters have crossed the network unprotected. */
const PLAIN_HTTP = badRequest(
  "只接受 https：本请求以明文 http 发送，网关没有处理，也不跳转",
  "plain-http",
);

/** Sets `Strict-Transport-Security` on every answer, errors included. */
export const strictTransport = createMiddleware<GatewayEnv>(
  async function setStrictTransport(c, next) {
    await next();
    c.header("Strict-Transport-Security", STRICT_TRANSPORT);
  },
);

/**
 * Refuses plain http, except in development: with code 501 at the apps' endpoints, whose HTTP status is
 * always 200, and with 403 at every other path. It isn't redirected: a client that follows would go on
 * sending everything in the clear first.
 *
 * The scheme is the URL's, which Cloudflare sets from the caller's connection. No header is asked: off
 * Cloudflare, a caller could set it.
 *
 * @param endpoints the routes of the apps' endpoints
 */
export function refusePlainHttp(endpoints: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async function requireHttps(c, next) {
    const { environment } = c.get("work").config;
    if (environment === "development" || c.req.url.startsWith("https:")) return await next();
    // The route that would answer, so that every spelling of a path that it accepts is covered.
    return endpoints.includes(routePath(c, -1))
      ? respond(c, err(PLAIN_HTTP))
      : respondWithStatus(c, PLAIN_HTTP, 403);
  };
}
