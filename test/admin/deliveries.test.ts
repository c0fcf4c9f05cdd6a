import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { START } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { says } from "../support/fake-app.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  refund,
  refundOf,
  refundsOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  type Made,
} from "../support/life.ts";
import { notifyRefund } from "../support/notices.ts";
import { openSibling } from "../support/shop.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { insertRefund } from "../../src/db/refunds.ts";
import { db } from "../support/rows.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";
import { ask, faults, fieldsOf } from "./support.ts";

const DAY = 24 * 3_600_000;
const PATH = "/admin/deliveries/redeliver";

let worlds = 0;

afterEach(closeWorld);

/** A world in days of its own: what other tests have left was last called before them. */
async function openLaterWorld(): Promise<World> {
  const world = await openWorld();
  worlds += 1;
  vi.setSystemTime(START + worlds * 10 * DAY);
  return world;
}

/** A paid order whose app has failed to confirm so many calls. */
async function failingOrder(world: World, calls = 3): Promise<Made> {
  const made = await makePaidOrder(world);
  world.app.reply(...Array.from({ length: calls }, () => says("fail")));
  for (let call = 0; call < calls; call += 1) await runNext(made, "deliver-payment");
  return made;
}

/** An order whose app knows of the payment and fails to confirm the refund. */
async function failingRefund(world: World): Promise<Made> {
  const made = await makePaidOrder(world);
  await runDue(made);
  await refund(world, made);
  const { number } = await refundOf(made);
  world.wechat.refund(number).status = "SUCCESS";
  const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
  await notifyRefund(world.shop, news);
  world.app.reply(says("fail"));
  await runNext(made, "deliver-refund");
  return made;
}

async function redeliver(body: object): Promise<Record<string, unknown>> {
  const answer = await ask("POST", PATH, { body });
  expect(answer.status).toBe(202);
  return fieldsOf(answer);
}

/** How many a request begins anew. */
async function count(body: object): Promise<unknown> {
  return (await redeliver(body))["redelivered"];
}

