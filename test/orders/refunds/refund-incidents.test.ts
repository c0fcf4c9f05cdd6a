import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../../../src/db/database.ts";
import { incidents } from "../../../src/db/schema.ts";
import { advance } from "../../support/clock.ts";
import { UNKNOWN } from "../../support/faults.ts";
import {
  makePaidOrder,
  requestRefund,
  refundOf,
  runNextTimer,
  type OrderRef,
} from "../../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../../support/scene.ts";

const HOUR_MS = 3600_000;

afterEach(closeScene);

type RefundScene = Scene & { readonly order: OrderRef; readonly refundNo: string };

/** A paid order with a refund that WeChat has accepted. */
async function openRefundScene(): Promise<RefundScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await requestRefund(scene, order);
  return { ...scene, order, refundNo: (await refundOf(order)).number };
}

/** The order's incidents. */
async function incidentsOf({ number }: OrderRef) {
  return await connect(env.DB).select().from(incidents).where(eq(incidents.orderNumber, number));
}

describe("incident of a refund", () => {
  test("refund_contradiction opens once when WeChat reports another amount", async () => {
    const { order, refundNo, wechat, shop } = await openRefundScene();
    wechat.refunds.set(refundNo, { ...wechat.refund(refundNo), refundFen: 1, status: "SUCCESS" });
    await runNextTimer(order, "poll-refund");
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([
      {
        kind: "refund_contradiction",
        subject: refundNo,
        merchantId: shop.merchantId,
        facts: { refundNo, recordedFen: 100, reportedFen: 1 },
        seen: 2,
      },
    ]);
  });

  test("refund_abnormal opens once when WeChat reports CHANGE", async () => {
    const { order, refundNo, wechat } = await openRefundScene();
    wechat.refund(refundNo).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([
      { kind: "refund_abnormal", subject: refundNo, seen: 1 },
    ]);
  });

  test("refund_abnormal is resolved when the refund succeeds", async () => {
    const { order, refundNo, wechat } = await openRefundScene();
    wechat.refund(refundNo).status = "CHANGE";
    await runNextTimer(order, "poll-refund");
    wechat.refund(refundNo).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([
      { resolvedAt: Date.now(), note: expect.stringContaining("paid it back") },
    ]);
  });

  test("refund_unknown_to_wechat opens when WeChat has no such refund any more", async () => {
    const { order, refundNo, wechat } = await openRefundScene();
    wechat.refunds.delete(refundNo);
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([
      { kind: "refund_unknown_to_wechat", subject: refundNo },
    ]);
  });

  test("refund_outcome_unknown opens after an hour of unknown queries and not before", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN);
    await requestRefund(scene, order);
    const { createdAt, number } = await refundOf(order);
    while (Date.now() - createdAt < HOUR_MS) {
      expect(await incidentsOf(order)).toEqual([]);
      scene.wechat.fail("/pay/refundquery", UNKNOWN);
      await runNextTimer(order, "poll-refund");
    }
    expect(await incidentsOf(order)).toMatchObject([
      { kind: "refund_outcome_unknown", subject: number, facts: { refundFen: 100 } },
    ]);
    // The last poll is at most two hours after the request.
    expect(Date.now() - createdAt).toBeLessThan(2 * HOUR_MS);
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([{ resolvedAt: Date.now() }]);
  });

  test("refund_outcome_unknown opens when sending stays unknown for an hour", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN, UNKNOWN);
    await requestRefund(scene, order);
    advance(HOUR_MS);
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([{ kind: "refund_outcome_unknown" }]);
    await runNextTimer(order, "poll-refund");
    expect(await incidentsOf(order)).toMatchObject([{ resolvedAt: Date.now() }]);
  });
});
