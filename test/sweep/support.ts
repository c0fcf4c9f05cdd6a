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
import { objectOf, type Made } from "../support/life.ts";
import { db } from "../support/rows.ts";
import { openWorld, type World } from "../support/world.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let worlds = 0;

/**
 * A world in days of its own, at noon, so that no run comes past what other tests have left: all
 * earlier rows are behind the sweep.
 */
export async function openSweptWorld(): Promise<World> {
  const world = await openWorld();
  worlds += 1;
  vi.setSystemTime(START + worlds * 10 * DAY + 12 * HOUR);
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
  return world;
}

/** One run of the whole schedule. */
export async function runSchedule(): Promise<void> {
  await worker.scheduled(createScheduledController(), env);
}

/** One run of the sweep that looks at so many orders at most. */
export async function sweepAtMost(most: number): Promise<void> {
  const config = configOf(env);
  if (!config.ok) throw new Error(config.error.join());
  await sweep(openWork(env, config.value, newMeter(env)), most);
}

/** The order's object loses all that it has stored, and its alarm. */
export async function wipe(order: Pick<Made, "number">): Promise<void> {
  await runInDurableObject(objectOf(order), async (_object, state) => {
    await state.storage.deleteAlarm();
    await state.storage.deleteAll();
  });
  // In memory it would still believe in what it has stored.
  await abortAllDurableObjects();
}

/** What the sweep logged, run by run. */
export function sweeps({ logged }: World): unknown[] {
  return logged
    .filter((line) => line.includes('"event":"sweep"'))
    .map((line): unknown => JSON.parse(line));
}

/** How far one of the sweep's ways has come. */
export async function markOf(
  name: "sweep_order" | "sweep_new_order" | "sweep_failing" | "sweep_refund",
): Promise<number> {
  const mark = await findCursor(db, name);
  if (mark === null) throw new Error("there is no such mark");
  return mark.value;
}
