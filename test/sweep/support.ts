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
import { sweep } from "../../src/sweep/sweep.ts";
import { newMeter } from "../../src/observability/request-meter.ts";
import { openWork } from "../../src/settings/work-context.ts";
import { START } from "../support/clock.ts";
import { objectOf, type OrderRef } from "../support/scenario.ts";
import { db } from "../support/rows.ts";
import { openScene, type Scene } from "../support/scene.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let scenes = 0;

/**
 * A scene at noon of days of its own, with all cursors behind the earlier rows, so that no sweep
 * reads rows of other tests.
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
  for (const name of ["sweep_failing", "sweep_refund"] as const) {
    await saveCursor(db, name, Date.now(), Date.now());
  }
  return scene;
}

/** Runs the whole schedule once. */
export async function runSchedule(): Promise<void> {
  await worker.scheduled(createScheduledController(), env);
}

/** Runs the sweep once, with at most `max` orders. */
export async function runSweep(max: number): Promise<void> {
  const config = configOf(env);
  if (!config.ok) throw new Error(config.error.join());
  await sweep(openWork(env, config.value, newMeter(env)), max);
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
export async function cursorOf(
  name: "sweep_order" | "sweep_new_order" | "sweep_failing" | "sweep_refund",
): Promise<number> {
  const cursor = await findCursor(db, name);
  if (cursor === null) throw new Error("there is no such cursor");
  return cursor.value;
}
