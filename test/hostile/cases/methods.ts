import { env } from "cloudflare:workers";
import type { Outcome } from "../support/outcomes.ts";
import { type Case, type Theme, toEach } from "../support/case.ts";
import { methodOf, names, pathOf, ROUTES, type Route, type RouteName } from "../support/routes.ts";

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

/** Headers by which some frameworks take a request for one of another method. */
const OVERRIDES: readonly Readonly<Record<string, string>>[] = [
  { "x-http-method-override": "POST" },
  { "x-http-method": "POST" },
  { "x-method-override": "POST" },
];

/** What a path answers to a method that it doesn't take. */
function outcomeOf(name: RouteName): Outcome {
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

const pathIn = (name: string): string => name.slice(name.indexOf(" ") + 1);

/** Whether this method has a route of its own at the path; HEAD is answered where GET is. */
function isTaken(path: string, method: string): boolean {
  const asked = method === "HEAD" ? "GET" : method;
  return names().some((name) => pathIn(name) === path && methodOf(name) === asked);
}

export const methods: Theme = toEach(names(), (name) => {
  const answer = outcomeOf(name);
  const request =
    (method: string, headers: Readonly<Record<string, string>> = {}): Case["request"] =>
    (scene) => ({
      path: pathOf(name, scene),
      init: { method, headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, ...headers } },
    });
  const others = METHODS.filter((method) => !isTaken(pathIn(name), method));
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
            name: "GET with _method in its query",
            route: name,
            answer,
            request: async (scene) => {
              const sent = await request("GET")(scene);
              return { ...sent, path: `${sent.path}?_method=POST` };
            },
          } satisfies Case,
        ]
      : []),
  ];
});
