import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  advanceClock,
  control,
  mockMerchant,
  orderDetails,
  placeOrder,
  resetSandbox,
  runAlarm,
  state,
  type PostedRequest,
} from "./helpers.ts";
import {
  armFault,
  eventOf,
  FIRST_SERIAL,
  hasValidSignature,
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  queryRefundV3,
  requestRefundV3,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "MISNOTIFIED3";

let posts: PostedRequest[];
let status: number;

beforeEach(async () => {
  await resetSandbox();
  status = 204;
  posts = mockMerchant(() => new Response(null, { status }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const isValid = (post: PostedRequest | undefined): boolean =>
  post !== undefined && hasValidSignature(post.headers, post.body);

const payWith = async (fault: string, more: Json = {}): Promise<void> => {
  await placeOrderV3(NUMBER);
  await armFault({ on: "notification", kind: "pay", fault, ...more });
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
};

const refundWith = async (fault: string, more: Json = {}): Promise<void> => {
  await placePaidOrderV3(NUMBER);
  await requestRefundV3(NUMBER, "R1");
  await armFault({ on: "notification", kind: "refund", fault, ...more });
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
  await runAlarm();
};

describe("a fault of an APIv3 payment notification", () => {
  test("late: is delivered later with a valid signature", async () => {
    await payWith("late");
    expect(posts).toHaveLength(0);
    advanceClock(30_000);
    await runAlarm();
    expect(posts.map(isValid)).toEqual([true]);
  });

  test("twice: is delivered twice with the same body", async () => {
    await payWith("twice");
    expect(posts.map(isValid)).toEqual([true, true]);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: reports a payment while the order is NOTPAY", async () => {
    await armFault({ on: "notification", kind: "pay", fault: "before-its-time" });
    await placeOrderV3(NUMBER);
    await runAlarm();
    expect(isValid(posts[0])).toBe(true);
    expect(eventOf(posts[0]).resource).toMatchObject({
      trade_state: "SUCCESS",
      transaction_id: expect.any(String),
    });
    expect((await queryOrderV3(NUMBER)).json).toMatchObject({ trade_state: "NOTPAY" });
  });

  test.each([
    ["wrong-amount", { amount: { total: 101, payer_total: 101 } }],
    ["wrong-merchant", { mchid: "1999999999" }],
    ["wrong-app", { appid: "wx00000000000000ff" }],
  ])("%s: has a wrong value and a valid signature", async (fault, wrong) => {
    await payWith(fault);
    expect(posts.map(isValid)).toEqual([true]);
    expect(eventOf(posts[0]).resource).toMatchObject(wrong);
  });

  test.each(["forged", "other-body"])("%s: only the signature is wrong", async (fault) => {
    await payWith(fault);
    expect(posts.map(isValid)).toEqual([false]);
    expect(posts[0]?.headers.get("wechatpay-serial")).toBe(FIRST_SERIAL);
    expect(eventOf(posts[0]).resource).toMatchObject({ out_trade_no: NUMBER });
  });

  test("unsigned: has no signature headers", async () => {
    await payWith("unsigned");
    expect([...(posts[0]?.headers.keys() ?? [])].join()).not.toContain("wechatpay-");
    expect(eventOf(posts[0]).resource).toMatchObject({ out_trade_no: NUMBER });
  });

  test("missing-header: omits the given header in all attempts", async () => {
    status = 500;
    await payWith("missing-header", { header: "Wechatpay-Serial" });
    advanceClock(15_000);
    await runAlarm();
    expect(posts).toHaveLength(2);
    for (const { headers } of posts) {
      expect(headers.get("wechatpay-serial")).toBeNull();
      expect(headers.get("wechatpay-signature")).toEqual(expect.any(String));
    }
  });

  test("wrong-clock: has a timestamp 301 s ago", async () => {
    await payWith("wrong-clock");
    const at = Number(posts[0]?.headers.get("wechatpay-timestamp"));
    expect(Math.floor(Date.now() / 1000) - at).toBe(301);
  });

  test("unknown-serial: names an unknown key", async () => {
    await payWith("unknown-serial");
    expect(posts[0]?.headers.get("wechatpay-serial")).toMatch(/^5A4DB0FF0+$/);
  });

  test("truncated: has half of the signed body", async () => {
    await payWith("truncated");
    expect(() => eventOf(posts[0])).toThrow();
    expect(posts.map(isValid)).toEqual([false]);
  });

  test("never: is never attempted", async () => {
    await payWith("never");
    expect(posts).toHaveLength(0);
    expect((await orderDetails(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });

  test("doesn't apply to the next notification", async () => {
    await payWith("forged");
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    expect(posts.map(isValid)).toEqual([false, true]);
  });

  test("doesn't apply to APIv2 when APIv3-only", async () => {
    await armFault({ on: "notification", kind: "pay", fault: "truncated" });
    await placeOrder("MISNOTIFIED2");
    await control("POST", "/orders/MISNOTIFIED2/pay");
    await runAlarm();
    expect(posts[0]?.body).toMatch(/^<xml>[\s\S]+<\/xml>$/);
    expect((await state()).faults).toHaveLength(1);
  });
});

const isProbe = ({ headers }: PostedRequest): boolean =>
  headers.get("wechatpay-signature")?.startsWith("WECHATPAY/SIGNTEST/") === true;

describe("the signature probe of a notification", () => {
  test("is sent once, and the real notification a second later", async () => {
    status = 401;
    await payWith("probe");
    expect(posts.map(isProbe)).toEqual([true]);
    status = 204;
    advanceClock(1000);
    await runAlarm();
    expect(posts.map(isProbe)).toEqual([true, false]);
    expect(isValid(posts[1])).toBe(true);
    expect(posts[0]?.body).toBe(posts[1]?.body);
    advanceClock(24 * 3_600_000);
    await runAlarm();
    expect(posts).toHaveLength(2);
    expect((await orderDetails(NUMBER)).notifications).toMatchObject([
      { probe: false, state: "acknowledged" },
      { probe: true, state: "given-up" },
    ]);
  });

  test("is listed as acknowledged when the receiver accepts it", async () => {
    await payWith("probe");
    expect((await orderDetails(NUMBER)).notifications).toMatchObject([
      { probe: false, state: "waiting" },
      { probe: true, state: "acknowledged" },
    ]);
  });

  test("is sent at the rate probeRate", async () => {
    await placePaidOrderV3(NUMBER);
    await control("PATCH", "/settings", { probeRate: 1 });
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    advanceClock(1000);
    await runAlarm();
    expect(posts.map(isProbe)).toEqual([true, false]);
  });

  test("is not sent in APIv2", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    await placeOrder("MISNOTIFIED2");
    await control("POST", "/orders/MISNOTIFIED2/pay");
    await runAlarm();
    expect(posts).toHaveLength(1);
  });
});

describe("a fault of an APIv3 refund notification", () => {
  test("before-its-time: reports SUCCESS while the refund is PROCESSING", async () => {
    await armFault({ on: "notification", kind: "refund", fault: "before-its-time" });
    await placePaidOrderV3(NUMBER);
    await requestRefundV3(NUMBER, "R1");
    await runAlarm();
    expect(eventOf(posts[0]).resource).toMatchObject({ refund_status: "SUCCESS" });
    expect((await queryRefundV3("R1")).json).toMatchObject({ status: "PROCESSING" });
  });

  test("wrong-amount and wrong-merchant: have wrong values and a valid signature", async () => {
    await refundWith("wrong-amount");
    expect(eventOf(posts[0]).resource).toMatchObject({ amount: { refund: 41, total: 100 } });
    await armFault({ on: "notification", kind: "refund", fault: "wrong-merchant" });
    await control("POST", "/refunds/R1/notify");
    await runAlarm();
    expect(eventOf(posts[1]).resource).toMatchObject({ mchid: "1999999999" });
    expect(posts.map(isValid)).toEqual([true, true]);
  });

  test.each(["forged", "other-body", "unsigned", "wrong-clock", "unknown-serial", "truncated"])(
    "%s: is not valid",
    async (fault) => {
      await refundWith(fault);
      expect(posts.map(isValid)).toEqual([false]);
    },
  );
});
