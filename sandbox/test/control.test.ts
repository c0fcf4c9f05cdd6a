import { env, exports } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import {
  advanceClock,
  APP_ID,
  call,
  commonParams,
  control,
  KEY,
  MCH_ID,
  orderDetails,
  ORIGIN,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";

const NUMBER = "CONTROL00001";

beforeEach(resetSandbox);

test("GET /health responds with ok", async () => {
  const response = await exports.default.fetch(`${ORIGIN}/health`);
  expect(await response.json()).toEqual({ ok: true });
});

describe("GET /state", () => {
  test("returns the demo merchant and the default settings after a reset", async () => {
    expect(await state()).toEqual({
      settings: {
        notifyScale: 1,
        closeAfterMs: 300_000,
        refundSpacingMs: 60_000,
        refundOutcome: "manual",
        refundOutcomeAfterMs: 0,
        probeRate: 0,
        billsOfToday: true,
        billColumns: "new",
        billBom: true,
        billLineBreak: "crlf",
        billFinalBreak: true,
        billExtraLines: 0,
      },
      merchants: [
        {
          mchId: MCH_ID,
          appIds: [APP_ID, SECOND_APP_ID],
          apiV3: true,
          serialNos: ["5A4DB0DE000000000000000000000000000000D1"],
          certificateStage: "first",
          verifyMode: "certificate",
        },
      ],
      orders: [],
      refunds: [],
      notifications: [],
      calls: [],
      faults: [],
    });
  });

  test("returns everything, newest first, without keys", async () => {
    await placePaidOrder(NUMBER, { attach: "附加" });
    advanceClock(1);
    await placeOrder("CONTROL00002");
    await requestRefund(NUMBER, "R1");
    await control("POST", `/orders/${NUMBER}/notify`);
    const whole = await state();
    expect(whole.orders.map((order) => order.outTradeNo)).toEqual(["CONTROL00002", NUMBER]);
    expect(whole.orders[1]).toEqual({
      protocol: "v2",
      outTradeNo: NUMBER,
      mchId: MCH_ID,
      appId: APP_ID,
      body: "腾讯充值中心-QQ会员充值",
      attach: "附加",
      totalFee: 100,
      openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
      state: "REFUND",
      transactionId: expect.stringMatching(/^42\d{26}$/),
      notifyUrl: "https://merchant.test/notify",
      createdAt: Date.now() - 1,
      paidAt: Date.now() - 1,
      refundedFee: 40,
      prepayCalls: 1,
    });
    expect(whole.orders[0]).toMatchObject({ transactionId: null, paidAt: null, attach: null });
    expect(whole.refunds).toEqual([
      {
        protocol: "v2",
        source: "API",
        outRefundNo: "R1",
        refundId: expect.stringMatching(/^50\d{27}$/),
        mchId: MCH_ID,
        outTradeNo: NUMBER,
        refundFee: 40,
        totalFee: 100,
        status: "PROCESSING",
        createdAt: Date.now(),
        calls: 1,
      },
    ]);
    expect(whole.notifications).toEqual([
      {
        id: expect.any(Number),
        protocol: "v2",
        kind: "pay",
        probe: false,
        mchId: MCH_ID,
        outTradeNo: NUMBER,
        url: "https://merchant.test/notify",
        state: "waiting",
        nextAt: Date.now(),
        attempts: [],
      },
    ]);
    expect(whole.calls[0]).toEqual({
      at: Date.now(),
      path: "/secapi/pay/refund",
      outTradeNo: NUMBER,
      outRefundNo: "R1",
      outcome: "SUCCESS",
    });
    expect(JSON.stringify(whole)).not.toContain(KEY);
  });

  test("returns the newest 200 calls", async () => {
    for (let count = 0; count < 205; count++) await queryOrder(`ABSENT${count + 1000}`);
    const { calls } = await state();
    expect(calls).toHaveLength(200);
    expect(calls[0]?.outTradeNo).toBe("ABSENT1204");
    expect(calls[199]?.outTradeNo).toBe("ABSENT1005");
  });

  test("survives the eviction of the Durable Object", async () => {
    await placeOrder(NUMBER);
    await evictDurableObject(env.LEDGER.getByName("wechat"));
    expect(await orderDetails(NUMBER)).toMatchObject({ state: "NOTPAY" });
  });
});

describe("an order in the control API", () => {
  test("has its own refunds and notifications only", async () => {
    await placePaidOrder(NUMBER);
    await placePaidOrder("CONTROL00002");
    await requestRefund("CONTROL00002", "R1");
    expect(await orderDetails(NUMBER)).toMatchObject({ refunds: [], notifications: [] });
    expect(await orderDetails("CONTROL00002")).toMatchObject({ refunds: [{ outRefundNo: "R1" }] });
  });

  test("can have special characters in its number", async () => {
    await placeOrder("a|b*c-d_e");
    const path = `/orders/${encodeURIComponent("a|b*c-d_e")}/pay`;
    const response = await control("POST", path, { notify: false });
    expect(response).toMatchObject({ status: 200, json: { outTradeNo: "a|b*c-d_e" } });
  });

  test.each(["pay", "fail", "close", "notify"])(
    "responds with a 404 to %s when unknown",
    async (action) => {
      const response = await control("POST", `/orders/ABSENT000001/${action}`, {});
      expect(response).toEqual({ status: 404, json: { error: "no order ABSENT000001" } });
    },
  );

  test("responds with a 404 to GET when unknown", async () => {
    expect(await control("GET", "/orders/ABSENT000001")).toMatchObject({ status: 404 });
  });

  test("can be paid once", async () => {
    await placeOrder(NUMBER);
    const paid = await control("POST", `/orders/${NUMBER}/pay`, {});
    expect(paid).toMatchObject({ status: 200, json: { state: "SUCCESS", notifications: [{}] } });
    for (const action of ["pay", "fail", "close"]) {
      const response = await control("POST", `/orders/${NUMBER}/${action}`, {});
      expect(response).toEqual({ status: 409, json: { error: "the order is SUCCESS" } });
    }
    await requestRefund(NUMBER, "R1");
    const again = await control("POST", `/orders/${NUMBER}/pay`, {});
    expect(again).toEqual({ status: 409, json: { error: "the order is REFUND" } });
  });

  test("can't be paid when closed", async () => {
    await placeOrder(NUMBER);
    const closed = await control("POST", `/orders/${NUMBER}/close`, {});
    expect(closed).toMatchObject({ status: 200, json: { state: "CLOSED" } });
    const response = await control("POST", `/orders/${NUMBER}/pay`, {});
    expect(response).toEqual({ status: 409, json: { error: "the order is CLOSED" } });
  });

  test("can't be paid after its time_expire, but stays NOTPAY", async () => {
    await placeOrder(NUMBER, { time_expire: "21000101121006" });
    advanceClock(5 * 60_000);
    expect(await control("POST", `/orders/${NUMBER}/pay`, {})).toMatchObject({ status: 409 });
    expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "NOTPAY" });
  });

  test("stays unpaid after a failed payment, which is logged", async () => {
    await placeOrder(NUMBER);
    const failed = await control("POST", `/orders/${NUMBER}/fail`, {});
    expect(failed).toMatchObject({ status: 200, json: { state: "NOTPAY", notifications: [] } });
    expect((await state()).calls[0]).toMatchObject({ path: "payer", outcome: "payment failed" });
  });

  test("can't be notified when unpaid", async () => {
    await placeOrder(NUMBER);
    expect(await control("POST", `/orders/${NUMBER}/notify`, {})).toMatchObject({ status: 409 });
  });
});