describe("redelivery of all that fail", () => {
  test("begins payments' and refunds' schedules anew, a little apart, and no others'", async () => {
    const world = await openLaterWorld();
    const since = Date.now();
    const told = await makePaidOrder(world);
    await runDue(told);
    const waiting = await makeOrder(world);
    const paid = await failingOrder(world);
    const refunded = await failingRefund(world);
    expect(await redeliver({ since })).toEqual({ redelivered: 2, failed: 0, nextCursor: null });
    const begun = [
      [paid, "deliver-payment"],
      [refunded, "deliver-refund"],
    ] as const;
    for (const [made, kind] of begun) {
      const timer = await timerOf(made, kind);
      expect(timer?.attempt).toBe(0);
      expect(timer?.dueAt).toBeGreaterThanOrEqual(Date.now());
      expect(timer?.dueAt).toBeLessThan(Date.now() + 60_000);
    }
    for (const [made, kind] of begun) await runNext(made, kind);
    expect((await rowOf(paid)).payNotifyState).toBe("confirmed");
    expect((await refundOf(refunded)).notifyState).toBe("confirmed");
    for (const made of [told, waiting])
      expect(await timerOf(made, "deliver-payment")).toBeUndefined();
    expect(await redeliver({ since })).toMatchObject({ redelivered: 0 });
  });

  test("takes those that were last called since then, of one app or one kind where it says so", async () => {
    const world = await openLaterWorld();
    const before = Date.now();
    await failingOrder(world);
    vi.setSystemTime(Date.now() + 1000);
    const since = Date.now();
    const late = await failingOrder(world, 1);
    await failingRefund(world);
    const sibling = await openSibling(world.shop);
    await failingOrder({ ...world, shop: sibling }, 1);
    expect((await rowOf(late)).updatedAt).toBe(since);
    expect(await count({ since: before })).toBe(4);
    expect(await count({ since })).toBe(3);
    expect(await count({ since, event: "pay" })).toBe(2);
    expect(await count({ since, event: "refund" })).toBe(1);
    expect(await count({ since, appId: world.shop.appId })).toBe(2);
    expect(await count({ since, appId: sibling.appId })).toBe(1);
    expect(await count({ since: since + 1 })).toBe(0);
  });

  test("goes on with the cursor where many fail, each once, though they are called meanwhile", async () => {
    const world = await openLaterWorld();
    const since = Date.now();
    const made = await failingOrder(world, 1);
    const refunded = await failingRefund(world);
    // Copies of its row, all last called at one time; their objects find the same order of none.
    await env.DB.prepare(
      `insert into orders select null, lower(hex(randomblob(16))), app_id, merchant_id, user_id,
         protocol, sign_type, wechat_app_id, null, desc, total_fen, tag, attach, client_ip,
         notify_url, pay_state, transaction_id || '-' || i, paid_at, pay_notify_state, pay_notify_number,
         expires_at, created_at, updated_at, null
       from orders, (with recursive n(i) as (select 1 union all select i + 1 from n where i < 399) select i from n)
       where number = ?`,
    )
      .bind(made.number)
      .run();
    const first = await redeliver({ since });
    expect(first).toMatchObject({ redelivered: 200, failed: 0 });
    await env.DB.prepare(
      "update orders set updated_at = updated_at + 60000 where id in (select id from orders where app_id = ? order by id desc limit 50)",
    )
      .bind(world.shop.appId)
      .run();
    const second = await redeliver({ since, cursor: first["nextCursor"] });
    expect(second).toMatchObject({ redelivered: 200, failed: 0 });
    expect(await timerOf(refunded, "deliver-refund")).toMatchObject({ attempt: 1 });
    const third = await redeliver({ since, cursor: second["nextCursor"] });
    expect(third).toEqual({ redelivered: 1, failed: 0, nextCursor: null });
    expect(await timerOf(refunded, "deliver-refund")).toMatchObject({ attempt: 0 });
    expect(await timerOf(made, "deliver-payment")).toMatchObject({ attempt: 0 });
  });

  test("says how many could not be begun, and goes on with the others", async () => {
    const world = await openLaterWorld();
    const since = Date.now();
    await failingOrder(world, 1);
    await failingOrder(world, 1);
    watchD1().fail({ sql: /select id from orders where number/, how: "lost before" });
    expect(await redeliver({ since })).toMatchObject({ redelivered: 1, failed: 1 });
  });

  test.for([
    [{}, "since"],
    [{ since: -1 }, "since"],
    [{ since: "yesterday" }, "since"],
    [{ since: 1, event: "all" }, "event"],
    [{ since: 1, appId: 0 }, "appId"],
    [{ since: 1, cursor: "pay.1" }, "cursor"],
    [{ since: 1, event: "pay", cursor: "refund.1.1" }, "cursor"],
    [{ since: 1, speed: 9 }, "speed"],
  ] as const)("with %j is refused", async ([body, path]) => {
    const answer = await ask("POST", PATH, { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(faults(answer))).toEqual([path]);
  });
});

describe("redelivery of one refund", () => {
  test("calls about that one, though it isn't the latest", async () => {
    const world = await openLaterWorld();
    const made = await makePaidOrder(world);
    await runDue(made);
    await refund(world, made);
    const { number: closed } = await refundOf(made);
    world.wechat.refund(closed).status = "REFUNDCLOSE";
    await runNext(made, "poll-refund");
    await runDue(made);
    vi.setSystemTime(Date.now() + 60_000);
    await refund(world, made);
    const [, open] = await refundsOf(made);
    if (open === undefined) throw new Error("no second refund");
    world.wechat.refund(open.number).status = "SUCCESS";
    await runNext(made, "poll-refund");
    await runDue(made);
    const path = `/admin/orders/${made.id}/redeliver`;
    const before = world.app.calls.length;
    const answer = await ask("POST", path, { body: { event: "refund", refundNo: closed } });
    expect(answer.status).toBe(202);
    await runDue(made);
    const told = world.app.calls.slice(before).map(({ parameters }) => parameters.get("refund_no"));
    expect(told).toEqual([closed]);
    expect(await objectOf(made).redeliver("refund")).toBe("armed");
    expect(await timerOf(made, "deliver-refund")).toMatchObject({ refundNo: open.number });
  });

  test("that isn't this order's is a 404, that has no outcome yet a 409, of a payment a 400", async () => {
    const world = await openLaterWorld();
    const made = await makePaidOrder(world);
    const other = await failingRefund(world);
    const path = `/admin/orders/${made.id}/redeliver`;
    const asked = async (body: object) => await ask("POST", path, { body });
    const { number } = await refundOf(other);
    expect((await asked({ event: "refund", refundNo: number })).status).toBe(404);
    expect((await asked({ event: "refund" })).status).toBe(409);
    const wish = { orderId: made.id, appId: world.shop.appId, number: randomHex32() };
    const about = { appRefundNo: null, refundFen: 1, notifyUrl: "https://gateway.test/" };
    await insertRefund(db, { ...wish, ...about }, Date.now());
    expect((await asked({ event: "refund", refundNo: wish.number })).status).toBe(409);
    expect(faults(await asked({ event: "pay", refundNo: wish.number }))).toEqual({
      refundNo: "goes with the event refund only",
    });
  });
});
