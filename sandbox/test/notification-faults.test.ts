import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sign } from "../src/v2/sign.ts";
import {
  call,
  checkedFields,
  common,
  control,
  details,
  fieldsOf,
  freshSandbox,
  KEY,
  merchant,
  pass,
  placeOrder,
  placePaidOrder,
  queryOrder,
  reqInfo,
  requestRefund,
  runAlarm,
  state,
  type Params,
  type Post,
} from "./helpers.ts";

const NUMBER = "MISNOTIFIED1";

let posts: Post[];

beforeEach(async () => {
  await freshSandbox();
  posts = merchant();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const arm = async (kind: "pay" | "refund", fault: string, more: object = {}): Promise<void> => {
  const body = { on: "notification", kind, fault, ...more };
  expect((await control("POST", "/faults", body)).status).toBe(201);
};

/** The fields of the only notification that was posted. */
function received(): Params {
  expect(posts).toHaveLength(1);
  return fieldsOf(posts[0]?.body ?? "");
}

const wellSigned = (fields: Params): boolean =>
  fields["sign"] === sign(Object.entries(fields), KEY, "MD5");

const payWith = async (fault: string, more: object = {}): Promise<void> => {
  await placeOrder(NUMBER);
  await arm("pay", fault, more);
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
};

describe("of a payment", () => {
  test.each([
    [{}, 30_000],
    [{ delayMs: 5000 }, 5000],
  ])("late: it comes later %j", async (more, delay) => {
    await payWith("late", more);
    pass(delay - 1);
    await runAlarm();
    expect(posts).toHaveLength(0);
    pass(1);
    await runAlarm();
    expect(wellSigned(received())).toBe(true);
  });

  test("twice: the same comes twice", async () => {
    await payWith("twice");
    expect(posts).toHaveLength(2);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: it comes while the order is NOTPAY, and rightly again later", async () => {
    await arm("pay", "before-its-time");
    await placeOrder(NUMBER);
    await runAlarm();
    const early = checkedFields(posts[0]?.body ?? "");
    expect(early).toMatchObject({ result_code: "SUCCESS", out_trade_no: NUMBER });
    expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "NOTPAY" });

    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    const { transaction_id: transactionId } = checkedFields(posts[1]?.body ?? "");
    expect(transactionId).toBe(early["transaction_id"]);
  });

  test("wrong-amount, well signed", async () => {
    await payWith("wrong-amount");
    expect(received()).toMatchObject({ total_fee: "101", cash_fee: "101" });
    expect(wellSigned(received())).toBe(true);
  });

  test("wrong-merchant, well signed", async () => {
    await payWith("wrong-merchant");
    expect(received()["mch_id"]).toBe("1999999999");
    expect(wellSigned(received())).toBe(true);
  });

  test("wrong-app, well signed", async () => {
    await payWith("wrong-app");
    expect(received()["appid"]).toBe("wx00000000000000ff");
    expect(wellSigned(received())).toBe(true);
  });

  test("forged: right but for the sign", async () => {
    await payWith("forged");
    expect(received()).toMatchObject({ total_fee: "100", out_trade_no: NUMBER });
    expect(received()["sign"]).toMatch(/^[0-9A-F]{32}$/);
    expect(wellSigned(received())).toBe(false);
  });

  test("unsigned: right but without a sign", async () => {
    await payWith("unsigned");
    expect(received()).toMatchObject({ total_fee: "100" });
    expect(received()).not.toHaveProperty("sign");
  });

  test("never: none comes, and none is tried", async () => {
    await payWith("never");
    expect(posts).toHaveLength(0);
    const { notifications } = await details(NUMBER);
    expect(notifications).toMatchObject([{ state: "given-up", nextAt: null, attempts: [] }]);
  });

  test("the fault is in all attempts, and not in the next notification", async () => {
    posts = merchant(() => new Response("no", { status: 500 }));
    await payWith("forged");
    pass(15_000);
    await runAlarm();
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    const soundness = posts.map((post) => wellSigned(fieldsOf(post.body)));
    expect(soundness).toEqual([false, false, true]);
  });

  test("a fault of refunds, or of another order, is left for those", async () => {
    await arm("refund", "never");
    await payWith("never", { outTradeNo: "ANOTHER00001" });
    expect(wellSigned(received())).toBe(true);
    expect((await state()).faults).toHaveLength(2);
  });
});

const settleWith = async (fault: string, more: object = {}): Promise<void> => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  await arm("refund", fault, more);
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
  await runAlarm();
};

describe("of a refund", () => {
  test("late", async () => {
    await settleWith("late", { delayMs: 5000 });
    expect(posts).toHaveLength(0);
    pass(5000);
    await runAlarm();
    expect(reqInfo(posts[0]?.body)).toMatchObject({ refund_status: "SUCCESS" });
  });

  test("twice", async () => {
    await settleWith("twice");
    expect(posts).toHaveLength(2);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: it claims a success while the refund is PROCESSING", async () => {
    await arm("refund", "before-its-time");
    await placePaidOrder(NUMBER);
    await requestRefund(NUMBER, "R1");
    await runAlarm();
    expect(reqInfo(posts[0]?.body)).toMatchObject({ refund_status: "SUCCESS", refund_fee: "40" });
    const answer = await call("/pay/refundquery", common({ out_refund_no: "R1" }));
    expect(answer).toMatchObject({ refund_status_0: "PROCESSING" });
  });

  test("wrong-amount", async () => {
    await settleWith("wrong-amount");
    expect(reqInfo(posts[0]?.body)).toMatchObject({ refund_fee: "41", total_fee: "100" });
  });

  test("wrong-merchant", async () => {
    await settleWith("wrong-merchant");
    expect(received()["mch_id"]).toBe("1999999999");
    expect(reqInfo(posts[0]?.body)).toMatchObject({ out_refund_no: "R1" });
  });

  test("wrong-app", async () => {
    await settleWith("wrong-app");
    expect(received()["appid"]).toBe("wx00000000000000ff");
  });

  test("forged: encrypted with another key", async () => {
    await settleWith("forged");
    expect(() => reqInfo(posts[0]?.body)).toThrow();
  });

  test("unsigned: not encrypted at all", async () => {
    await settleWith("unsigned");
    const plain = Buffer.from(received()["req_info"] ?? "", "base64").toString("utf8");
    expect(fieldsOf(plain)).toMatchObject({ out_refund_no: "R1", refund_status: "SUCCESS" });
  });

  test("never", async () => {
    await settleWith("never");
    expect(posts).toHaveLength(0);
    expect((await details(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });
});
