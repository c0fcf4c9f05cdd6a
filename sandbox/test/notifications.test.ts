import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ACKNOWLEDGED,
  APP_ID,
  checkedFields,
  control,
  details,
  fieldsOf,
  freshSandbox,
  MCH_ID,
  merchant,
  pass,
  placeOrder,
  placePaidOrder,
  queryOrder,
  reqInfo,
  requestRefund,
  runAlarm,
} from "./helpers.ts";

const NUMBER = "NOTIFIED0001";

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a payment", () => {
  test.each(["MD5", "HMAC-SHA256"])(
    "is announced, signed with the order's %s",
    async (signType) => {
      const posts = merchant();
      await placeOrder(NUMBER, { attach: "附加", sign_type: signType });
      await control("POST", `/orders/${NUMBER}/pay`);
      await runAlarm();

      expect(posts).toHaveLength(1);
      expect(posts[0]).toMatchObject({ url: "https://merchant.test/notify", redirect: "manual" });
      expect(posts[0]?.headers.get("content-type")).toBe("text/xml");
      expect(posts[0]?.headers.get("user-agent")).toBe("Mozilla/4.0");
      const { transaction_id: transactionId } = await queryOrder(NUMBER);
      const fields = checkedFields(posts[0]?.body ?? "", signType);
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
    },
  );

  test("is not announced when nobody wants it", async () => {
    const posts = merchant();
    await placePaidOrder(NUMBER);
    expect(await runAlarm()).toBe(false);
    expect(posts).toHaveLength(0);
    expect((await details(NUMBER)).notifications).toEqual([]);
  });

  test("can be announced again, as a notification of its own", async () => {
    const posts = merchant();
    await placePaidOrder(NUMBER);
    for (let count = 0; count < 2; count++) {
      expect((await control("POST", `/orders/${NUMBER}/notify`)).status).toBe(200);
      await runAlarm();
    }
    expect(posts).toHaveLength(2);
    const [second, first] = (await details(NUMBER)).notifications;
    expect(first?.id).not.toBe(second?.id);
    expect([first?.state, second?.state]).toEqual(["acknowledged", "acknowledged"]);
  });
});

describe("a refund", () => {
  beforeEach(async () => {
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1", { refund_account: "REFUND_SOURCE_UNSETTLED_FUNDS" });
  });

  test("is announced without a sign, its facts encrypted", async () => {
    const posts = merchant();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
    await runAlarm();

    expect(posts).toHaveLength(1);
    expect(posts[0]?.url).toBe("https://merchant.test/refunded");
    const outer = fieldsOf(posts[0]?.body ?? "");
    expect(Object.keys(outer)).toEqual(["return_code", "appid", "mch_id", "nonce_str", "req_info"]);
    expect(outer).toMatchObject({ return_code: "SUCCESS", appid: APP_ID, mch_id: MCH_ID });
    const { transaction_id: transactionId } = await queryOrder(NUMBER);
    const [refund] = (await details(NUMBER)).refunds;
    expect(reqInfo(posts[0]?.body ?? "")).toEqual({
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

  test.each(["CHANGE", "REFUNDCLOSE"])("that is %s has no success_time", async (status) => {
    const posts = merchant();
    await control("POST", "/refunds/R1/outcome", { status });
    await runAlarm();
    const facts = reqInfo(posts[0]?.body ?? "");
    expect(facts["refund_status"]).toBe(status);
    expect(facts).not.toHaveProperty("success_time");
  });

  test("that was CHANGE can succeed, and is announced then too", async () => {
    const posts = merchant();
    await control("POST", "/refunds/R1/outcome", { status: "CHANGE" });
    await runAlarm();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
    await runAlarm();
    const statuses = posts.map((post) => reqInfo(post.body)["refund_status"]);
    expect(statuses).toEqual(["CHANGE", "SUCCESS"]);
  });

  test("can be announced again", async () => {
    const posts = merchant();
    await control("POST", "/refunds/R1/outcome", { status: "SUCCESS", notify: false });
    expect(posts).toHaveLength(0);
    expect((await control("POST", "/refunds/R1/notify")).status).toBe(200);
    await runAlarm();
    expect(posts).toHaveLength(1);
  });

  test("without a notify_url is announced to nobody", async () => {
    const posts = merchant();
    pass(60_000);
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
])("with the setting %s a refund becomes %s by itself", async (refundOutcome, status) => {
  const posts = merchant();
  await control("PATCH", "/settings", { refundOutcome, refundOutcomeAfterMs: 5000 });
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  pass(4999);
  await runAlarm();
  expect((await details(NUMBER)).refunds).toMatchObject([{ status: "PROCESSING" }]);
  pass(1);
  await runAlarm();
  expect((await details(NUMBER)).refunds).toMatchObject([{ status }]);
  expect(posts).toHaveLength(1);
  expect(await runAlarm()).toBe(false);
});

test("notifications that are due together are sent together", async () => {
  let waiting = 0;
  let together = 0;
  const gate = Promise.withResolvers<void>();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    waiting += 1;
    together = Math.max(together, waiting);
    if (waiting === 3) gate.resolve();
    await gate.promise;
    return new Response(ACKNOWLEDGED);
  });
  for (const number of ["TOGETHER0001", "TOGETHER0002", "TOGETHER0003"]) {
    await placeOrder(number);
    await control("POST", `/orders/${number}/pay`);
  }
  await runAlarm();
  expect(together).toBe(3);
});
