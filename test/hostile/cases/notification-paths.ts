import type { Case, Cases } from "../support/case.ts";
import { pathOf, routesOf } from "../support/routes.ts";
import type { Target } from "../support/target.ts";

/** Path segments that are not a merchant's id; `{id}` is the valid one. */
const INVALID_IDS: readonly string[] = [
  "0",
  "-1",
  "+{id}",
  "0{id}",
  "{id}e0",
  "0x{id}",
  "0b1",
  "{id}.0",
  "{id}.",
  "%20{id}",
  "{id}%20",
  "{id}%0a",
  "{id}%00",
  "{id},{id}",
  "{id};2",
  "%EF%BC%91",
  "%D9%A1",
  "NaN",
  "Infinity",
  "null",
  "undefined",
  "true",
  "__proto__",
  "constructor",
  "*",
  ":merchantId",
  "9007199254740993",
  "99999999999999999999",
  "9".repeat(300),
  "{id}%27%20or%201=1--",
  "%24%7B1%7D",
  "999999",
  // The slash stays escaped, so this is one path segment.
  "..%2f{id}",
  "{id}%2f..%2f{id}",
  "%ff",
  "%",
];

function ownId(kind: "v2" | "v3", { shop, v3 }: Target): string {
  return String(kind === "v2" ? shop.merchantId : v3.merchantId);
}

/** Each merchant's notification, validly signed, with an invalid id in the path. */
export const notificationPaths: Cases = routesOf("v2", "v3").flatMap(([name, route]) =>
  INVALID_IDS.map((id): Case => ({
    name: `to the merchant ${id.slice(0, 30)}`,
    route: name,
    answer: route.kind === "v2" ? "v2 not authentic" : "v3 not authentic",
    request: async (target) => ({
      path: pathOf(name, target, id.replaceAll("{id}", ownId(route.kind, target))),
      init: await route.genuine(target),
    }),
  })),
);
