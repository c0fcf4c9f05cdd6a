import { afterEach, describe, expect, test } from "vitest";
import { gate } from "../../support/clock.ts";
import { appResponse, appResponseAfter } from "../../support/app-receiver.ts";
import {
  makePaidOrder,
  requestRefund,
  refundOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../../support/scenario.ts";
import { notifyRefund } from "../../support/notifications.ts";
import { closeScene, openScene, until, type Scene } from "../../support/scene.ts";

afterEach(closeScene);

type AbnormalScene = Scene & { readonly order: OrderRef; readonly refundNo: string };

/** A refund that needs a person; its app has not been called yet. */
async function openAbnormalScene(): Promise<AbnormalScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  const { number } = await refundOf(order);
  await learn({ ...scene, order, refundNo: number }, "CHANGE");
  return { ...scene, order, refundNo: number };
}

/** Has WeChat report this status, and the gateway book it. */
async function learn(
  { wechat, shop, order, refundNo }: AbnormalScene,
  status: "CHANGE" | "SUCCESS",
): Promise<void> {
  wechat.refund(refundNo).status = status;
  const news = { out_trade_no: order.number, out_refund_no: refundNo, refund_status: status };
  if (!(await notifyRefund(shop, news))) throw new Error("not acknowledged");
}

/** The states that the app was told, with their events. */
function told({ app, shop, refundNo }: AbnormalScene): unknown[] {
  return app
    .callsTo(shop.refundUrl)
    .map(({ parameters, headers }) => [
      parameters.get("ref_state"),
      headers.get("webhook-id")?.replace(refundNo, "…"),
    ]);
}

describe("news of a refund that has moved on", () => {
  test("before the app was called is told as it is now, never as it was", async () => {
    const scene = await openAbnormalScene();
    await learn(scene, "SUCCESS");
    await runDueTimers(scene.order);
    expect(told(scene)).toEqual([["4", "refund_…_succeeded"]]);
    expect(await refundOf(scene.order)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 1,
    });
  });

  test("while the app was failing is told as it is now, at once and from the schedule's beginning", async () => {
    const scene = await openAbnormalScene();
    scene.app.respondWith(appResponse("fail"), appResponse("fail"), appResponse("fail"));
    await runNextTimer(scene.order, "deliver-refund");
    await runNextTimer(scene.order, "deliver-refund");
    await learn(scene, "SUCCESS");
    expect(await timerOf(scene.order, "deliver-refund")).toMatchObject({
      dueAt: Date.now(),
      attempt: 0,
    });
    await runDueTimers(scene.order);
    await runNextTimer(scene.order, "deliver-refund");
    expect(told(scene)).toEqual([
      ["3", "refund_…_abnormal"],
      ["3", "refund_…_abnormal"],
      ["4", "refund_…_succeeded"],
      ["4", "refund_…_succeeded"],
    ]);
    expect(await refundOf(scene.order)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 4,
    });
  });

  test.for(["success", "fail"])(
    "while a call of the old news is in flight is told after it, though that ended in %s",
    async (ending) => {
      const scene = await openAbnormalScene();
      const held = gate();
      scene.app.respondWith(appResponseAfter(held.opened, ending));
      const delivering = runNextTimer(scene.order, "deliver-refund");
      await until(() => told(scene).length === 1);
      await learn(scene, "SUCCESS");
      held.release();
      await delivering;
      expect(await refundOf(scene.order)).toMatchObject({
        state: "succeeded",
        notifyState: "none",
      });
      await runDueTimers(scene.order);
      expect(told(scene)).toEqual([
        ["3", "refund_…_abnormal"],
        ["4", "refund_…_succeeded"],
      ]);
      expect(await refundOf(scene.order)).toMatchObject({
        notifyState: "confirmed",
        notifyNumber: 2,
      });
      expect(await timerOf(scene.order, "deliver-refund")).toBeUndefined();
    },
  );

  test("after the app had confirmed the old news is told to it too", async () => {
    const scene = await openAbnormalScene();
    await runDueTimers(scene.order);
    await learn(scene, "SUCCESS");
    await runDueTimers(scene.order);
    expect(told(scene)).toEqual([
      ["3", "refund_…_abnormal"],
      ["4", "refund_…_succeeded"],
    ]);
  });
});
