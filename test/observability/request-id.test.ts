import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import worker from "../../src/index.ts";
import { send } from "../support/gateway.ts";
import { makeOrder, makePaidOrder, refund } from "../support/life.ts";
import { linesOf } from "../support/lines.ts";
import { notifyRefund, paymentRequest, payPath } from "../support/notices.ts";
import { db } from "../support/rows.ts";
import { closeWorld, openWorld } from "../support/world.ts";

afterEach(closeWorld);

/** The request id that the gateway gave the request which this line of the log is about. */
async function requestIdOf(logged: readonly string[], path: RegExp): Promise<unknown> {
  const line = linesOf(logged, { event: "request" }).findLast(({ path: requested }) =>
    path.test(String(requested)),
  );
  return line?.["requestId"];
}

describe("log lines and incidents that a request causes", () => {
  test("a contradicting payment's carry the id of its notification", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const init = await paymentRequest(world.shop, made.number, paid, { total_fee: "1" });
    const response = await send(payPath(world.shop), init);
    const requestId = response.headers.get("x-request-id");
    expect(linesOf(world.logged, { event: "payment_contradiction" })).toMatchObject([
      { level: "error", requestId, order: made.number },
    ]);
    const rows = await db.select().from(incidents).where(eq(incidents.orderNumber, made.number));
    expect(rows).toMatchObject([{ kind: "payment_contradiction", requestId }]);
  });

  test("an unknown refund's carry the id of its notification", async () => {
    const world = await openWorld();
    const number = "f".repeat(32);
    await notifyRefund(world.shop, { out_trade_no: number, out_refund_no: "a".repeat(32) });
    const requestId = await requestIdOf(world.logged, /^\/notify\//);
    expect(requestId).toEqual(expect.any(String));
    expect(linesOf(world.logged, { event: "refund_of_unknown_order" })).toMatchObject([
      { level: "error", requestId, order: number },
    ]);
  });

  test("a refund that WeChat no longer knows carries the id of the sync that found it", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const { data } = await refund(world, made);
    world.wechat.refunds.delete(String(data?.["refund_no"]));
    const path = `/admin/orders/${made.id}/sync`;
    const response = await admin("POST", path);
    const requestId = response.headers.get("x-request-id");
    expect(linesOf(world.logged, { event: "refund_unknown_to_wechat" })).toMatchObject([
      { level: "error", requestId, order: made.number },
    ]);
  });
});

describe("the D1 trips in the log", () => {
  test.for([
    ["GET", "/admin/incidents", undefined],
    ["GET", "/admin/incidents/999999", undefined],
    ["POST", "/admin/incidents/999999/resolve", { note: "looked at" }],
    ["GET", "/admin/reconciliations", undefined],
    ["GET", "/admin/reconciliations/999999", undefined],
    ["POST", "/admin/deliveries/redeliver", { since: 0 }],
  ] as const)("of %s %s are counted", async ([method, path, body]) => {
    const { logged } = await openWorld();
    const response = await admin(method, path, body);
    const requestId = response.headers.get("x-request-id");
    const [line] = linesOf(logged, { event: "request", requestId });
    expect(line?.["d1Trips"]).toBeGreaterThan(0);
  });

  test("of each job of the schedule are counted", async () => {
    const { logged } = await openWorld();
    await worker.scheduled(createScheduledController(), env);
    const jobs = linesOf(logged, { event: "job" });
    expect(jobs.map(({ job }) => job)).toEqual([
      "certificates",
      "sweep",
      "reconciliation",
      "heartbeat",
    ]);
    for (const { d1Trips } of jobs) expect(d1Trips).toBeGreaterThan(0);
  });
});

async function admin(method: string, path: string, body?: object): Promise<Response> {
  return await send(path, {
    method,
    headers: {
      authorization: `Bearer ${env.ADMIN_TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