describe("a refund in the control API", () => {
  beforeEach(async () => {
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R@1");
  });

  test("can't change after SUCCESS or REFUNDCLOSE", async () => {
    const decided = await control("POST", "/refunds/R@1/outcome", { status: "SUCCESS" });
    expect(decided).toMatchObject({ status: 200, json: { outRefundNo: "R@1", status: "SUCCESS" } });
    for (const status of ["SUCCESS", "CHANGE", "REFUNDCLOSE"]) {
      expect(await control("POST", "/refunds/R@1/outcome", { status })).toEqual({
        status: 409,
        json: { error: "the refund is SUCCESS for good" },
      });
    }
  });

  test("can change from CHANGE to a final status, but not to CHANGE", async () => {
    await control("POST", "/refunds/R@1/outcome", { status: "CHANGE" });
    const again = await control("POST", "/refunds/R@1/outcome", { status: "CHANGE" });
    expect(again).toMatchObject({ status: 409 });
    const closed = await control("POST", "/refunds/R@1/outcome", { status: "REFUNDCLOSE" });
    expect(closed).toMatchObject({ status: 200 });
    expect(await orderDetails(NUMBER)).toMatchObject({ refundedFee: 0 });
  });

  test("can't be notified when PROCESSING", async () => {
    expect(await control("POST", "/refunds/R@1/notify", {})).toMatchObject({ status: 409 });
  });

  test("responds with a 404 when unknown", async () => {
    const outcome = await control("POST", "/refunds/ABSENT/outcome", { status: "SUCCESS" });
    expect(outcome).toMatchObject({ status: 404 });
    expect(await control("POST", "/refunds/ABSENT/notify", {})).toMatchObject({ status: 404 });
  });
});

describe("a merchant in the control API", () => {
  const other = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };

  test("can be registered and replaced, and is returned without its key", async () => {
    const { apiKey: _key, ...shown } = other;
    expect(await control("POST", "/merchants", other)).toEqual({ status: 201, json: shown });
    expect(await control("POST", "/merchants", other)).toEqual({ status: 200, json: shown });
    expect((await state()).merchants).toHaveLength(2);
  });

  test("can get a new API key", async () => {
    const replaced = { mchId: MCH_ID, apiKey: "k".repeat(32), appIds: [APP_ID] };
    await control("POST", "/merchants", replaced);
    const response = await call("/pay/orderquery", commonParams({ out_trade_no: NUMBER })).catch(
      () => null,
    );
    expect(response).toEqual({ return_code: "FAIL", return_msg: "签名错误" });
  });

  test("can't drop an appid that has orders", async () => {
    await placeOrder(NUMBER);
    const body = { mchId: MCH_ID, apiKey: KEY, appIds: [SECOND_APP_ID] };
    expect(await control("POST", "/merchants", body)).toEqual({
      status: 409,
      json: { error: `appIds: ${APP_ID} has orders and can't be dropped` },
    });
  });
});

test("PATCH /settings changes only the given settings", async () => {
  const first = await control("PATCH", "/settings", { notifyScale: 0.5 });
  expect(first).toMatchObject({ status: 200, json: { notifyScale: 0.5, closeAfterMs: 300_000 } });
  const second = await control("PATCH", "/settings", { refundOutcome: "success" });
  expect(second).toMatchObject({ json: { notifyScale: 0.5, refundOutcome: "success" } });
  await control("POST", "/reset");
  expect((await state()).settings).toMatchObject({ notifyScale: 1, refundOutcome: "manual" });
});
