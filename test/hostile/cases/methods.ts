import { env } from "cloudflare:workers";
import type { ExpectedAnswer } from "../support/expected-answers.ts";
import { type Case, type Cases, casesFor } from "../support/case.ts";
import {
  methodOf,
  routeNames,
  pathOf,
  ROUTES,
  type Route,
  type RouteName,
} from "../support/routes.ts";

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "SEARCH",
  "PROPFIND",
  "MOVE",
  "PURGE",
  "QUERY",
] as const;

/** Headers that override the method in some frameworks. */
const OVERRIDES: readonly Readonly<Record<string, string>>[] = [
  { "x-http-method-override": "POST" },
  { "x-http-method": "POST" },
  { "x-method-override": "POST" },
];

/** The answer to a method without a route. */
function answerOf(name: RouteName): ExpectedAnswer {
  const route: Route = ROUTES[name];
  switch (route.kind) {
    case "app":
      return "app 502";
    case "v2":
    case "v3":
      return "no such path";
    case "admin":
      return "admin 404";
    case "other":
      return name === "GET /health" ? "no such path" : "app 502";
  }
}

const patternOf = (name: string): string => name.slice(name.indexOf(" ") + 1);

/** Whether the path has a route for this method. GET routes answer HEAD too. */
function hasRoute(path: string, method: string): boolean {
  const routed = method === "HEAD" ? "GET" : method;
  return routeNames().some((name) => patternOf(name) === path && methodOf(name) === routed);
}

export const methods: Cases = casesFor(routeNames(), (name) => {
  const answer = answerOf(name);
  const request =
    (method: string, headers: Readonly<Record<string, string>> = {}): Case["request"] =>
    (target) => ({
      path: pathOf(name, target),
      init: { method, headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, ...headers } },
    });
  const others = METHODS.filter((method) => !hasRoute(patternOf(name), method));
  return [
    ...others.map((method): Case => ({
      name: `the method ${method}`,
      route: name,
      answer,
      request: request(method),
    })),
    ...(others.includes("GET") ? OVERRIDES : []).map((headers): Case => ({
      name: `GET with ${Object.keys(headers)[0]}`,
      route: name,
      answer,
      request: request("GET", headers),
    })),
    ...(others.includes("GET")
      ? [
          {
            name: "GET with _method in the query",
            route: name,
            answer,
            request: async (target) => {
              const outgoing = await request("GET")(target);
              return { ...outgoing, path: `${outgoing.path}?_method=POST` };
            },
          } satisfies Case,
        ]
      : []),
  ];
});
