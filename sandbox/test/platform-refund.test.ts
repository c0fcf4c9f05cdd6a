import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  call,
  common,
  control,
  details,
  freshSandbox,
  merchant,
  pass,
  placeOrder,
  placePaidOrder,
  reqInfo,
  requestRefund,
  runAlarm,
  type Reply,
} from "./helpers.ts";
import { eventOf, placePaidOrder3, queryRefund3, requestRefund3 } from "./v3-helpers.ts";

const NUMBER = "PLATFORM0001";
const PLACE = "https://merchant.test/platform";

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const refund = async (body: object = {}, number = NUMBER): Promise<Reply> =>
  await control("POST", `/orders/${number}/platform-refund`, body);

/** The number that WeChat made up for a refund. */
const made = ({ json }: Reply): string =>
  z.object({ outRefundNo: z.string() }).parse(json).outRefundNo;

test("a refund that no call asked for has a number of WeChat's", async () => {
  await placePaidOrder(NUMBER);
  const reply = await refund({ refundFee: 30 });
  expect(reply).toMatchObject({
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
  expect(await details(NUMBER)).toMatchObject({ state: "REFUND", refundedFee: 30 });
});

test("without an amount all that is left is refunded", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  expect((await refund()).json).toMatchObject({ refundFee: 60 });
  expect(await refund()).toEqual({
    status: 409,
    json: { error: "the order can't be refunded: refunded-in-full" },
  });
});

test("refundquery finds it by each of its numbers", async () => {
  await placePaidOrder(NUMBER);
  const number = made(await refund({ status: "SUCCESS" }));
  const [known] = (await details(NUMBER)).refunds;
  const { transactionId } = await details(NUMBER);
  for (const key of [
    { out_refund_no: number },
    { refund_id: known?.refundId ?? "" },
    { out_trade_no: NUMBER },
    { transaction_id: transactionId ?? "" },
  ]) {
    expect(await call("/pay/refundquery", common(key))).toMatchObject({
      out_refund_no_0: number,
      refund_status_0: "SUCCESS",
      refund_fee_0: "100",
    });
  }
});

describe("the notification", () => {
  test("names its source in APIv2, and goes where the call says", async () => {
    const posts = merchant();
    await placePaidOrder(NUMBER);
    const number = made(await refund({ status: "SUCCESS", notifyUrl: PLACE }));
    await runAlarm();
    expect(posts.map(({ url }) => url)).toEqual([PLACE]);
    expect(reqInfo(posts[0]?.body)).toMatchObject({
      out_refund_no: number,
      out_trade_no: NUMBER,
      refund_request_source: "VENDOR_PLATFORM",
      refund_status: "SUCCESS",
      refund_fee: "100",
    });
  });

  test("of an APIv3 order is one of APIv3", async () => {
    const posts = merchant();
    await placePaidOrder3(NUMBER);
    const number = made(await refund({ refundFee: 7, status: "CHANGE", notifyUrl: PLACE }));
    await runAlarm();
    const { event, resource } = eventOf(posts[0]);
    expect(event).toMatchObject({ event_type: "REFUND.ABNORMAL" });
    expect(resource).toMatchObject({ out_refund_no: number, amount: { refund: 7 } });
    expect(await queryRefund3(number)).toMatchObject({ json: { status: "ABNORMAL" } });
  });

  test("goes where the merchant's latest refund of the protocol went", async () => {
    const posts = merchant();
    await placePaidOrder("PLATFORM0002");
    await requestRefund("PLATFORM0002", "R1", { notify_url: "https://merchant.test/older" });
    pass(1);
    await requestRefund("PLATFORM0002", "R2", { notify_url: "" });
    await placePaidOrder("PLATFORM0003");
    await requestRefund("PLATFORM0003", "R3", { notify_url: "https://merchant.test/latest" });
    pass(1);
    await placePaidOrder3("PLATFORM0004");
    await requestRefund3("PLATFORM0004", "R4", { notify_url: "https://merchant.test/v3" });
    await placePaidOrder(NUMBER);
    await refund({ status: "SUCCESS" });
    await runAlarm();
    expect(posts.map(({ url }) => url)).toEqual(["https://merchant.test/latest"]);
  });

  test("goes nowhere when no place is known", async () => {
    const posts = merchant();
    await placePaidOrder(NUMBER);
    await refund({ status: "SUCCESS" });
    await runAlarm();
    expect(posts).toEqual([]);
  });

  test("comes once a person or the setting decides the refund", async () => {
    const posts = merchant();
    await control("PATCH", "/settings", { refundOutcome: "close", refundOutcomeAfterMs: 5000 });
    await placePaidOrder(NUMBER);
    await refund({ notifyUrl: PLACE });
    await runAlarm();
    expect(posts).toEqual([]);
    pass(5000);
    await runAlarm();
    await runAlarm();
    expect(reqInfo(posts[0]?.body)).toMatchObject({ refund_status: "REFUNDCLOSE" });
  });
});

describe("WeChat's limits:", () => {
  test("a person need not wait a minute, a call afterwards must", async () => {
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1", { refund_fee: "1" });
    expect(await refund({ refundFee: 1 })).toMatchObject({ status: 201 });
    pass(59_999);
    const soon = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(soon).toMatchObject({ err_code: "FREQUENCY_LIMITED" });
    pass(1);
    const later = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(later).toMatchObject({ result_code: "SUCCESS" });
  });

  test("the sum, the year, the payment and the fifty hold for a person too", async () => {
    await placeOrder(NUMBER);
    expect((await refund()).json).toEqual({
      error: "the order can't be refunded: refund-of-unpaid-order",
    });
    expect(await refund({}, "ABSENT000001")).toMatchObject({ status: 404 });
    await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
    expect((await refund({ refundFee: 101 })).json).toEqual({
      error: "the order can't be refunded: refund-above-rest",
    });
    for (let count = 0; count < 50; count++) await refund({ refundFee: 1 });
    expect((await refund({ refundFee: 1 })).json).toEqual({
      error: "the order can't be refunded: too-many-refunds",
    });
    pass(365 * 24 * 3_600_000 + 1);
    expect((await refund({ refundFee: 1 })).json).toEqual({
      error: "the order can't be refunded: refund-too-late",
    });
  });
});
