import { createScheduledController, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { gate, START } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { startRequest, send } from "../support/gateway.ts";
import { objectOf } from "../support/scenario.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const HOUR_MS = 3600_000;
const SIGNS = /from "cursors"/;
/** Of a gateway outside development, whose secrets aren't development's. */
const PRODUCTION: Env = {
  ...env,
  ENVIRONMENT: "production",
  ADMIN_TOKEN: "a-token-that-nobody-guesses",
};

let scene: Scene;
let tests = 0;

beforeEach(async () => {
  scene = await openScene();
  await env.DB.exec("delete from cursors");
  // What the test before found isn't good for this one.
  tests += 1;
  vi.setSystemTime(START + tests * 24 * HOUR_MS);
});

afterEach(closeScene);

async function health(bindings: Env = env) {
  const response = await send("/health", {}, bindings);
  return { status: response.status, body: await response.json() };
}

async function runSchedule(): Promise<void> {
  await worker.scheduled(createScheduledController(), env);
}

const WELL = { status: 200, body: { ok: true } };
const ill = (...faults: string[]) => ({
  status: 503,
  body: { ok: false, faults: faults.map((fault) => expect.stringContaining(fault)) },
});

describe("/health", () => {
  test("is 200 and nothing more while all is well", async () => {
    const response = await exports.default.fetch("https://gateway.test/health");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{"ok":true}');
    expect(logLinesWith(scene.logged, { event: "unhealthy" })).toEqual([]);
  });

  test("takes one trip to D1 and stores nothing, in D1 or in an object", async () => {
    const { trips } = instrumentD1();
    expect(await health()).toEqual(WELL);
    expect(trips).toHaveLength(1);
    expect(trips.flat().filter((sql) => !sql.startsWith("select"))).toEqual([]);
    const tables = await runInDurableObject(objectOf({ number: "health" }), async (_, state) => [
      ...state.storage.sql.exec("select name from sqlite_master"),
      ...state.storage.kv.list(),
    ]);
    expect(tables).toEqual([]);
  });

  test("costs a flood of those who ask no more than one", async () => {
    const { trips } = instrumentD1();
    const answers = await Promise.all(Array.from({ length: 50 }, async () => await health()));
    expect(answers).toEqual(Array.from({ length: 50 }, () => WELL));
    expect(trips).toHaveLength(1);
    vi.setSystemTime(Date.now() + 5_000);
    await health();
    expect(trips).toHaveLength(2);
  });

  test("is 503 while D1 doesn't answer, remembered like the rest", async () => {
    instrumentD1().fail({ sql: SIGNS, how: "lost before" });
    expect(await health()).toEqual(ill("database"));
    expect(await health()).toEqual(ill("database"));
    expect(logLinesWith(scene.logged, { event: "unhealthy" })).toMatchObject([
      {
        level: "error",
        faults: expect.stringContaining("database"),
        requestId: expect.any(String),
      },
    ]);
    vi.setSystemTime(Date.now() + 5_000);
    expect(await health()).toEqual(WELL);
  });

  test("is 503 while a table is missing", async () => {
    await env.DB.exec("alter table cursors rename to cursors_away");
    try {
      expect(await health()).toEqual(ill("lacks a migration"));
    } finally {
      await env.DB.exec("alter table cursors_away rename to cursors");
    }
  });

  test("is 503 within seconds while D1 stalls", async () => {
    const held = gate();
    const { fail, trips } = instrumentD1();
    fail({ sql: SIGNS, how: "held before", gate: held.opened });
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    const { response, finished } = startRequest("/health");
    while (trips.length === 0) await Promise.resolve(objectOf({ number: "health" }).ping());
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await response).status).toBe(503);
    held.release();
    await finished;
  });

  test("is 503 when the stored secrets don't open under the master key, and doesn't show it", async () => {
    await openShop();
    const MASTER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
    const found = await health({ ...env, MASTER_KEY });
    expect(found).toEqual(ill("MASTER_KEY"));
    expect(JSON.stringify(found) + scene.logged.join()).not.toContain(MASTER_KEY);
  });

  test("is 503 while the orders' objects don't answer", async () => {
    const ORDER_OBJECT = new Proxy(env.ORDER_OBJECT, {
      get: () => () => {
        throw new Error("objects are away");
      },
    });
    expect(await health({ ...env, ORDER_OBJECT })).toEqual(ill("objects"));
    expect(logLinesWith(scene.logged, { event: "health_check_failed" })).toMatchObject([
      { part: "objects", error: "Error: objects are away" },
    ]);
  });

  test("names all that is amiss", async () => {
    instrumentD1().fail({ sql: SIGNS, how: "lost before" });
    const ORDER_OBJECT = new Proxy(env.ORDER_OBJECT, {
      get: () => () => {
        throw new Error("objects are away");
      },
    });
    expect(await health({ ...env, ORDER_OBJECT })).toEqual(ill("database", "objects"));
  });
});

describe("the schedule's heartbeat", () => {
  test("beats with each run, and /health misses it after an hour", async () => {
    await runSchedule();
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect(await health(PRODUCTION)).toEqual(WELL);
    vi.setSystemTime(Date.now() + 5_001);
    expect(await health(PRODUCTION)).toEqual(ill("schedule"));
    await runSchedule();
    vi.setSystemTime(Date.now() + 5_000);
    expect(await health(PRODUCTION)).toEqual(WELL);
  });

  test("isn't missed before the first run, nor in development", async () => {
    expect(await health(PRODUCTION)).toEqual(WELL);
    await runSchedule();
    vi.setSystemTime(Date.now() + 2 * HOUR_MS);
    expect(await health()).toEqual(WELL);
  });

  test("beats though a job throws", async () => {
    instrumentD1().fail({ sql: /from "merchants"/, how: "lost before" });
    await runSchedule();
    expect(scene.logged.join()).toContain("job_failed");
    const [mark] = (await env.DB.prepare("select value from cursors where name = 'schedule'").all())
      .results;
    expect(mark).toEqual({ value: Date.now() });
  });
});
