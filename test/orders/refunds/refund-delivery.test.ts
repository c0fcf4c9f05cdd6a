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

/** An order with an abnormal refund, which needs a person; its app has not been called yet. */
async function openAbnormalScene(): Promise<AbnormalScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  const { number } = await refundOf(order);
  await notifyStatus({ ...scene, order, refundNo: number }, "CHANGE");
  return { ...scene, order, refundNo: number };
}

/** Sets this status at WeChat and posts its notification, which the gateway records. */
async function notifyStatus(
  { wechat, shop, order, refundNo }: AbnormalScene,
  status: "CHANGE" | "SUCCESS",
): Promise<void> {
  wechat.refund(refundNo).status = status;
  const notification = {
    out_trade_no: order.number,
    out_refund_no: refundNo,
    refund_status: status,
  };
  if (!(await notifyRefund(shop, notification))) throw new Error("not acknowledged");
}

/** The state and event id of each call to the app. */
function reportedStates({ app, shop, refundNo }: AbnormalScene): unknown[] {
  return app
    .callsTo(shop.refundUrl)
    .map(({ parameters, headers }) => [
      parameters.get("ref_state"),
      headers.get("webhook-id")?.replace(refundNo, "…"),
    ]);
}

describe("deliver-refund, a refund whose state changes", () => {
  test("before the first call: reports only the new state", async () => {
    const scene = await openAbnormalScene();
    await notifyStatus(scene, "SUCCESS");
    await runDueTimers(scene.order);
    expect(reportedStates(scene)).toEqual([["4", "refund_…_succeeded"]]);
    expect(await refundOf(scene.order)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 1,
    });
  });

  test("while the app fails: reports the new state at once and restarts the schedule", async () => {
    const scene = await openAbnormalScene();
    scene.app.respondWith(appResponse("fail"), appResponse("fail"), appResponse("fail"));
    await runNextTimer(scene.order, "deliver-refund");
    await runNextTimer(scene.order, "deliver-refund");
    await notifyStatus(scene, "SUCCESS");
    expect(await timerOf(scene.order, "deliver-refund")).toMatchObject({
      dueAt: Date.now(),
      attempt: 0,
    });
    await runDueTimers(scene.order);
    await runNextTimer(scene.order, "deliver-refund");
    expect(reportedStates(scene)).toEqual([
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
    "during a call with the old state: reports the new state after it, though it ended in %s",
    async (response) => {
      const scene = await openAbnormalScene();
      const held = gate();
      scene.app.respondWith(appResponseAfter(held.opened, response));
      const delivering = runNextTimer(scene.order, "deliver-refund");
      await until(() => reportedStates(scene).length === 1);
      await notifyStatus(scene, "SUCCESS");
      held.release();
      await delivering;
      expect(await refundOf(scene.order)).toMatchObject({
        state: "succeeded",
        notifyState: "none",
      });
      await runDueTimers(scene.order);
      expect(reportedStates(scene)).toEqual([
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

  test("after the app confirmed the old state: reports the new state too", async () => {
    const scene = await openAbnormalScene();
    await runDueTimers(scene.order);
    await notifyStatus(scene, "SUCCESS");
    await runDueTimers(scene.order);
    expect(reportedStates(scene)).toEqual([
      ["3", "refund_…_abnormal"],
      ["4", "refund_…_succeeded"],
    ]);
  });
});
