import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sign } from "../src/v2/sign.ts";
import {
  advanceClock,
  call,
  commonParams,
  control,
  decryptReqInfo,
  fieldsOf,
  KEY,
  mockMerchant,
  orderDetails,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  runAlarm,
  state,
  verifiedFields,
  type Params,
  type PostedRequest,
} from "./helpers.ts";

const NUMBER = "MISNOTIFIED1";

let posts: PostedRequest[];

beforeEach(async () => {
  await resetSandbox();
  posts = mockMerchant();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const armNotificationFault = async (
  kind: "pay" | "refund",
  fault: string,
  more: object = {},
): Promise<void> => {
  const body = { on: "notification", kind, fault, ...more };
  expect((await control("POST", "/faults", body)).status).toBe(201);
};

/** The fields of the only notification; fails when there are several. */
function onlyNotification(): Params {
  expect(posts).toHaveLength(1);
  return fieldsOf(posts[0]?.body ?? "");
}

const hasValidSign = (fields: Params): boolean =>
  fields["sign"] === sign(Object.entries(fields), KEY, "MD5");

const payWith = async (fault: string, more: object = {}): Promise<void> => {
  await placeOrder(NUMBER);
  await armNotificationFault("pay", fault, more);
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
};

describe("a fault of a payment notification", () => {
  test.each([
    [{}, 30_000],
    [{ delayMs: 5000 }, 5000],
  ])("late: is delivered later %j", async (more, delay) => {
    await payWith("late", more);
    advanceClock(delay - 1);
    await runAlarm();
    expect(posts).toHaveLength(0);
    advanceClock(1);
    await runAlarm();
    expect(hasValidSign(onlyNotification())).toBe(true);
  });

  test("twice: is delivered twice with the same body", async () => {
    await payWith("twice");
    expect(posts).toHaveLength(2);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: is delivered while the order is NOTPAY, and again after the payment", async () => {
    await armNotificationFault("pay", "before-its-time");
    await placeOrder(NUMBER);
    await runAlarm();
    const early = verifiedFields(posts[0]?.body ?? "");
    expect(early).toMatchObject({ result_code: "SUCCESS", out_trade_no: NUMBER });
    expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "NOTPAY" });

    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    const { transaction_id: transactionId } = verifiedFields(posts[1]?.body ?? "");
    expect(transactionId).toBe(early["transaction_id"]);
  });

  test("wrong-amount: has a wrong amount and a valid sign", async () => {
    await payWith("wrong-amount");
    expect(onlyNotification()).toMatchObject({ total_fee: "101", cash_fee: "101" });
    expect(hasValidSign(onlyNotification())).toBe(true);
  });

  test("wrong-merchant: has a wrong mch_id and a valid sign", async () => {
    await payWith("wrong-merchant");
    expect(onlyNotification()["mch_id"]).toBe("1999999999");
    expect(hasValidSign(onlyNotification())).toBe(true);
  });

  test("wrong-app: has a wrong appid and a valid sign", async () => {
    await payWith("wrong-app");
    expect(onlyNotification()["appid"]).toBe("wx00000000000000ff");
    expect(hasValidSign(onlyNotification())).toBe(true);
  });

  test("forged: only the sign is wrong", async () => {
    await payWith("forged");
    expect(onlyNotification()).toMatchObject({ total_fee: "100", out_trade_no: NUMBER });
    expect(onlyNotification()["sign"]).toMatch(/^[0-9A-F]{32}$/);
    expect(hasValidSign(onlyNotification())).toBe(false);
  });

  test("unsigned: only the sign is missing", async () => {
    await payWith("unsigned");
    expect(onlyNotification()).toMatchObject({ total_fee: "100" });
    expect(onlyNotification()).not.toHaveProperty("sign");
  });

  test("never: is never attempted", async () => {
    await payWith("never");
    expect(posts).toHaveLength(0);
    const { notifications } = await orderDetails(NUMBER);
    expect(notifications).toMatchObject([{ state: "given-up", nextAt: null, attempts: [] }]);
  });

  test("applies to all attempts, but not to the next notification", async () => {
    posts = mockMerchant(() => new Response("no", { status: 500 }));
    await payWith("forged");
    advanceClock(15_000);
    await runAlarm();
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    const validity = posts.map((post) => hasValidSign(fieldsOf(post.body)));
    expect(validity).toEqual([false, false, true]);
  });

  test("does not apply to other kinds and other orders", async () => {
    await armNotificationFault("refund", "never");
    await payWith("never", { outTradeNo: "ANOTHER00001" });
    expect(hasValidSign(onlyNotification())).toBe(true);
    expect((await state()).faults).toHaveLength(2);
  });
});

const refundWith = async (fault: string, more: object = {}): Promise<void> => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  await armNotificationFault("refund", fault, more);
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
  await runAlarm();
};

describe("a fault of a refund notification", () => {
  test("late: is delivered later", async () => {
    await refundWith("late", { delayMs: 5000 });
    expect(posts).toHaveLength(0);
    advanceClock(5000);
    await runAlarm();
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({ refund_status: "SUCCESS" });
  });

  test("twice: is delivered twice with the same body", async () => {
    await refundWith("twice");
    expect(posts).toHaveLength(2);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: reports SUCCESS while the refund is PROCESSING", async () => {
    await armNotificationFault("refund", "before-its-time");
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1");
    await runAlarm();
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({
      refund_status: "SUCCESS",
      refund_fee: "40",
    });
    const response = await call("/pay/refundquery", commonParams({ out_refund_no: "R1" }));
    expect(response).toMatchObject({ refund_status_0: "PROCESSING" });
  });

  test("wrong-amount: has a wrong refund_fee", async () => {
    await refundWith("wrong-amount");
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({ refund_fee: "41", total_fee: "100" });
  });

  test("wrong-merchant: has a wrong mch_id", async () => {
    await refundWith("wrong-merchant");
    expect(onlyNotification()["mch_id"]).toBe("1999999999");
    expect(decryptReqInfo(posts[0]?.body)).toMatchObject({ out_refund_no: "R1" });
  });

  test("wrong-app: has a wrong appid", async () => {
    await refundWith("wrong-app");
    expect(onlyNotification()["appid"]).toBe("wx00000000000000ff");
  });

  test("forged: is encrypted with another key", async () => {
    await refundWith("forged");
    expect(() => decryptReqInfo(posts[0]?.body)).toThrow();
  });

  test("unsigned: is not encrypted", async () => {
    await refundWith("unsigned");
    const plain = Buffer.from(onlyNotification()["req_info"] ?? "", "base64").toString("utf8");
    expect(fieldsOf(plain)).toMatchObject({ out_refund_no: "R1", refund_status: "SUCCESS" });
  });

  test("never: is never attempted", async () => {
    await refundWith("never");
    expect(posts).toHaveLength(0);
    expect((await orderDetails(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });
});
