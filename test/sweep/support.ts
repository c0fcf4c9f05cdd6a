import {
  abortAllDurableObjects,
  createScheduledController,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { configOf } from "../../src/config.ts";
import { findCursor, saveCursor } from "../../src/db/cursors.ts";
import worker from "../../src/index.ts";
import type { EnsuredTimers } from "../../src/orders/ensure-timers.ts";
import { SCANS, type Scan } from "../../src/sweep/scans.ts";
import { sweep } from "../../src/sweep/sweep.ts";
import { newMeter } from "../../src/observability/request-meter.ts";
import { openWork } from "../../src/settings/work-context.ts";
import { START } from "../support/clock.ts";
import { objectOf, type OrderRef } from "../support/scenario.ts";
import { db } from "../support/rows.ts";
import { openScene, type Scene } from "../support/scene.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The scans whose cursors are times of the rows' last changes. */
const BY_TIME = [
  "sweep_refund",
  "sweep_new_refund",
  "sweep_failing",
  "sweep_failing_refund",
  "sweep_failing_close",
] as const;

let scenes = 0;

/**
 * A scene at noon of days of its own, with all cursors behind the earlier rows and no call planned
 * in them, so that no sweep reads rows of other tests.
 */
export async function openSweepScene(): Promise<Scene> {
  const scene = await openScene();
  scenes += 1;
  vi.setSystemTime(START + scenes * 10 * DAY + 12 * HOUR);
  const row = await env.DB.prepare("select coalesce(max(id), 0) + 1 as next from orders").first<{
    next: number;
  }>();
  const next = row?.next ?? 1;
  for (const name of ["sweep_order", "sweep_new_order"] as const) {
    await saveCursor(db, name, next, Date.now());
  }
  for (const name of BY_TIME) await saveCursor(db, name, Date.now(), Date.now());
  for (const table of ["orders", "refunds"]) {
    await env.DB.prepare(`update ${table} set next_call_at = null`).run();
  }
  return scene;
}

/** Runs the whole schedule once. */
export async function runSchedule(): Promise<void> {
  await worker.scheduled(createScheduledController(), env);
}

/** Runs the sweep once, each scan with this share alone. */
export async function runSweep(shares: Partial<Record<Scan["name"], number>>): Promise<void> {
  const config = configOf(env);
  if (!config.ok) throw new Error(config.error.join());
  const scans = SCANS.map(({ name, list, ageMs, restarts }) => {
    return { name, list, ageMs, restarts, share: shares[name] ?? 0 };
  });
  await sweep(openWork(env, config.value, newMeter(env)), scans);
}

/**
 * Answers for the objects of all orders but these, as if they had all their timers: thousands of
 * objects need more open files than a test has. Returns the orders visited from now on.
 */
export function stubOtherObjects(kept: readonly Pick<OrderRef, "number">[]): string[] {
  const numbers = new Set(kept.map(({ number }) => number));
  const real = env.ORDER_OBJECT.getByName.bind(env.ORDER_OBJECT);
  const complete: EnsuredTimers = { kind: "complete", armed: 0, incidents: 0, woken: false };
  const visits: string[] = [];
  vi.spyOn(env.ORDER_OBJECT, "getByName").mockImplementation((name) => {
    visits.push(name);
    const object = real(name);
    return numbers.has(name)
      ? object
      : Object.assign(Object.create(object), { ensureTimers: async () => complete });
  });
  return visits;
}

/** Deletes all that the order's object has stored, and its alarm. */
export async function wipeStorage(order: Pick<OrderRef, "number">): Promise<void> {
  await runInDurableObject(objectOf(order), async (_object, state) => {
    await state.storage.deleteAlarm();
    await state.storage.deleteAll();
  });
  // The object still has its timers in memory.
  await abortAllDurableObjects();
}

/** The sweep's log lines, one per run. */
export function sweepLogs({ logged }: Scene): unknown[] {
  return logged
    .filter((line) => line.includes('"event":"sweep"'))
    .map((line): unknown => JSON.parse(line));
}

/** The value of one of the sweep's cursors. */
export async function cursorOf(name: Scan["name"]): Promise<number> {
  const cursor = await findCursor(db, name);
  if (cursor === null) throw new Error("there is no such cursor");
  return cursor.value;
}
