import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { appResponse } from "../support/app-receiver.ts";
import { advance } from "../support/clock.ts";
import { copyOrder, copyRefund } from "../support/copies.ts";
import {
  makeOrder,
  makePaidOrder,
  refundOf,
  requestRefund,
  runDueTimers,
  runNextTimer,
  timersOf,
  type OrderRef,
} from "../support/scenario.ts";
import { closeScene, type Scene } from "../support/scene.ts";
import { openSibling } from "../support/shop.ts";
import {
  DAY,
  HOUR,
  MINUTE,
  openSweepScene,
  runSchedule,
  runSweep,
  stubOtherObjects,
  wipeStorage,
} from "./support.ts";

afterEach(closeScene);

const MASS = 10_000;
const RETRY_LATER = appResponse("later", { status: 503, headers: { "retry-after": "21600" } });

/** The same scene, with another app of the merchant. */
async function openOtherApp(scene: Scene): Promise<Scene> {
  return { ...scene, shop: await openSibling(scene.shop) };
}

async function failedOnce(scene: Scene, response = RETRY_LATER): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  scene.app.respondWith(response);
  await runNextTimer(order, "deliver-payment");
  return order;
}

async function acceptedRefund(scene: Scene): Promise<OrderRef> {
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  return order;
}

async function refundedAs(
  scene: Scene,
  status: "SUCCESS" | "CHANGE",
  response = RETRY_LATER,
): Promise<OrderRef> {
  const order = await acceptedRefund(scene);
  scene.wechat.refund((await refundOf(order)).number).status = status;
  await runNextTimer(order, "poll-refund");
  scene.app.respondWith(response);
  await runDueTimers(order);
  return order;
}

/** One order of each kind of timer, none of which its object has any more. */
async function loseTimers(scene: Scene): Promise<Record<string, OrderRef>> {
  const lost = {
    "deliver-payment": await failedOnce(scene, appResponse("no")),
    "deliver-refund": await refundedAs(scene, "SUCCESS", appResponse("no")),
    "poll-refund": await acceptedRefund(scene),
    "poll-payment": await makeOrder(scene),
  };
  for (const order of Object.values(lost)) await wipeStorage(order);
  return lost;
}

async function restoredKinds(lost: Record<string, OrderRef>): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(lost).map(async ([kind, order]) =>
      (await timersOf(order)).some((timer) => timer.kind === kind) ? [kind] : [],
    ),
  );
  return found.flat().toSorted();
}

/**
 * Runs the schedule every ten minutes (wrangler.toml) for a quarter of an hour, where the first run
 * is just too early for the newest order. Returns how many objects the last run called.
 */
async function runQuarterOfAnHour(lost: readonly OrderRef[]): Promise<number> {
  const visits = stubOtherObjects(lost);
  advance(2 * MINUTE);
  await runSchedule();
  advance(10 * MINUTE);
  visits.length = 0;
  await runSchedule();
  return visits.length;
}

const KINDS = ["deliver-payment", "deliver-refund", "poll-payment", "poll-refund"];

const now = () => Date.now();

/** The rows of one app that must not keep the sweep from another's lost timers. */
const MASSES: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  [
    "calls about payments that it put off",
    async (scene) => await copyOrder(await failedOnce(scene), MASS),
  ],
  [
    "calls about refunds that it put off",
    async (scene) => await copyRefund(await refundOf(await refundedAs(scene, "SUCCESS")), MASS),
  ],
  [
    "calls about payments that are overdue",
    async (scene) =>
      await copyOrder(await failedOnce(scene), MASS, { next_call_at: `${now() - HOUR} + i % 9` }),
  ],
  [
    "calls about refunds that are overdue",
    async (scene) =>
      await copyRefund(await refundOf(await refundedAs(scene, "SUCCESS")), MASS, {
        next_call_at: `${now() - HOUR}`,
      }),
  ],
  [
    "abnormal refunds",
    async (scene) => await copyRefund(await refundOf(await refundedAs(scene, "CHANGE")), MASS),
  ],
  [
    "old open refunds on a new day",
    async (scene) => {
      const refund = await refundOf(await acceptedRefund(scene));
      await copyRefund(refund, MASS, { updated_at: `${now() - 48 * HOUR} + i` });
      await env.DB.prepare("update cursors set updated_at = ? where name = 'sweep_refund'")
        .bind(now() - 24 * HOUR)
        .run();
    },
  ],
  ["new orders", async (scene) => await copyOrder(await makeOrder(scene), MASS)],
];

describe("I12: sweep, one app's mass of rows", () => {
  test.for(MASSES)(
    "10,000 %s don't keep it from another app's lost timers",
    { timeout: 120_000 },
    async ([, addMass]) => {
      const scene = await openSweepScene();
      await addMass(scene);
      const lost = await loseTimers(await openOtherApp(scene));
      expect(await runQuarterOfAnHour(Object.values(lost))).toBeLessThanOrEqual(4_000);
      expect(await restoredKinds(lost)).toEqual(KINDS);
    },
  );
});

