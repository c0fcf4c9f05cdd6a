import { env } from "cloudflare:workers";
import { JSON_TYPE, utf8, type Body, type OutgoingRequest } from "./case.ts";
import { methodOf, pathOf, ROUTES, type Route, type RouteName } from "./routes.ts";
import type { Target } from "./target.ts";

export interface OperatorRequestOptions {
  /** Sent as JSON; the route's valid body by default. */
  readonly json?: unknown;
  /** A raw body, instead of `json`. */
  readonly raw?: Body;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces `:id` in the path. */
  readonly id?: string;
  /** With its question mark. */
  readonly query?: string;
  readonly method?: string;
}

/** A request to the back-office, with the valid token unless `headers` overrides it. */
export function operatorRequest(
  name: RouteName,
  target: Target,
  options: OperatorRequestOptions = {},
): OutgoingRequest {
  const { raw, contentType = JSON_TYPE, headers = {}, id, query = "" } = options;
  const route: Route = ROUTES[name];
  const validBody = route.kind === "admin" ? route.body : undefined;
  const json = "json" in options ? options.json : validBody;
  const body = raw ?? (json === undefined ? undefined : JSON.stringify(json));
  const bytes = typeof body === "string" ? utf8(body) : body;
  const method = options.method ?? methodOf(name);
  const hasNoBody = method === "GET" || method === "HEAD";
  return {
    path: pathOf(name, target, id) + query,
    init: {
      method,
      headers: {
        authorization: `Bearer ${env.ADMIN_TOKEN}`,
        ...(bytes === undefined ? {} : { "content-type": contentType }),
        ...headers,
      },
      ...(bytes === undefined || hasNoBody ? {} : { body: bytes }),
    },
  };
}
