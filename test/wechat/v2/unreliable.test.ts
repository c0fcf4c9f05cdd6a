import { describe, expect, test } from "vitest";
import type { WechatPay } from "../../../src/wechat/types.ts";
import {
  order,
  prepayRequest,
  REFUND_ID,
  REFUND_NO,
  refundRequest,
  TRANSACTION_ID,
} from "../support/fixtures.ts";
import {
  answerFields,
  paymentNotification,
  signedXml,
  xmlOf,
  type Fields,
} from "../support/messages.ts";
import { body, stubWechat, unreachable } from "../support/wechat-stub.ts";

interface Case {
  readonly name: string;
  readonly call: (wechat: WechatPay) => Promise<{ readonly kind: string }>;
  /** A good answer, and its kind. */
  readonly good: Fields;
  readonly kind: string;
  /** Number of calls after an unknown outcome. */
  readonly tries: number;
}

const CALLS: readonly Case[] = [
  {
    name: "unifiedorder",
    call: async (wechat) => await wechat.prepay(prepayRequest),
    good: answerFields({ trade_type: "JSAPI", prepay_id: "wx2016" }),
    kind: "prepared",
    tries: 2,
  },
  {
    name: "orderquery",
    call: async (wechat) => await wechat.queryPayment(order),
    good: paymentNotification({ trade_state: "SUCCESS" }),
    kind: "paid",
    tries: 1,
  },
  {
    name: "closeorder",
    call: async (wechat) => await wechat.close(order),
    good: answerFields({ result_msg: "OK" }),
    kind: "closed",
    tries: 1,
  },
  {
    name: "refund",
    call: async (wechat) => await wechat.refund(refundRequest),
    good: answerFields({
      transaction_id: TRANSACTION_ID,
      out_trade_no: order.orderNumber,
      out_refund_no: REFUND_NO,
      refund_id: REFUND_ID,
      refund_fee: "100",
      total_fee: "888",
    }),
    kind: "accepted",
    tries: 1,
  },
  {
    name: "refundquery",
    call: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
    good: answerFields({
      out_trade_no: order.orderNumber,
      refund_count: "1",
      out_refund_no_0: REFUND_NO,
      refund_id_0: REFUND_ID,
      refund_fee_0: "100",
      refund_status_0: "SUCCESS",
    }),
    kind: "found",
    tries: 1,
  },
];

