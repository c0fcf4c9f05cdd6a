import { afterEach, describe, expect, test } from "vitest";
import { advance } from "../../support/clock.ts";
import { instrumentD1 } from "../../support/d1.ts";
import { UNKNOWN, wechatError } from "../../support/faults.ts";
import {
  makePaidOrder,
  refundsOf,
  requestRefund,
  rowOf,
  runDueTimers,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";

afterEach(closeScene);

type PaidScene = Scene & { readonly order: OrderRef };

async function openPaidScene(): Promise<PaidScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** How a refund of 10 fen ends in these tests. */
type End = "abnormal" | "refused" | "unknown" | "accepted" | "succeeded" | "closed";

/** Refunds 10 fen under the app's number `name`, a minute after the refund before. */
async function refundTo(scene: PaidScene, name: string, end: End): Promise<void> {
  advance(60_000);
  if (end === "refused") scene.wechat.fail(REFUND, wechatError("USER_ACCOUNT_ABNORMAL"));
  if (end === "unknown") scene.wechat.fail(REFUND, UNKNOWN);
  await requestRefund(scene, scene.order, { appRefundNo: name, refundFree: 10 });
  const number = await numberOf(scene, name);
  const status = statusOf(end);
  if (status === null) return;
  scene.wechat.refund(number).status = status;
  await viewOrder(scene, scene.order, { sync: 1 });
}

/** WeChat's status of a refund with this end; null while it has none. */
function statusOf(end: End): "CHANGE" | "SUCCESS" | "REFUNDCLOSE" | null {
  switch (end) {
    case "abnormal":
      return "CHANGE";
    case "succeeded":
      return "SUCCESS";
    case "closed":
      return "REFUNDCLOSE";
    case "refused":
    case "unknown":
    case "accepted":
      return null;
  }
}

async function numberOf({ order }: PaidScene, name: string): Promise<string> {
  const row = (await refundsOf(order)).find(({ appRefundNo }) => appRefundNo === name);
  if (row === undefined) throw new Error(`no refund ${name}`);
  return row.number;
}

describe("/order, several refunds", () => {
  test.for<[readonly End[], number, string]>([
    [["abnormal", "succeeded"], 0, "3"],
    [["abnormal", "refused"], 0, "3"],
    [["refused", "succeeded"], 0, "1"],
    [["refused", "unknown"], 0, "1"],
    [["unknown", "refused"], 1, "1"],
    [["accepted", "succeeded"], 0, "2"],
    [["succeeded", "accepted"], 1, "2"],
    [["closed", "succeeded"], 1, "4"],
    [["succeeded", "closed"], 1, "3"],
    [["refused", "refused"], 1, "1"],
    [["abnormal", "abnormal"], 1, "3"],
  ])("of %j shows number %i, as ref_state %s", async ([ends, shown, state]) => {
    const scene = await openPaidScene();
    for (const [index, end] of ends.entries()) await refundTo(scene, `R-${index}`, end);
    const number = await numberOf(scene, `R-${shown}`);
    expect(await viewOrder(scene, scene.order)).toMatchObject({
      ref_state: state,
      refund_no: number,
      refund_id: scene.wechat.refunds.get(number)?.refundId ?? null,
    });
  });

  test("shows the refund that took a refused one's amount", async () => {
    const scene = await openPaidScene();
    scene.wechat.fail(REFUND, wechatError("USER_ACCOUNT_ABNORMAL"));
    await requestRefund(scene, scene.order, { appRefundNo: "A" });
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "1" });
    await requestRefund(scene, scene.order, { appRefundNo: "B" });
    expect(await viewOrder(scene, scene.order)).toMatchObject({
      ref_state: "2",
      refund_no: await numberOf(scene, "B"),
    });
  });

  test("refuses to repeat a stuck refund, and repeats the others", async () => {
    const scene = await openPaidScene();
    await refundTo(scene, "A", "abnormal");
    await refundTo(scene, "B", "succeeded");
    const stuck = await requestRefund(scene, scene.order, { appRefundNo: "A" });
    expect(stuck).toMatchObject({ code: 501, errmsg: expect.stringContaining("退款异常") });
    expect(stuck.errmsg).toContain(await numberOf(scene, "A"));
    expect(await requestRefund(scene, scene.order, { appRefundNo: "B" })).toMatchObject({
      code: 0,
    });
  });
});

describe("/order, refunds=1", () => {
  test("lists every refund, oldest first, with exactly the contract's fields", async () => {
    const scene = await openPaidScene();
    await refundTo(scene, "A", "abnormal");
    await refundTo(scene, "B", "succeeded");
    await refundTo(scene, "C", "refused");
    const rows = await refundsOf(scene.order);
    const view = await viewOrder(scene, scene.order, { refunds: 1 });
    expect(view["refunds"]).toEqual(
      rows.map((row, index) => ({
        refund_no: row.number,
        app_refund_no: ["A", "B", "C"][index],
        refund_id: row.refundId,
        refund_free: 10,
        ref_state: ["3", "4", "1"][index],
        refund_time: index === 1 ? Date.UTC(2040, 0, 1, 4) / 1000 : null,
        create_time: Math.floor(row.createdAt / 1000),
        update_time: Math.floor(row.updatedAt / 1000),
      })),
    );
    expect(view).toMatchObject({ ref_state: "3", refund_free: 20 });
  });

  test("adds an empty list to an order without refunds, and takes one trip to D1", async () => {
    const scene = await openPaidScene();
    await viewOrder(scene, scene.order);
    const log = instrumentD1();
    expect(await viewOrder(scene, scene.order, { refunds: 1 })).toMatchObject({ refunds: [] });
    expect(log.trips).toHaveLength(1);
  });

  test("changes nothing without it, but for pay_time", async () => {
    const scene = await openPaidScene();
    await refundTo(scene, "A", "succeeded");
    const { refunds, ...rest } = await viewOrder(scene, scene.order, { refunds: 1 });
    expect(refunds).toHaveLength(1);
    expect(await viewOrder(scene, scene.order)).toEqual(rest);
    expect(await viewOrder(scene, scene.order, { refunds: 0 })).toEqual(rest);
    const { paidAt } = await rowOf(scene.order);
    expect(rest["pay_time"]).toBe(Math.floor((paidAt ?? 0) / 1000));
  });
});
