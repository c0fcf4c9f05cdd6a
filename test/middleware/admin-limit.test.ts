import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { instrumentD1 } from "../support/d1.ts";
import { send } from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

const WRONG = "Bearer a-guess";
const RIGHT = `Bearer ${env.ADMIN_TOKEN}`;

async function statusOf(address: string, authorization: string, bindings: Env): Promise<number> {
  const headers = { "cf-connecting-ip": address, authorization };
  return (await send("/admin/apps", { headers }, bindings)).status;
}

describe("I12: wrong admin tokens", () => {
  test("beyond the limit get 429 with Retry-After, without a trip to D1", async () => {
    const { logged } = await openScene();
    const { bindings } = bindingsWithLimits({ admin: 2 });
    const { trips } = instrumentD1();
    const statuses = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      statuses.push(await statusOf("203.0.113.1", WRONG, bindings));
    }
    expect(statuses).toEqual([401, 401, 429, 429]);
    const dataPoints = recordDataPoints();
    const headers = { "cf-connecting-ip": "203.0.113.1" };
    const refused = await send("/admin/merchants", { method: "POST", headers }, bindings);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.headers.get("cache-control")).toBe("no-store");
    expect(await refused.json()).toEqual({
      error: {
        code: "too_many_requests",
        message: "Too many requests without the ADMIN_TOKEN from this address.",
        fields: [],
      },
    });
    expect(trips).toEqual([]);
    expect(dataPoints).toMatchObject([
      { kind: "unverified", subject: "admin" },
      { kind: "limited", subject: "admin" },
      { kind: "request", outcome: "429" },
    ]);
    const requestId = refused.headers.get("x-request-id");
    expect(logLinesWith(logged, { event: "request", requestId })).toMatchObject([
      { limited: "admin", status: 429 },
    ]);
  });

  test("don't keep the right token out, from the same address or another", async () => {
    await openScene();
    const { bindings, keys } = bindingsWithLimits({ admin: 0 });
    expect(await statusOf("203.0.113.2", WRONG, bindings)).toBe(429);
    keys.length = 0;
    expect(await statusOf("203.0.113.3", RIGHT, bindings)).toBe(200);
    expect(await statusOf("203.0.113.2", RIGHT, bindings)).toBe(200);
    expect(keys).toEqual([]);
  });

  test("are counted by address: a /64 in IPv6, an IPv4 address in any spelling", async () => {
    await openScene();
    const { bindings } = bindingsWithLimits({ admin: 1 });
    const statuses = [];
    for (const address of [
      "2001:db8:1:2::1",
      "2001:db8:1:2:ffff::2",
      "2001:db8:1:3::1",
      "203.0.113.4",
      "::ffff:203.0.113.4",
      "203.0.113.5",
    ]) {
      statuses.push(await statusOf(address, WRONG, bindings));
    }
    expect(statuses).toEqual([401, 429, 401, 401, 429, 401]);
  });

  test("are limited after the first hundred in a minute, as wrangler.toml says", async () => {
    await openScene();
    const statuses: number[] = [];
    // The limiter's minute may end in between, and a new one begin.
    while (!statuses.includes(429) && statuses.length < 201) {
      statuses.push(await statusOf("203.0.113.6", WRONG, env));
    }
    expect(statuses.slice(0, 100)).toEqual(Array(100).fill(401));
    expect(statuses.at(-1)).toBe(429);
  });
});
