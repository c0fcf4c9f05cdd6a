import type { Case, Theme } from "../support/case.ts";
import { pathOf, routesOf } from "../support/routes.ts";
import type { Scene } from "../support/scene.ts";

/** What stands in the path where a merchant's id is expected, and is none; `{id}` is the right one. */
const IDS: readonly string[] = [
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
  // Its slash stays escaped, so it is one part of the path.
  "..%2f{id}",
  "{id}%2f..%2f{id}",
  "%ff",
  "%",
];

function ownId(kind: "v2" | "v3", { shop, v3 }: Scene): string {
  return String(kind === "v2" ? shop.merchantId : v3.merchantId);
}

/** Everybody's notification, rightly signed, to an id that is nobody's. */
export const notificationPaths: Theme = routesOf("v2", "v3").flatMap(([name, route]) =>
  IDS.map((id): Case => ({
    name: `to the merchant ${id.slice(0, 30)}`,
    route: name,
    answer: route.kind === "v2" ? "v2 not authentic" : "v3 not authentic",
    request: async (scene) => ({
      path: pathOf(name, scene, id.replaceAll("{id}", ownId(route.kind, scene))),
      init: await route.genuine(scene),
    }),
  })),
);
