import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import worker from "../../src/index.ts";
import { send } from "../support/gateway.ts";
import { makeOrder, makePaidOrder, requestRefund } from "../support/scenario.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { notifyRefund, paymentNotificationRequest, payPath } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

/** The request id of the last logged request whose path matches. */
async function requestIdOf(logged: readonly string[], path: RegExp): Promise<unknown> {
  const line = logLinesWith(logged, { event: "request" }).findLast(({ path: loggedPath }) =>
    path.test(String(loggedPath)),
  );
  return line?.["requestId"];
}

describe("request id in log lines and incidents", () => {
  test("payment_contradiction has the id of the notification's request", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const init = await paymentNotificationRequest(scene.shop, order.number, paid, {
      total_fee: "1",
    });
    const response = await send(payPath(scene.shop), init);
    const requestId = response.headers.get("x-request-id");
    expect(logLinesWith(scene.logged, { event: "payment_contradiction" })).toMatchObject([
      { level: "error", requestId, order: order.number },
    ]);
    const rows = await db.select().from(incidents).where(eq(incidents.orderNumber, order.number));
    expect(rows).toMatchObject([{ kind: "payment_contradiction", requestId }]);
  });

  test("refund_of_unknown_order has the id of the notification's request", async () => {
    const scene = await openScene();
    const number = "f".repeat(32);
    await notifyRefund(scene.shop, { out_trade_no: number, out_refund_no: "a".repeat(32) });
    const requestId = await requestIdOf(scene.logged, /^\/notify\//);
    expect(requestId).toEqual(expect.any(String));
    expect(logLinesWith(scene.logged, { event: "refund_of_unknown_order" })).toMatchObject([
      { level: "error", requestId, order: number },
    ]);
  });

  test("refund_unknown_to_wechat has the id of the sync's request", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const { data } = await requestRefund(scene, order);
    scene.wechat.refunds.delete(String(data?.["refund_no"]));
    const path = `/admin/orders/${order.id}/sync`;
    const response = await admin("POST", path);
    const requestId = response.headers.get("x-request-id");
    expect(logLinesWith(scene.logged, { event: "refund_unknown_to_wechat" })).toMatchObject([
      { level: "error", requestId, order: order.number },
    ]);
  });
});

describe("d1Trips in the log", () => {
  test.for([
    ["GET", "/admin/incidents", undefined],
    ["GET", "/admin/incidents/999999", undefined],
    ["POST", "/admin/incidents/999999/resolve", { note: "looked at" }],
    ["GET", "/admin/reconciliations", undefined],
    ["GET", "/admin/reconciliations/999999", undefined],
    ["POST", "/admin/deliveries/redeliver", { since: 0 }],
  ] as const)("are counted for %s %s", async ([method, path, body]) => {
    const { logged } = await openScene();
    const response = await admin(method, path, body);
    const requestId = response.headers.get("x-request-id");
    const [line] = logLinesWith(logged, { event: "request", requestId });
    expect(line?.["d1Trips"]).toBeGreaterThan(0);
  });

  test("are counted for each job of the schedule", async () => {
    const { logged } = await openScene();
    await worker.scheduled(createScheduledController(), env);
    const jobs = logLinesWith(logged, { event: "job" });
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