describe.each(CALLS)("I6: $name", ({ name, call, good, kind, tries }) => {
  const cause = name === "refund" ? { cause: "other" } : {};

  test("accepts a good answer, signed for this order", async () => {
    const { wechat, sent } = stubWechat([body(await signedXml(good))]);
    expect((await call(wechat)).kind).toBe(kind);
    expect(sent).toHaveLength(1);
  });

  /** A refusal that would be final, if its signature were valid. */
  const refusal = answerFields({ result_code: "FAIL", err_code: "NOAUTH", err_code_des: "无权限" });

  const BAD: [string, () => Promise<BodyInit>, number?][] = [
    ["unsigned", async () => xmlOf(good)],
    ["with an empty sign", async () => xmlOf({ ...good, sign: "" })],
    ["with a wrong signature", async () => xmlOf({ ...good, sign: "A".repeat(64) })],
    ["signed with another key", async () => await signedXml(good, "HMAC-SHA256", "0".repeat(32))],
    ["signed with MD5 though the order is HMAC-SHA256", async () => await signedXml(good, "MD5")],
    ["with another sign_type", async () => await signedXml({ ...good, sign_type: "MD5" })],
    ["for another merchant", async () => await signedXml({ ...good, mch_id: "10000101" })],
    ["for another app", async () => await signedXml({ ...good, appid: "wxd930ea5d5a258f4f" })],
    ["for another order", async () => await signedXml({ ...good, out_trade_no: "f".repeat(32) })],
    ["without a merchant", async () => await signedXml(without(good, "mch_id"))],
    ["without an app", async () => await signedXml(without(good, "appid"))],
    ["without a return_code", async () => await signedXml(without(good, "return_code"))],
    ["with an unlisted return_code", async () => await signedXml({ ...good, return_code: "OK" })],
    ["without a result_code", async () => await signedXml(without(good, "result_code"))],
    ["with an unlisted result_code", async () => await signedXml({ ...good, result_code: "OK" })],
    [
      "with a FAIL that has no err_code",
      async () => await signedXml({ ...good, result_code: "FAIL" }),
    ],
    ["with an unsigned result_code=FAIL", async () => xmlOf(refusal)],
    [
      "with result_code=FAIL and a wrong signature",
      async () => xmlOf({ ...refusal, sign: "A".repeat(64) }),
    ],
    ["with SYSTEMERROR", async () => await signedXml({ ...refusal, err_code: "SYSTEMERROR" })],
    [
      "with FAIL for a busy system",
      async () => xmlOf({ return_code: "FAIL", return_msg: "系统繁忙" }),
    ],
    ["that is empty", async () => ""],
    ["that is HTML", async () => "<html><body>404 Not Found</body></html>"],
    ["that is truncated", async () => (await signedXml(good)).slice(0, -9)],
    ["that is too long", async () => `${await signedXml(good)}${" ".repeat(65_536)}`],
    ["that isn't UTF-8", async () => new Uint8Array([0x3c, 0xff, 0xfe])],
    ["with status 500", async () => await signedXml(good), 500],
    ["with status 502", async () => "<html></html>", 502],
    ["with status 302", async () => await signedXml(good), 302],
    ["with status 201", async () => await signedXml(good), 201],
  ];

  test.each(BAD)("returns unknown for an answer %s", async (_name, text, status = 200) => {
    const answer = body(await text(), status);
    const { wechat, sent } = stubWechat([answer, answer, answer]);
    expect((await call(wechat)).kind).toBe("unknown");
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(Array(tries).fill("wechat.test"));
  });

  test("tries the spare host exactly once when the connection fails", async () => {
    const { wechat, sent } = stubWechat([unreachable(), body(await signedXml(good))]);
    expect((await call(wechat)).kind).toBe(kind);
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(["wechat.test", "spare.test"]);
    expect(sent[1]?.init.body).toBe(sent[0]?.init.body);
  });

  test("returns unknown when neither host can be reached", async () => {
    const { wechat, sent } = stubWechat(Array(9).fill(unreachable()));
    expect((await call(wechat)).kind).toBe("unknown");
    expect(sent).toHaveLength(2 * tries);
  });

  test("returns refused for a signed refusal", async () => {
    const { wechat, sent } = stubWechat([body(await signedXml(refusal))]);
    expect(await call(wechat)).toEqual({
      kind: "refused",
      code: "NOAUTH",
      message: "无权限",
      blame: "merchant",
      ...cause,
    });
    expect(sent).toHaveLength(1);
  });

  test("returns refused for an unsigned FAIL, with the text of return_msg or retmsg", async () => {
    const fail = { kind: "refused", code: "FAIL", message: "签名错误", blame: "merchant" };
    const refused = { ...fail, ...cause };
    const inReturnMsg = stubWechat([body(xmlOf({ return_code: "FAIL", return_msg: "签名错误" }))]);
    expect(await call(inReturnMsg.wechat)).toEqual(refused);
    const inRetmsg = stubWechat([
      body(xmlOf({ return_code: "FAIL", retmsg: "签名错误", retcode: "1" })),
    ]);
    expect(await call(inRetmsg.wechat)).toEqual(refused);
  });
});

describe.each(CALLS)("I9: $name", ({ call, good }) => {
  test("doesn't reveal a key or a signature", async () => {
    const { wechat } = stubWechat(Array(4).fill(body(xmlOf({ ...good, sign: "A".repeat(64) }))));
    const answer = JSON.stringify(await call(wechat));
    expect(answer).not.toMatch(/192006250b4c09247ec02edce69f6a2d|A{32}/);
  });
});

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}
