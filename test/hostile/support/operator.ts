import { env } from "cloudflare:workers";
import { JSON_TYPE, utf8, type Body, type Sent } from "./case.ts";
import { methodOf, pathOf, ROUTES, type Route, type RouteName } from "./routes.ts";
import type { Scene } from "./scene.ts";

export interface Asked {
  /** Sent as JSON; the route's own good body if absent. */
  readonly json?: unknown;
  /** Sent as it is, instead. */
  readonly raw?: Body;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What stands for `:id`. */
  readonly id?: string;
  /** With its question mark. */
  readonly query?: string;
  readonly method?: string;
}

/** A request of the operator's, with the right token unless `headers` has another. */
export function operator(name: RouteName, scene: Scene, asked: Asked = {}): Sent {
  const { raw, contentType = JSON_TYPE, headers = {}, id, query = "" } = asked;
  const route: Route = ROUTES[name];
  const own = route.kind === "admin" ? route.body : undefined;
  const json = "json" in asked ? asked.json : own;
  const body = raw ?? (json === undefined ? undefined : JSON.stringify(json));
  const bytes = typeof body === "string" ? utf8(body) : body;
  const method = asked.method ?? methodOf(name);
  const bodiless = method === "GET" || method === "HEAD";
  return {
    path: pathOf(name, scene, id) + query,
    init: {
      method,
      headers: {
        authorization: `Bearer ${env.ADMIN_TOKEN}`,
        ...(bytes === undefined ? {} : { "content-type": contentType }),
        ...headers,
      },
      ...(bytes === undefined || bodiless ? {} : { body: bytes }),
    },
  };
}
