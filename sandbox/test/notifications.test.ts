import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ACKNOWLEDGED,
  advanceClock,
  APP_ID,
  control,
  decryptReqInfo,
  fieldsOf,
  MCH_ID,
  mockMerchant,
  orderDetails,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  runAlarm,
  verifiedFields,
} from "./helpers.ts";

const NUMBER = "NOTIFIED0001";

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the notification of a payment", () => {
  test.each(["MD5", "HMAC-SHA256"])("is signed with the order's %s", async (signType) => {
    const posts = mockMerchant();
    await placeOrder(NUMBER, { attach: "附加", sign_type: signType });
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();

    expect(posts).toHaveLength(1);
    expect(posts[0]).toMatchObject({ url: "https://merchant.test/notify", redirect: "manual" });
    expect(posts[0]?.headers.get("content-type")).toBe("text/xml");
    expect(posts[0]?.headers.get("user-agent")).toBe("Mozilla/4.0");
    const { transaction_id: transactionId } = await queryOrder(NUMBER);
    const fields = verifiedFields(posts[0]?.body ?? "", signType);
    expect(fields).toEqual({
      appid: APP_ID,
      attach: "附加",
      bank_type: "OTHERS",
      cash_fee: "100",
      fee_type: "CNY",
      is_subscribe: "N",
      mch_id: MCH_ID,
      nonce_str: expect.stringMatching(/^[0-9a-f]{32}$/),
      openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
      out_trade_no: NUMBER,
      result_code: "SUCCESS",
      return_code: "SUCCESS",
      sign: expect.any(String),
      time_end: "21000101120506",
      total_fee: "100",
      trade_type: "JSAPI",
      transaction_id: transactionId,
    });
  });

  test("is not sent with notify false", async () => {
    const posts = mockMerchant();
    await placePaidOrder(NUMBER);
    expect(await runAlarm()).toBe(false);
    expect(posts).toHaveLength(0);
    expect((await orderDetails(NUMBER)).notifications).toEqual([]);
  });

  test("can be sent again as a new notification", async () => {
    const posts = mockMerchant();
    await placePaidOrder(NUMBER);
    for (let count = 0; count < 2; count++) {
      expect((await control("POST", `/orders/${NUMBER}/notify`)).status).toBe(200);
      await runAlarm();
    }
    expect(posts).toHaveLength(2);
    const [second, first] = (await orderDetails(NUMBER)).notifications;
    expect(first?.id).not.toBe(second?.id);
    expect([first?.state, second?.state]).toEqual(["acknowledged", "acknowledged"]);
  });
});

describe("the notification of a refund", () => {
  beforeEach(async () => {
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1", { refund_account: "REFUND_SOURCE_UNSETTLED_FUNDS" });
  });

  test("has no sign and is encrypted", async () => {
    const posts = mockMerchant();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
    await runAlarm();

    expect(posts).toHaveLength(1);
    expect(posts[0]?.url).toBe("https://merchant.test/refunded");
    const outer = fieldsOf(posts[0]?.body ?? "");
    expect(Object.keys(outer)).toEqual(["return_code", "appid", "mch_id", "nonce_str", "req_info"]);
    expect(outer).toMatchObject({ return_code: "SUCCESS", appid: APP_ID, mch_id: MCH_ID });
    const { transaction_id: transactionId } = await queryOrder(NUMBER);
    const [refund] = (await orderDetails(NUMBER)).refunds;
    expect(decryptReqInfo(posts[0]?.body ?? "")).toEqual({
      out_refund_no: "R1",
      out_trade_no: NUMBER,
      refund_account: "REFUND_SOURCE_UNSETTLED_FUNDS",
      refund_fee: "40",
      refund_id: refund?.refundId,
      refund_recv_accout: "支付用户零钱",
      refund_request_source: "API",
      refund_status: "SUCCESS",
      settlement_refund_fee: "40",
      settlement_total_fee: "100",
      success_time: "2100-01-01 12:05:06",
      total_fee: "100",
      transaction_id: transactionId,
    });
  });

  test.each(["CHANGE", "REFUNDCLOSE"])(
    "has no success_time when the status is %s",
    async (status) => {
      const posts = mockMerchant();
      await control("POST", "/refunds/R1/outcome", { status });
      await runAlarm();
      const fields = decryptReqInfo(posts[0]?.body ?? "");
      expect(fields["refund_status"]).toBe(status);
      expect(fields).not.toHaveProperty("success_time");
    },
  );

  test("is sent again when CHANGE becomes SUCCESS", async () => {
    const posts = mockMerchant();
    await control("POST", "/refunds/R1/outcome", { status: "CHANGE" });
    await runAlarm();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
    await runAlarm();
    const statuses = posts.map((post) => decryptReqInfo(post.body)["refund_status"]);
    expect(statuses).toEqual(["CHANGE", "SUCCESS"]);
  });

  test("can be sent again", async () => {
    const posts = mockMerchant();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS", notify: false });
    expect(posts).toHaveLength(0);
    expect((await control("POST", "/refunds/R1/notify")).status).toBe(200);
    await runAlarm();
    expect(posts).toHaveLength(1);
  });

  test("is not sent without a notify_url", async () => {
    const posts = mockMerchant();
    advanceClock(60_000);
    await requestRefund(NUMBER, "R2", { notify_url: "" });
    await control("POST", "/refunds/R2/outcome", { status: "SUCCESS" });
    expect(await runAlarm()).toBe(false);
    expect(posts).toHaveLength(0);
    expect((await control("POST", "/refunds/R2/notify")).status).toBe(409);
  });
});

test.each([
  ["success", "SUCCESS"],
  ["change", "CHANGE"],
  ["close", "REFUNDCLOSE"],
])("the setting refundOutcome %s makes a refund %s", async (refundOutcome, status) => {
  const posts = mockMerchant();
  await control("PATCH", "/settings", { refundOutcome, refundOutcomeAfterMs: 5000 });
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  advanceClock(4999);
  await runAlarm();
  expect((await orderDetails(NUMBER)).refunds).toMatchObject([{ status: "PROCESSING" }]);
  advanceClock(1);
  await runAlarm();
  expect((await orderDetails(NUMBER)).refunds).toMatchObject([{ status }]);
  expect(posts).toHaveLength(1);
  expect(await runAlarm()).toBe(false);
});

test("notifications that are due at the same time are sent concurrently", async () => {
  let waiting = 0;
  let maxConcurrent = 0;
  const gate = Promise.withResolvers<void>();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    waiting += 1;
    maxConcurrent = Math.max(maxConcurrent, waiting);
    if (waiting === 3) gate.resolve();
    await gate.promise;
    return new Response(ACKNOWLEDGED);
  });
  for (const number of ["TOGETHER0001", "TOGETHER0002", "TOGETHER0003"]) {
    await placeOrder(number);
    await control("POST", `/orders/${number}/pay`);
  }
  await runAlarm();
  expect(maxConcurrent).toBe(3);
});
