import { createScheduledController, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { reconciliationObject } from "../../src/reconciliation/schedule.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";
import {
  beijing,
  DAY,
  reconciliationOf,
  serveBills,
  READY_AT,
  runDay,
  runSteps,
  showAll,
  showOnly,
  startDay,
} from "./support.ts";

afterEach(async () => {
  closeScene();
  await showAll();
});

const MINUTE_MS = 60_000;

async function runScheduleAt(at: number): Promise<void> {
  vi.setSystemTime(at);
  await worker.scheduled(createScheduledController(), env);
}

/** The merchants' reconciliation rows, as `merchant:day`. */
async function daysOf(...merchantIds: number[]): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "select merchant_id, day from reconciliations order by id",
  ).all<{ merchant_id: number; day: string }>();
  return results
    .filter(({ merchant_id: id }) => merchantIds.includes(id))
    .map(({ merchant_id: id, day }) => `${id}:${day}`);
}

test("reconciliation schedule starts yesterday at 10:30, once per merchant with an app", async () => {
  const { shop } = await openScene();
  const other = await openShop();
  const appless = await openShop();
  await env.DB.prepare("delete from apps where merchant_id = ?").bind(appless.merchantId).run();
  const ids = [shop.merchantId, other.merchantId, appless.merchantId] as const;
  await showOnly(shop, other, appless);
  await runScheduleAt(READY_AT - 1);
  expect(await daysOf(...ids)).toEqual([]);
  await runScheduleAt(READY_AT);
  await runScheduleAt(READY_AT + 10 * MINUTE_MS);
  expect(await daysOf(...ids)).toEqual([`${ids[0]}:${DAY}`, `${ids[1]}:${DAY}`]);
});

test("reconciliation schedule starts missed days of the last week, latest first", async () => {
  const { shop } = await openScene();
  await showOnly(shop);
  await runScheduleAt(beijing("2040-01-12T11:00:00"));
  const days = Array.from({ length: 7 }, (_, back) => String(11 - back).padStart(2, "0"));
  expect(await daysOf(shop.merchantId)).toEqual(
    days.map((day) => `${shop.merchantId}:2040-01-${day}`),
  );
});

test("reconciliation schedule starts no day before the merchant's registration", async () => {
  await openScene();
  vi.setSystemTime(beijing("2040-01-05T00:00:00"));
  const shop = await openShop();
  await showOnly(shop);
  await runScheduleAt(beijing("2040-01-06T12:00:00"));
  expect(await daysOf(shop.merchantId)).toEqual([`${shop.merchantId}:2040-01-05`]);
});

test("reconciliation schedule starts at most 20 days per run", async () => {
  await openScene();
  const shops = [await openShop(), await openShop(), await openShop(), await openShop()];
  const ids = shops.map(({ merchantId }) => merchantId);
  await showOnly(...shops);
  const at = beijing("2040-01-12T11:00:00");
  await runScheduleAt(at);
  expect(await daysOf(...ids)).toHaveLength(20);
  await runScheduleAt(at);
  expect(await daysOf(...ids)).toHaveLength(28);
});

test("reconciliation schedule restores a lost alarm after 30 minutes without progress", async () => {
  const scene = await openScene();
  serveBills(scene);
  await showOnly(scene.shop);
  vi.setSystemTime(READY_AT);
  await startDay(scene.shop);
  const stub = reconciliationObject(env, { merchantId: scene.shop.merchantId, day: DAY });
  await runInDurableObject(stub, async (_object, { storage }) => await storage.deleteAlarm());
  await runScheduleAt(READY_AT + 30 * MINUTE_MS - 1);
  expect(await runSteps(scene.shop)).toBe(0);
  await runScheduleAt(READY_AT + 30 * MINUTE_MS);
  expect(await runSteps(scene.shop)).toBeGreaterThan(0);
  expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done" });
});

test("reconciliation schedule reruns a day that was run by hand before its bill was complete", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  await showOnly(scene.shop);
  vi.setSystemTime(beijing("2040-01-01T15:00:00"));
  await runDay(scene.shop);
  expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done" });
  await runScheduleAt(READY_AT - 1);
  expect(await runSteps(scene.shop)).toBe(0);
  await runScheduleAt(READY_AT);
  await runSteps(scene.shop);
  expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done", startedAt: READY_AT });
  expect(bills.requestedDays.filter((day) => day === DAY)).toHaveLength(2);
  await runScheduleAt(READY_AT + 10 * MINUTE_MS);
  expect(await runSteps(scene.shop)).toBe(0);
});

test("reconciliation schedule restarts a running day whose row was lost", async () => {
  const scene = await openScene();
  serveBills(scene);
  await showOnly(scene.shop);
  vi.setSystemTime(READY_AT);
  await startDay(scene.shop);
  await env.DB.prepare("delete from reconciliations where merchant_id = ?")
    .bind(scene.shop.merchantId)
    .run();
  await runScheduleAt(READY_AT + 10 * MINUTE_MS);
  await runSteps(scene.shop);
  expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "done" });
});
