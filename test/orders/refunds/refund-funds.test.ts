import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { forgetSettings } from "../../../src/settings/settings.ts";
import { instrumentD1 } from "../../support/d1.ts";
import { UNKNOWN, wechatError } from "../../support/faults.ts";
import {
  makePaidOrder,
  refundOf,
  requestRefund,
  runDueTimers,
  runNextTimer,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../../support/scene.ts";

const REFUND = "/secapi/pay/refund";
const QUERY = "/pay/refundquery";
const RECHARGE = "REFUND_SOURCE_RECHARGE_FUNDS";
const SHORT = wechatError("NOTENOUGH", "交易未结算资金不足，请使用可用余额退款");

afterEach(closeScene);

type PaidScene = Scene & { readonly order: OrderRef };

async function setRefundFunds({ shop }: Scene, refundFunds: string): Promise<void> {
  const statement = env.DB.prepare("update merchants set refund_funds = ? where id = ?");
  await statement.bind(refundFunds, shop.merchantId).run();
  forgetSettings();
}

/** A paid order over 100 fen of a merchant with this setting. */
async function openPaidScene(refundFunds: string): Promise<PaidScene> {
  const scene = await openScene();
  await setRefundFunds(scene, refundFunds);
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  return { ...scene, order };
}

/** The number and the account of each refund call to WeChat; APIv3's AVAILABLE as APIv2's word. */
function sent({ wechat }: Scene): (readonly [string | undefined, string | undefined])[] {
  return wechat.callsOf(REFUND).map((call) => [call["out_refund_no"], call["refund_account"]]);
}

describe("requestRefund, refundFunds", () => {
  test("unsettled names no account, whatever WeChat answers", async () => {
    const scene = await openPaidScene("unsettled");
    scene.wechat.fail(REFUND, SHORT);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    const { number } = await refundOf(scene.order);
    expect(sent(scene)).toEqual([
      [number, undefined],
      [number, undefined],
    ]);
  });

  test("available names the available balance from the first request on", async () => {
    const scene = await openPaidScene("available");
    scene.wechat.fail(REFUND, UNKNOWN);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    const { number } = await refundOf(scene.order);
    expect(sent(scene)).toEqual([
      [number, RECHARGE],
      [number, RECHARGE],
    ]);
  });

  test("unsettled-then-available tries the second account once, under the same number", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, SHORT);
    const answer = await requestRefund(scene, scene.order);
    const { number, fundsAccount } = await refundOf(scene.order);
    expect(answer).toMatchObject({ code: 0, data: { refund_no: number } });
    expect(fundsAccount).toBe("available");
    expect(sent(scene)).toEqual([
      [number, undefined],
      [number, RECHARGE],
    ]);
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "2", refund_free: 100 });
  });

  test("unsettled-then-available leaves a sufficient first account alone", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined]);
  });

  test("remembers the second account for repeats when both have too little", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, SHORT, wechatError("NOTENOUGH", "基本账户余额不足"));
    const refused = await requestRefund(scene, scene.order);
    expect(refused).toMatchObject({
      code: 503,
      errmsg: expect.stringContaining("基本账户余额不足"),
    });
    expect(await viewOrder(scene, scene.order)).toMatchObject({ ref_state: "1", refund_free: 0 });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined, RECHARGE, RECHARGE]);
    expect(new Set(sent(scene).map(([number]) => number)).size).toBe(1);
  });

  test.for([
    ["an unknown answer", UNKNOWN],
    ["another refusal", wechatError("USER_ACCOUNT_ABNORMAL")],
  ] as const)("never tries the second account after %s", async ([, fault]) => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, fault);
    await requestRefund(scene, scene.order);
    await requestRefund(scene, scene.order);
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined, undefined]);
  });

  test("never tries it before the query says that WeChat doesn't have the refund", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, SHORT);
    scene.wechat.fail(QUERY, UNKNOWN);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    expect(sent(scene)).toHaveLength(1);
  });

  test("I2: sends identical parameters after a crash between the two accounts", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, SHORT, UNKNOWN);
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    await abortAllDurableObjects();
    await runNextTimer(scene.order, "poll-refund");
    const { number, state } = await refundOf(scene.order);
    expect(state).toBe("accepted");
    expect(sent(scene)).toEqual([
      [number, undefined],
      [number, RECHARGE],
      [number, RECHARGE],
    ]);
  });

  test("I2: sends the first account again when the switch wasn't stored", async () => {
    const scene = await openPaidScene("unsettled-then-available");
    scene.wechat.fail(REFUND, SHORT);
    instrumentD1().fail({
      sql: /update "refunds" set "updated_at" = \?, "funds_account"/,
      how: "lost before",
    });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 503 });
    expect(sent(scene)).toHaveLength(1);
    await runNextTimer(scene.order, "poll-refund");
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined, undefined]);
  });

  test("a changed setting counts for a refund that WeChat refused and doesn't have", async () => {
    const scene = await openPaidScene("unsettled");
    scene.wechat.fail(REFUND, SHORT);
    await requestRefund(scene, scene.order, { appRefundNo: "A" });
    await setRefundFunds(scene, "available");
    const repeat = await requestRefund(scene, scene.order, { appRefundNo: "A" });
    expect(repeat).toMatchObject({ code: 0 });
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined, RECHARGE]);
  });

  test("a changed setting doesn't change a refund that WeChat may have", async () => {
    const scene = await openPaidScene("unsettled");
    scene.wechat.fail(REFUND, UNKNOWN);
    await requestRefund(scene, scene.order);
    await setRefundFunds(scene, "available");
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    expect(sent(scene).map(([, account]) => account)).toEqual([undefined, undefined]);
  });
});

describe("requestRefund, refundReason", () => {
  test("sends the stored reason, in repeats too, whatever they say", async () => {
    const scene = await openPaidScene("unsettled");
    scene.wechat.fail(REFUND, UNKNOWN, UNKNOWN);
    await requestRefund(scene, scene.order, { refundReason: "商品缺货" });
    await requestRefund(scene, scene.order, { refundReason: "另一个原因" });
    expect(await requestRefund(scene, scene.order)).toMatchObject({ code: 0 });
    const reasons = scene.wechat.callsOf(REFUND).map((call) => call["refund_desc"]);
    expect(reasons).toEqual(["商品缺货", "商品缺货", "商品缺货"]);
    expect(await refundOf(scene.order)).toMatchObject({ reason: "商品缺货" });
  });

  test("sends none without one", async () => {
    const scene = await openPaidScene("unsettled");
    await requestRefund(scene, scene.order);
    expect(scene.wechat.callsOf(REFUND)[0]).not.toHaveProperty("refund_desc");
  });
});