/** Sets columns of the order's row and of its refunds' rows. */
async function setRows(
  { id }: Pick<OrderRef, "id">,
  changes: { readonly next_call_at?: number | null; readonly updated_at?: number },
): Promise<void> {
  const columns = Object.keys(changes).map((column) => `${column} = ?`);
  for (const target of ["orders set # where id = ?", "refunds set # where order_id = ?"]) {
    await env.DB.prepare(`update ${target.replace("#", columns.join(", "))}`)
      .bind(...Object.values(changes), id)
      .run();
  }
}

async function setCursor(name: string, value: number): Promise<void> {
  await env.DB.prepare("update cursors set value = ?, updated_at = ? where name = ?")
    .bind(value, now() - DAY, name)
    .run();
}

describe("I12: sweep, two apps in one scan", () => {
  test("finds the expired order of the one among 10,000 of the other", async () => {
    const scene = await openSweepScene();
    await copyOrder(await makeOrder(scene), MASS);
    const lost = await makeOrder(await openOtherApp(scene));
    advance(3 * HOUR);
    await wipeStorage(lost);
    stubOtherObjects([lost]);
    await runSweep({ sweep_order: 400 });
    expect(await timersOf(lost)).toMatchObject([{ kind: "poll-payment" }]);
  });

  test("finds the old open refund of the one among 10,000 of the other", async () => {
    const scene = await openSweepScene();
    const past = now() - 2 * DAY;
    const refund = await refundOf(await acceptedRefund(scene));
    await copyRefund(refund, MASS, { updated_at: `${past} + i` });
    const lost = await acceptedRefund(await openOtherApp(scene));
    await setRows(lost, { updated_at: past + 2 * MASS });
    await setCursor("sweep_refund", now());
    await wipeStorage(lost);
    stubOtherObjects([lost]);
    await runSweep({ sweep_refund: 200 });
    expect(await timersOf(lost)).toMatchObject([{ kind: "poll-refund" }]);
  });

  test.for(["sweep_failing", "sweep_failing_refund"] as const)(
    "finds what no call is planned for among 10,000 of the other (%s)",
    async (name) => {
      const scene = await openSweepScene();
      const past = now() - 8 * HOUR;
      const fail = async (app: Scene) =>
        name === "sweep_failing" ? await failedOnce(app) : await refundedAs(app, "SUCCESS");
      const changes = { next_call_at: "null", updated_at: `${past} + i` };
      const first = await fail(scene);
      if (name === "sweep_failing") await copyOrder(first, MASS, changes);
      else await copyRefund(await refundOf(first), MASS, changes);
      // As a row from before plans were stored.
      const lost = await fail(await openOtherApp(scene));
      await setRows(lost, { next_call_at: null, updated_at: past + 2 * MASS });
      await setCursor(name, past - 1);
      await wipeStorage(lost);
      stubOtherObjects([lost]);
      await runSweep({ [name]: 50 });
      expect(await timersOf(lost)).toMatchObject([{ attempt: 1 }]);
    },
  );
});

describe("sweep, more rows than its share", () => {
  test("reaches each order of both apps in the end, and starts over with overdue calls", async () => {
    const scene = await openSweepScene();
    const other = await openOtherApp(scene);
    // All at one time: a place in the list is more than a time.
    const [order, another] = [await failedOnce(scene), await failedOnce(other)];
    for (const { id } of [order, another]) {
      await setRows({ id }, { next_call_at: now() - HOUR });
    }
    await copyOrder(order, 16);
    await copyOrder(another, 3);
    const visits = stubOtherObjects([]);
    const run = async () => {
      visits.length = 0;
      await runSweep({ sweep_call: 8 });
      return [...visits];
    };
    const rounds: string[][] = [];
    for (let round = 0; round < 6; round += 1) rounds.push(await run());
    // Four of each app, while there are as many: 17 of the one, 4 of the other.
    expect(rounds.map(({ length }) => length)).toEqual([8, 8, 8, 8, 5, 8]);
    expect(rounds[5]).toEqual(rounds[0]);
    const found = await env.DB.prepare("select number from orders where app_id in (?, ?)")
      .bind(scene.shop.appId, other.shop.appId)
      .all<{ number: string }>();
    const numbers = found.results.map(({ number }) => number);
    expect(numbers).toHaveLength(21);
    expect([...new Set(rounds.flat())].toSorted()).toEqual(numbers.toSorted());
  });

  test("reaches each new order of a flood, and each other app's in the first run", async () => {
    const scene = await openSweepScene();
    await copyOrder(await makeOrder(scene), 19);
    const other = await makeOrder(await openOtherApp(scene));
    await copyOrder(await makeOrder(scene), 4);
    advance(3 * MINUTE);
    const visits = stubOtherObjects([]);
    const runs: string[][] = [];
    for (let run = 0; run < 5; run += 1) {
      visits.length = 0;
      await runSweep({ sweep_new_order: 6 });
      runs.push([...visits]);
    }
    expect(runs.map(({ length }) => length)).toEqual([6, 6, 6, 6, 2]);
    expect(runs[0]).toContain(other.number);
    expect(new Set(runs.flat()).size).toBe(26);
  });

  test("gives a scan what those before it have left", async () => {
    const scene = await openSweepScene();
    const order = await failedOnce(scene);
    await setRows(order, { next_call_at: now() - HOUR });
    await copyOrder(order, 9);
    const visits = stubOtherObjects([]);
    await runSweep({ sweep_new_order: 5, sweep_call: 2 });
    expect(visits).toHaveLength(7);
  });
});
