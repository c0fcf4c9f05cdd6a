import { afterEach, describe, expect, test } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import { advance } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { send } from "../support/gateway.ts";
import { closeScene } from "../support/scene.ts";
import { CANARIES } from "./support/canaries.ts";
import type { OutgoingRequest } from "./support/case.ts";
import { problemsOf, type ExpectedAnswer } from "./support/expected-answers.ts";
import { LeakSearch } from "./support/leaks.ts";
import { operatorRequest } from "./support/operator-request.ts";
import { pathOf, routeNames, ROUTES, type Route, type RouteName } from "./support/routes.ts";
import { formTo, validForm } from "./support/signing.ts";
import { setUpTarget, type Target } from "./support/target.ts";

afterEach(closeScene);

/** A valid request and its answer while D1 fails; null for a route that D1 doesn't affect. */
async function requestTo(
  name: RouteName,
  target: Target,
): Promise<readonly [OutgoingRequest, ExpectedAnswer] | null> {
  const route: Route = ROUTES[name];
  switch (route.kind) {
    case "app":
      return [
        formTo(name, target, validForm(route, target, { openId: CANARIES.openId })),
        "app 503",
      ];
    case "v2":
    case "v3": {
      const request = { path: pathOf(name, target), init: await route.genuine(target) };
      return [request, route.kind === "v2" ? "v2 try again" : "v3 try again"];
    }
    case "admin":
      return [operatorRequest(name, target), "admin 500"];
    case "other":
      return name === "GET /health" ? [{ path: "/health", init: {} }, "unhealthy"] : null;
  }
}

describe("I9: every route while D1 fails", () => {
  test.for([
    ["every trip to D1", /./],
    // Drizzle's message for a failed write contains the values.
    ["every write", /^(insert|update)/i],
  ] as const)("answers as documented and shows no secret when %s fails", async ([, sql]) => {
    const target = await setUpTarget();
    // The health check of the previous test is cached for a while.
    advance(60_000);
    const requests = await Promise.all(
      routeNames().map(async (name) => [name, await requestTo(name, target)] as const),
    );
    const problems: string[] = [];
    const texts: string[] = [];
    instrumentD1().fail({ sql, how: "lost before", times: Infinity });
    for (const [name, request] of requests) {
      if (request === null) continue;
      const [{ path, init }, expected] = request;
      forgetSettings();
      const response = await send(path, init);
      const text = await response.text();
      texts.push(text);
      const { status, headers } = response;
      const received = { method: init.method ?? "GET", status, headers, text };
      // Routes that only read, and refund notifications, which only query WeChat, need no write.
      const isSuccess =
        /"code":0|"(id|items|ok|more|redelivered)":|SUCCESS|not confirmed yet|not_found|^\uFEFF?id,|No salt is staged/.test(
          text,
        );
      if (sql.source !== "." && (isSuccess || status === 204)) continue;
      problems.push(...problemsOf(received, expected).map((problem) => `${name}: ${problem}`));
    }
    expect(problems).toEqual([]);
    const secrets = new Map([...target.secrets, ...target.openIds, ...Object.entries(CANARIES)]);
    const search = new LeakSearch(secrets);
    expect(search.findIn(texts.join("\n"))).toEqual([]);
    expect(search.findIn(target.scene.logged.join("\n"))).toEqual([]);
  });
});
