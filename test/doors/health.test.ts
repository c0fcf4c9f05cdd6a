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
const HEALTH_QUERY = /from "cursors"/;
/** The environment of a gateway outside development, with its own secrets. */
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
  // Expires the cached result of the test before.
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

/** An HMAC key of an app; its id. The secret is replaced by the test. */
async function insertRequestKeyRow(appId: number): Promise<unknown> {
  const row = await env.DB.prepare(
    `insert into request_keys (app_id, key_id, algorithm, secret_sealed, created_at)
      values (?, hex(randomblob(16)), 'hmac-sha256', 'k1.', 0) returning id`,
  )
    .bind(appId)
    .first();
  return row?.["id"];
}

const HEALTHY = { status: 200, body: { ok: true } };
const unhealthy = (...faults: string[]) => ({
  status: 503,
  body: { ok: false, faults: faults.map((fault) => expect.stringContaining(fault)) },
});

describe("GET /health", () => {
  test("answers 200 with ok only while all checks pass", async () => {
    const response = await exports.default.fetch("https://gateway.test/health");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{"ok":true}');
    expect(logLinesWith(scene.logged, { event: "unhealthy" })).toEqual([]);
  });

  test("takes one trip to D1 and writes nothing to D1 or an object", async () => {
    const { trips } = instrumentD1();
    expect(await health()).toEqual(HEALTHY);
    expect(trips).toHaveLength(1);
    expect(trips.flat().filter((sql) => !sql.startsWith("select"))).toEqual([]);
    const tables = await runInDurableObject(objectOf({ number: "health" }), async (_, state) => [
      ...state.storage.sql.exec("select name from sqlite_master"),
      ...state.storage.kv.list(),
    ]);
    expect(tables).toEqual([]);
  });

  test("I12: serves 50 concurrent requests with one trip to D1", async () => {
    const { trips } = instrumentD1();
    const answers = await Promise.all(Array.from({ length: 50 }, async () => await health()));
    expect(answers).toEqual(Array.from({ length: 50 }, () => HEALTHY));
    expect(trips).toHaveLength(1);
    vi.setSystemTime(Date.now() + 5_000);
    await health();
    expect(trips).toHaveLength(2);
  });

  test("answers 503 while D1 fails and caches that result too", async () => {
    instrumentD1().fail({ sql: HEALTH_QUERY, how: "lost before" });
    expect(await health()).toEqual(unhealthy("database"));
    expect(await health()).toEqual(unhealthy("database"));
    expect(logLinesWith(scene.logged, { event: "unhealthy" })).toMatchObject([
      {
        level: "error",
        faults: expect.stringContaining("database"),
        requestId: expect.any(String),
      },
    ]);
    vi.setSystemTime(Date.now() + 5_000);
    expect(await health()).toEqual(HEALTHY);
  });

  test("answers 503 while a table is missing", async () => {
    await env.DB.exec("alter table cursors rename to cursors_away");
    try {
      expect(await health()).toEqual(unhealthy("lacks a migration"));
    } finally {
      await env.DB.exec("alter table cursors_away rename to cursors");
    }
  });

  test("answers 503 within seconds while D1 stalls", async () => {
    const held = gate();
    const { fail, trips } = instrumentD1();
    fail({ sql: HEALTH_QUERY, how: "held before", gate: held.opened });
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    const { response, finished } = startRequest("/health");
    while (trips.length === 0) await Promise.resolve(objectOf({ number: "health" }).ping());
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await response).status).toBe(503);
    held.release();
    await finished;
  });

  test("answers 503 when stored secrets don't open under MASTER_KEY, without revealing it", async () => {
    await openShop();
    const MASTER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
    const found = await health({ ...env, MASTER_KEY });
    expect(found).toEqual(unhealthy("MASTER_KEY"));
    expect(JSON.stringify(found) + scene.logged.join()).not.toContain(MASTER_KEY);
  });

  test.for([
    ["merchants", "api_key_sealed"],
    ["merchants", "api_v3_key_sealed"],
    ["merchants", "merchant_private_key_sealed"],
    ["apps", "salt_sealed"],
    ["apps", "old_salt_sealed"],
    ["apps", "webhook_secret_sealed"],
    ["apps", "old_webhook_secret_sealed"],
    ["request_keys", "secret_sealed"],
  ] as const)(
    "answers 503 while a single %s.%s opens under neither key",
    async ([table, column]) => {
      const shop = await openShop();
      const [kept] = (await env.DB.prepare(`select max(id) as id from ${table}`).all()).results;
      const id = table === "request_keys" ? await insertRequestKeyRow(shop.appId) : kept?.["id"];
      const set = env.DB.prepare(`update ${table} set ${column} = ? where id = ?`);
      const before = await env.DB.prepare(`select ${column} from ${table} where id = ?`)
        .bind(id)
        .first<string>(column);
      const { trips } = instrumentD1();
      for (const sealed of [
        "k1.00000000.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB",
        "plain text",
        (before ?? "k1.").slice(0, 20),
      ]) {
        await set.bind(sealed, id).run();
        vi.setSystemTime(Date.now() + 5_001);
        const earlier = trips.length;
        expect(await health()).toEqual(unhealthy("opens under neither"));
        expect(trips).toHaveLength(earlier + 1);
      }
      await set.bind(before, id).run();
      await env.DB.exec("delete from request_keys");
      vi.setSystemTime(Date.now() + 5_001);
      expect(await health()).toEqual(HEALTHY);
    },
  );

  test("answers 200 while the previous key opens what MASTER_KEY doesn't", async () => {
    await openShop();
    const MASTER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
    const changing = { ...env, MASTER_KEY, MASTER_KEY_PREVIOUS: env.MASTER_KEY };
    expect(await health(changing)).toEqual(HEALTHY);
  });

  test("answers 503 while the orders' objects fail", async () => {
    const ORDER_OBJECT = new Proxy(env.ORDER_OBJECT, {
      get: () => () => {
        throw new Error("objects are away");
      },
    });
    expect(await health({ ...env, ORDER_OBJECT })).toEqual(unhealthy("objects"));
    expect(logLinesWith(scene.logged, { event: "health_check_failed" })).toMatchObject([
      { part: "objects", error: "Error: objects are away" },
    ]);
  });

  test("names every failed check", async () => {
    instrumentD1().fail({ sql: HEALTH_QUERY, how: "lost before" });
    const ORDER_OBJECT = new Proxy(env.ORDER_OBJECT, {
      get: () => () => {
        throw new Error("objects are away");
      },
    });
    expect(await health({ ...env, ORDER_OBJECT })).toEqual(unhealthy("database", "objects"));
  });
});

describe("GET /health, the schedule's heartbeat", () => {
  test("answers 503 when the schedule hasn't run for over an hour", async () => {
    await runSchedule();
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect(await health(PRODUCTION)).toEqual(HEALTHY);
    vi.setSystemTime(Date.now() + 5_001);
    expect(await health(PRODUCTION)).toEqual(unhealthy("schedule"));
    await runSchedule();
    vi.setSystemTime(Date.now() + 5_000);
    expect(await health(PRODUCTION)).toEqual(HEALTHY);
  });

  test("ignores a missing heartbeat before the first run and in development", async () => {
    expect(await health(PRODUCTION)).toEqual(HEALTHY);
    await runSchedule();
    vi.setSystemTime(Date.now() + 2 * HOUR_MS);
    expect(await health()).toEqual(HEALTHY);
  });

  test("has a heartbeat even if a job throws", async () => {
    instrumentD1().fail({ sql: /from "merchants"/, how: "lost before" });
    await runSchedule();
    expect(scene.logged.join()).toContain("job_failed");
    const [cursor] = (
      await env.DB.prepare("select value from cursors where name = 'schedule'").all()
    ).results;
    expect(cursor).toEqual({ value: Date.now() });
  });
});
