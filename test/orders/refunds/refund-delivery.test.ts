import { afterEach, describe, expect, test } from "vitest";
import { gate } from "../../support/clock.ts";
import { says, saysLater } from "../../support/fake-app.ts";
import {
  makePaidOrder,
  refund,
  refundOf,
  runDue,
  runNext,
  timerOf,
  type Made,
} from "../../support/life.ts";
import { notifyRefund } from "../../support/notices.ts";
import { closeWorld, openWorld, until, type World } from "../../support/world.ts";

afterEach(closeWorld);

type AbnormalWorld = World & { readonly made: Made; readonly refundNo: string };

/** A refund that needs a person; its app has not been called yet. */
async function abnormalWorld(): Promise<AbnormalWorld> {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  await runDue(made);
  await refund(world, made);
  const { number } = await refundOf(made);
  await learn({ ...world, made, refundNo: number }, "CHANGE");
  return { ...world, made, refundNo: number };
}

/** Has WeChat report this status, and the gateway book it. */
async function learn(
  { wechat, shop, made, refundNo }: AbnormalWorld,
  status: "CHANGE" | "SUCCESS",
): Promise<void> {
  wechat.refund(refundNo).status = status;
  const news = { out_trade_no: made.number, out_refund_no: refundNo, refund_status: status };
  if (!(await notifyRefund(shop, news))) throw new Error("not acknowledged");
}

/** The states that the app was told, with their events. */
function told({ app, shop, refundNo }: AbnormalWorld): unknown[] {
  return app
    .callsTo(shop.refundUrl)
    .map(({ parameters, headers }) => [
      parameters.get("ref_state"),
      headers.get("webhook-id")?.replace(refundNo, "…"),
    ]);
}

describe("news of a refund that has moved on", () => {
  test("before the app was called is told as it is now, never as it was", async () => {
    const world = await abnormalWorld();
    await learn(world, "SUCCESS");
    await runDue(world.made);
    expect(told(world)).toEqual([["4", "refund_…_succeeded"]]);
    expect(await refundOf(world.made)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 1,
    });
  });

  test("while the app was failing is told as it is now, at once and from the schedule's beginning", async () => {
    const world = await abnormalWorld();
    world.app.reply(says("fail"), says("fail"), says("fail"));
    await runNext(world.made, "deliver-refund");
    await runNext(world.made, "deliver-refund");
    await learn(world, "SUCCESS");
    expect(await timerOf(world.made, "deliver-refund")).toMatchObject({
      dueAt: Date.now(),
      attempt: 0,
    });
    await runDue(world.made);
    await runNext(world.made, "deliver-refund");
    expect(told(world)).toEqual([
      ["3", "refund_…_abnormal"],
      ["3", "refund_…_abnormal"],
      ["4", "refund_…_succeeded"],
      ["4", "refund_…_succeeded"],
    ]);
    expect(await refundOf(world.made)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 4,
    });
  });

  test.for(["success", "fail"])(
    "while a call of the old news is in flight is told after it, though that ended in %s",
    async (ending) => {
      const world = await abnormalWorld();
      const held = gate();
      world.app.reply(saysLater(held.passed, ending));
      const delivering = runNext(world.made, "deliver-refund");
      await until(() => told(world).length === 1);
      await learn(world, "SUCCESS");
      held.release();
      await delivering;
      expect(await refundOf(world.made)).toMatchObject({ state: "succeeded", notifyState: "none" });
      await runDue(world.made);
      expect(told(world)).toEqual([
        ["3", "refund_…_abnormal"],
        ["4", "refund_…_succeeded"],
      ]);
      expect(await refundOf(world.made)).toMatchObject({
        notifyState: "confirmed",
        notifyNumber: 2,
      });
      expect(await timerOf(world.made, "deliver-refund")).toBeUndefined();
    },
  );

  test("after the app had confirmed the old news is told to it too", async () => {
    const world = await abnormalWorld();
    await runDue(world.made);
    await learn(world, "SUCCESS");
    await runDue(world.made);
    expect(told(world)).toEqual([
      ["3", "refund_…_abnormal"],
      ["4", "refund_…_succeeded"],
    ]);
  });
});
