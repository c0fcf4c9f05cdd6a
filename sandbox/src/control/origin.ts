import type { MiddlewareHandler } from "hono";

/**
 * Refuses what another site's page sends to the control API: a sandbox on a developer's machine is
 * reachable from every page in the developer's browser (CSRF). Tools send no Origin and pass.
 */
export function sameOrigin(): MiddlewareHandler {
  return async function sameOriginOnly(c, next) {
    const origin = c.req.header("origin");
    const safe = c.req.method === "GET" || c.req.method === "HEAD";
    if (!safe && origin !== undefined && hostOf(origin) !== new URL(c.req.url).host) {
      return c.json({ error: "requests of other sites are refused" }, 403);
    }
    return await next();
  };
}

/** The host of an Origin; undefined for `null` and other opaque ones. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
