import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  control,
  details,
  freshSandbox,
  merchant,
  pass,
  placeOrder,
  runAlarm,
  state,
  type Post,
} from "./helpers.ts";
import {
  arm,
  eventOf,
  FIRST,
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  queryRefund3,
  requestRefund3,
  wellSigned,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "MISNOTIFIED3";

let posts: Post[];
let status: number;

beforeEach(async () => {
  await freshSandbox();
  status = 204;
  posts = merchant(() => new Response(null, { status }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const sound = (post: Post | undefined): boolean =>
  post !== undefined && wellSigned(post.headers, post.body);

const payWith = async (fault: string, more: Json = {}): Promise<void> => {
  await placeOrder3(NUMBER);
  await arm({ on: "notification", kind: "pay", fault, ...more });
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
};

const settleWith = async (fault: string, more: Json = {}): Promise<void> => {
  await placePaidOrder3(NUMBER);
  await requestRefund3(NUMBER, "R1");
  await arm({ on: "notification", kind: "refund", fault, ...more });
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
  await runAlarm();
};

describe("of a payment", () => {
  test("late: it comes later, signed at its time", async () => {
    await payWith("late");
    expect(posts).toHaveLength(0);
    pass(30_000);
    await runAlarm();
    expect(posts.map(sound)).toEqual([true]);
  });

  test("twice: the same comes twice, each signed", async () => {
    await payWith("twice");
    expect(posts.map(sound)).toEqual([true, true]);
    expect(posts[0]?.body).toBe(posts[1]?.body);
  });

  test("before-its-time: it claims a payment while the order is NOTPAY", async () => {
    await arm({ on: "notification", kind: "pay", fault: "before-its-time" });
    await placeOrder3(NUMBER);
    await runAlarm();
    expect(sound(posts[0])).toBe(true);
    expect(eventOf(posts[0]).resource).toMatchObject({
      trade_state: "SUCCESS",
      transaction_id: expect.any(String),
    });
    expect((await queryOrder3(NUMBER)).json).toMatchObject({ trade_state: "NOTPAY" });
  });

  test.each([
    ["wrong-amount", { amount: { total: 101, payer_total: 101 } }],
    ["wrong-merchant", { mchid: "1999999999" }],
    ["wrong-app", { appid: "wx00000000000000ff" }],
  ])("%s, well signed", async (fault, wrong) => {
    await payWith(fault);
    expect(posts.map(sound)).toEqual([true]);
    expect(eventOf(posts[0]).resource).toMatchObject(wrong);
  });

  test.each(["forged", "other-body"])("%s: right but for the signature", async (fault) => {
    await payWith(fault);
    expect(posts.map(sound)).toEqual([false]);
    expect(posts[0]?.headers.get("wechatpay-serial")).toBe(FIRST);
    expect(eventOf(posts[0]).resource).toMatchObject({ out_trade_no: NUMBER });
  });

  test("unsigned: no header of the signature", async () => {
    await payWith("unsigned");
    expect([...(posts[0]?.headers.keys() ?? [])].join()).not.toContain("wechatpay-");
    expect(eventOf(posts[0]).resource).toMatchObject({ out_trade_no: NUMBER });
  });

  test("missing-header: without the one that is asked for, in all attempts", async () => {
    status = 500;
    await payWith("missing-header", { header: "Wechatpay-Serial" });
    pass(15_000);
    await runAlarm();
    expect(posts).toHaveLength(2);
    for (const { headers } of posts) {
      expect(headers.get("wechatpay-serial")).toBeNull();
      expect(headers.get("wechatpay-signature")).toEqual(expect.any(String));
    }
  });

  test("wrong-clock: signed rightly, 301 s ago", async () => {
    await payWith("wrong-clock");
    const at = Number(posts[0]?.headers.get("wechatpay-timestamp"));
    expect(Math.floor(Date.now() / 1000) - at).toBe(301);
  });

  test("unknown-serial", async () => {
    await payWith("unknown-serial");
    expect(posts[0]?.headers.get("wechatpay-serial")).toMatch(/^5A4DB0FF0+$/);
  });

  test("truncated: it breaks off, signed as a whole", async () => {
    await payWith("truncated");
    expect(() => eventOf(posts[0])).toThrow();
    expect(posts.map(sound)).toEqual([false]);
  });

  test("never", async () => {
    await payWith("never");
    expect(posts).toHaveLength(0);
    expect((await details(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });

  test("the fault is not in the next notification", async () => {
    await payWith("forged");
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    expect(posts.map(sound)).toEqual([false, true]);
  });

  test("a fault that only APIv3 can have leaves APIv2 alone", async () => {
    await arm({ on: "notification", kind: "pay", fault: "truncated" });
    await placeOrder("MISNOTIFIED2");
    await control("POST", "/orders/MISNOTIFIED2/pay");
    await runAlarm();
    expect(posts[0]?.body).toMatch(/^<xml>[\s\S]+<\/xml>$/);
    expect((await state()).faults).toHaveLength(1);
  });
});

const isProbe = ({ headers }: Post): boolean =>
  headers.get("wechatpay-signature")?.startsWith("WECHATPAY/SIGNTEST/") === true;

describe("a signature probe", () => {
  test("comes once, and the real one a second later", async () => {
    status = 401;
    await payWith("probe");
    expect(posts.map(isProbe)).toEqual([true]);
    status = 204;
    pass(1000);
    await runAlarm();
    expect(posts.map(isProbe)).toEqual([true, false]);
    expect(sound(posts[1])).toBe(true);
    expect(posts[0]?.body).toBe(posts[1]?.body);
    pass(24 * 3_600_000);
    await runAlarm();
    expect(posts).toHaveLength(2);
    expect((await details(NUMBER)).notifications).toMatchObject([
      { probe: false, state: "acknowledged" },
      { probe: true, state: "given-up" },
    ]);
  });

  test("that somebody believes is shown as acknowledged", async () => {
    await payWith("probe");
    expect((await details(NUMBER)).notifications).toMatchObject([
      { probe: false, state: "waiting" },
      { probe: true, state: "acknowledged" },
    ]);
  });

  test("comes as often as probeRate says", async () => {
    await placePaidOrder3(NUMBER);
    await control("PATCH", "/settings", { probeRate: 1 });
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    pass(1000);
    await runAlarm();
    expect(posts.map(isProbe)).toEqual([true, false]);
  });

  test("does not come in APIv2", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    await placeOrder("MISNOTIFIED2");
    await control("POST", "/orders/MISNOTIFIED2/pay");
    await runAlarm();
    expect(posts).toHaveLength(1);
  });
});

describe("of a refund", () => {
  test("before-its-time: it claims a success while the refund is PROCESSING", async () => {
    await arm({ on: "notification", kind: "refund", fault: "before-its-time" });
    await placePaidOrder3(NUMBER);
    await requestRefund3(NUMBER, "R1");
    await runAlarm();
    expect(eventOf(posts[0]).resource).toMatchObject({ refund_status: "SUCCESS" });
    expect((await queryRefund3("R1")).json).toMatchObject({ status: "PROCESSING" });
  });

  test("wrong-amount and wrong-merchant, well signed", async () => {
    await settleWith("wrong-amount");
    expect(eventOf(posts[0]).resource).toMatchObject({ amount: { refund: 41, total: 100 } });
    await arm({ on: "notification", kind: "refund", fault: "wrong-merchant" });
    await control("POST", "/refunds/R1/notify");
    await runAlarm();
    expect(eventOf(posts[1]).resource).toMatchObject({ mchid: "1999999999" });
    expect(posts.map(sound)).toEqual([true, true]);
  });

  test.each(["forged", "other-body", "unsigned", "wrong-clock", "unknown-serial", "truncated"])(
    "%s is not sound",
    async (fault) => {
      await settleWith(fault);
      expect(posts.map(sound)).toEqual([false]);
    },
  );
});
