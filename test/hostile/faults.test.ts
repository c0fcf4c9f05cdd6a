import { afterEach, expect, test } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import { advance } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { send } from "../support/gateway.ts";
import { closeScene } from "../support/scene.ts";
import type { Sent } from "./support/case.ts";
import { GIVEN } from "./support/given.ts";
import { LeakSearch } from "./support/leaks.ts";
import { operator } from "./support/operator.ts";
import { faultsOf, type Outcome } from "./support/outcomes.ts";
import { names, pathOf, ROUTES, type Route, type RouteName } from "./support/routes.ts";
import { setScene, type Scene } from "./support/scene.ts";
import { formTo, good } from "./support/signing.ts";

afterEach(closeScene);

/** A good request, and what is declared to become of it while the database is away; null: no matter. */
async function requestTo(name: RouteName, scene: Scene): Promise<readonly [Sent, Outcome] | null> {
  const route: Route = ROUTES[name];
  switch (route.kind) {
    case "app":
      return [formTo(name, scene, good(route, scene, { openId: GIVEN.openId })), "app 503"];
    case "v2":
    case "v3": {
      const sent = { path: pathOf(name, scene), init: await route.genuine(scene) };
      return [sent, route.kind === "v2" ? "v2 try again" : "v3 try again"];
    }
    case "admin":
      return [operator(name, scene), "admin 500"];
    case "other":
      return name === "GET /health" ? [{ path: "/health", init: {} }, "unhealthy"] : null;
  }
}

test.for([
  ["every trip to D1", /./],
  // The message of such a failure holds what was to be written.
  ["every write", /^(insert|update)/i],
] as const)("while %s fails, each route says so as declared, and nothing more", async ([, sql]) => {
  const scene = await setScene();
  // What /health found for the test before has grown old.
  advance(60_000);
  const requests = await Promise.all(
    names().map(async (name) => [name, await requestTo(name, scene)] as const),
  );
  const faults: string[] = [];
  const texts: string[] = [];
  instrumentD1().fail({ sql, how: "lost before", times: Infinity });
  for (const [name, request] of requests) {
    if (request === null) continue;
    const [{ path, init }, declared] = request;
    forgetSettings();
    const response = await send(path, init);
    const text = await response.text();
    texts.push(text);
    const { status, headers } = response;
    const heard = { method: init.method ?? "GET", status, headers, text };
    // What only reads goes on while it is the writes that fail; news of refunds only asks WeChat.
    const isWell =
      /"code":0|"(id|items|ok|more|redelivered)":|SUCCESS|not confirmed yet|not_found/.test(text);
    if (sql.source !== "." && (isWell || status === 204)) continue;
    faults.push(...faultsOf(heard, declared).map((fault) => `${name}: ${fault}`));
  }
  expect(faults).toEqual([]);
  const secrets = new Map([...scene.secrets, ...scene.openIds, ...Object.entries(GIVEN)]);
  const search = new LeakSearch(secrets);
  expect(search.in(texts.join("\n"))).toEqual([]);
  expect(search.in(scene.world.logged.join("\n"))).toEqual([]);
});
