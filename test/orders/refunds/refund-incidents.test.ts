import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../../../src/db/database.ts";
import { incidents } from "../../../src/db/schema.ts";
import { advance } from "../../support/clock.ts";
import { UNKNOWN } from "../../support/faults.ts";
import { makePaidOrder, refund, refundOf, runNext, type Made } from "../../support/life.ts";
import { closeWorld, openWorld, type World } from "../../support/world.ts";

const HOUR_MS = 3600_000;

afterEach(closeWorld);

type RefundWorld = World & { readonly made: Made; readonly refundNo: string };

/** A paid order with a refund that WeChat has accepted. */
async function refundWorld(): Promise<RefundWorld> {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await refund(world, made);
  return { ...world, made, refundNo: (await refundOf(made)).number };
}

/** What a person was told about the order. */
async function raised({ number }: Made) {
  return await connect(env.DB).select().from(incidents).where(eq(incidents.orderNumber, number));
}

describe("a person is told of a refund", () => {
  test("of which WeChat reports another amount", async () => {
    const { made, refundNo, wechat, shop } = await refundWorld();
    wechat.refunds.set(refundNo, { ...wechat.refund(refundNo), refundFen: 1, status: "SUCCESS" });
    await runNext(made, "poll-refund");
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([
      {
        kind: "refund_contradiction",
        subject: refundNo,
        merchantId: shop.merchantId,
        facts: { refundNo, recordedFen: 100, reportedFen: 1 },
        seen: 2,
      },
    ]);
  });

  test("that is stuck, once", async () => {
    const { made, refundNo, wechat } = await refundWorld();
    wechat.refund(refundNo).status = "CHANGE";
    await runNext(made, "poll-refund");
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([
      { kind: "refund_abnormal", subject: refundNo, seen: 1 },
    ]);
  });

  test("that is stuck, until it isn't any more", async () => {
    const { made, refundNo, wechat } = await refundWorld();
    wechat.refund(refundNo).status = "CHANGE";
    await runNext(made, "poll-refund");
    wechat.refund(refundNo).status = "SUCCESS";
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([
      { resolvedAt: Date.now(), note: expect.stringContaining("paid it back") },
    ]);
  });

  test("that WeChat doesn't know any more", async () => {
    const { made, refundNo, wechat } = await refundWorld();
    wechat.refunds.delete(refundNo);
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([
      { kind: "refund_unknown_to_wechat", subject: refundNo },
    ]);
  });

  test("of which nothing has been known for an hour, and not before", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN);
    await refund(world, made);
    const { createdAt, number } = await refundOf(made);
    while (Date.now() - createdAt < HOUR_MS) {
      expect(await raised(made)).toEqual([]);
      world.wechat.fail("/pay/refundquery", UNKNOWN);
      await runNext(made, "poll-refund");
    }
    expect(await raised(made)).toMatchObject([
      { kind: "refund_outcome_unknown", subject: number, facts: { refundFen: 100 } },
    ]);
    // Within two hours in any case.
    expect(Date.now() - createdAt).toBeLessThan(2 * HOUR_MS);
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([{ resolvedAt: Date.now() }]);
  });

  test("whose sending stays unknown for an hour", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN, UNKNOWN);
    await refund(world, made);
    advance(HOUR_MS);
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([{ kind: "refund_outcome_unknown" }]);
    await runNext(made, "poll-refund");
    expect(await raised(made)).toMatchObject([{ resolvedAt: Date.now() }]);
  });
});
