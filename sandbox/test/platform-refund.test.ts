import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  advanceClock,
  call,
  commonParams,
  control,
  decryptReqInfo,
  mockMerchant,
  orderDetails,
  placeOrder,
  placePaidOrder,
  requestRefund,
  resetSandbox,
  runAlarm,
  type ControlResponse,
} from "./helpers.ts";
import { eventOf, placePaidOrderV3, queryRefundV3, requestRefundV3 } from "./v3-helpers.ts";

const NUMBER = "PLATFORM0001";
const NOTIFY_URL = "https://merchant.test/platform";

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const refundInPlatform = async (body: object = {}, number = NUMBER): Promise<ControlResponse> =>
  await control("POST", `/orders/${number}/platform-refund`, body);

/** The out_refund_no that WeChat generated. */
const outRefundNoOf = ({ json }: ControlResponse): string =>
  z.object({ outRefundNo: z.string() }).parse(json).outRefundNo;

test("a platform refund has an out_refund_no that WeChat generated", async () => {
  await placePaidOrder(NUMBER);
  const response = await refundInPlatform({ refundFee: 30 });
  expect(response).toMatchObject({
    status: 201,
    json: {
      outRefundNo: expect.stringMatching(/^1900000109\d{22}$/),
      source: "VENDOR_PLATFORM",
      protocol: "v2",
      refundFee: 30,
      totalFee: 100,
      status: "PROCESSING",
      calls: 0,
    },
  });
  expect(await orderDetails(NUMBER)).toMatchObject({ state: "REFUND", refundedFee: 30 });
});

test("a platform refund without an amount refunds the rest", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  expect((await refundInPlatform()).json).toMatchObject({ refundFee: 60 });
  expect(await refundInPlatform()).toEqual({
    status: 409,
    json: { error: "the order can't be refunded: refunded-in-full" },
  });
});

test("refundquery finds a platform refund by each of its numbers", async () => {
  await placePaidOrder(NUMBER);
  const number = outRefundNoOf(await refundInPlatform({ status: "SUCCESS" }));
  const [known] = (await orderDetails(NUMBER)).refunds;
  const { transactionId } = await orderDetails(NUMBER);
  for (const key of [
    { out_refund_no: number },
    { refund_id: known?.refundId ?? "" },
    { out_trade_no: NUMBER },
    { transaction_id: transactionId ?? "" },
  ]) {
    expect(await call("/pay/refundquery", commonParams(key))).toMatchObject({
      out_refund_no_0: number,
      refund_status_0: "SUCCESS",
      refund_fee_0: "100",
    });
  }
});

describe("the notification of a platform refund", () => {
  test("has its source in APIv2 and goes to the given notifyUrl", async () => {
    const posts = mockMerchant();
    await placePaidOrder(NUMBER);
    const number = outRefundNoOf(
      await refundInPlatform({ status: "SUCCESS", notifyUrl: NOTIFY_URL }),
    );
    await runAlarm();
    expect(posts.map(({ url }) => url)).toEqual([NOTIFY_URL]);
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({
      out_refund_no: number,
      out_trade_no: NUMBER,
      refund_request_source: "VENDOR_PLATFORM",
      refund_status: "SUCCESS",
      refund_fee: "100",
    });
  });

  test("is an APIv3 notification for an APIv3 order", async () => {
    const posts = mockMerchant();
    await placePaidOrderV3(NUMBER);
    const number = outRefundNoOf(
      await refundInPlatform({ refundFee: 7, status: "CHANGE", notifyUrl: NOTIFY_URL }),
    );
    await runAlarm();
    const { event, resource } = eventOf(posts[0]);
    expect(event).toMatchObject({ event_type: "REFUND.ABNORMAL" });
    expect(resource).toMatchObject({ out_refund_no: number, amount: { refund: 7 } });
    expect(await queryRefundV3(number)).toMatchObject({ json: { status: "ABNORMAL" } });
  });

  test("goes to the notify_url of the merchant's latest refund in the protocol", async () => {
    const posts = mockMerchant();
    await placePaidOrder("PLATFORM0002");
    await requestRefund("PLATFORM0002", "R1", { notify_url: "https://merchant.test/older" });
    advanceClock(1);
    await requestRefund("PLATFORM0002", "R2", { notify_url: "" });
    await placePaidOrder("PLATFORM0003");
    await requestRefund("PLATFORM0003", "R3", { notify_url: "https://merchant.test/latest" });
    advanceClock(1);
    await placePaidOrderV3("PLATFORM0004");
    await requestRefundV3("PLATFORM0004", "R4", { notify_url: "https://merchant.test/v3" });
    await placePaidOrder(NUMBER);
    await refundInPlatform({ status: "SUCCESS" });
    await runAlarm();
    expect(posts.map(({ url }) => url)).toEqual(["https://merchant.test/latest"]);
  });

  test("is not sent without a known address", async () => {
    const posts = mockMerchant();
    await placePaidOrder(NUMBER);
    await refundInPlatform({ status: "SUCCESS" });
    await runAlarm();
    expect(posts).toEqual([]);
  });

  test("is sent when the refund is decided", async () => {
    const posts = mockMerchant();
    await control("PATCH", "/settings", { refundOutcome: "close", refundOutcomeAfterMs: 5000 });
    await placePaidOrder(NUMBER);
    await refundInPlatform({ notifyUrl: NOTIFY_URL });
    await runAlarm();
    expect(posts).toEqual([]);
    advanceClock(5000);
    await runAlarm();
    await runAlarm();
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({ refund_status: "REFUNDCLOSE" });
  });
});

describe("the limits of a platform refund", () => {
  test("exempt it from the refund interval, but not the next call", async () => {
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1", { refund_fee: "1" });
    expect(await refundInPlatform({ refundFee: 1 })).toMatchObject({ status: 201 });
    advanceClock(59_999);
    const soon = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(soon).toMatchObject({ err_code: "FREQUENCY_LIMITED" });
    advanceClock(1);
    const later = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(later).toMatchObject({ result_code: "SUCCESS" });
  });

  test("include the payment, the amount, the number of refunds and the year", async () => {
    await placeOrder(NUMBER);
    expect((await refundInPlatform()).json).toEqual({
      error: "the order can't be refunded: refund-of-unpaid-order",
    });
    expect(await refundInPlatform({}, "ABSENT000001")).toMatchObject({ status: 404 });
    await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
    expect((await refundInPlatform({ refundFee: 101 })).json).toEqual({
      error: "the order can't be refunded: refund-above-rest",
    });
    for (let count = 0; count < 50; count++) await refundInPlatform({ refundFee: 1 });
    expect((await refundInPlatform({ refundFee: 1 })).json).toEqual({
      error: "the order can't be refunded: too-many-refunds",
    });
    advanceClock(365 * 24 * 3_600_000 + 1);
    expect((await refundInPlatform({ refundFee: 1 })).json).toEqual({
      error: "the order can't be refunded: refund-too-late",
    });
  });
});
