import { describe, expect, it } from "vitest";
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
  readonly ask: (wechat: WechatPay) => Promise<{ readonly kind: string }>;
  /** A good answer's fields, and what it is taken for. */
  readonly good: Fields;
  readonly kind: string;
  /** How often an unknown answer is asked for. */
  readonly tries: number;
}

const CALLS: readonly Case[] = [
  {
    name: "unifiedorder",
    ask: async (wechat) => await wechat.prepay(prepayRequest),
    good: answerFields({ trade_type: "JSAPI", prepay_id: "wx2016" }),
    kind: "prepared",
    tries: 2,
  },
  {
    name: "orderquery",
    ask: async (wechat) => await wechat.queryPayment(order),
    good: paymentNotification({ trade_state: "SUCCESS" }),
    kind: "paid",
    tries: 1,
  },
  {
    name: "closeorder",
    ask: async (wechat) => await wechat.close(order),
    good: answerFields({ result_msg: "OK" }),
    kind: "closed",
    tries: 1,
  },
  {
    name: "refund",
    ask: async (wechat) => await wechat.refund(refundRequest),
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
    ask: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
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

describe.each(CALLS)("$name", ({ ask, good, kind, tries }) => {
  it("relies on a good answer, signed for this order", async () => {
    const { wechat, sent } = stubWechat([body(await signedXml(good))]);
    expect((await ask(wechat)).kind).toBe(kind);
    expect(sent).toHaveLength(1);
  });

  /** A signed no that would be final, if it could be trusted. */
  const no = answerFields({ result_code: "FAIL", err_code: "NOAUTH", err_code_des: "无权限" });

  const BAD: [string, () => Promise<BodyInit>, number?][] = [
    ["unsigned", async () => xmlOf(good)],
    ["with an empty sign", async () => xmlOf({ ...good, sign: "" })],
    ["wrongly signed", async () => xmlOf({ ...good, sign: "A".repeat(64) })],
    ["signed with another key", async () => await signedXml(good, "HMAC-SHA256", "0".repeat(32))],
    ["signed with MD5 though the order is HMAC-SHA256", async () => await signedXml(good, "MD5")],
    ["saying another sign_type", async () => await signedXml({ ...good, sign_type: "MD5" })],
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
    ["with an unsigned result_code=FAIL", async () => xmlOf(no)],
    ["with a wrongly signed result_code=FAIL", async () => xmlOf({ ...no, sign: "A".repeat(64) })],
    ["with SYSTEMERROR", async () => await signedXml({ ...no, err_code: "SYSTEMERROR" })],
    [
      "with FAIL for a busy system",
      async () => xmlOf({ return_code: "FAIL", return_msg: "系统繁忙" }),
    ],
    ["that is empty", async () => ""],
    ["that is HTML", async () => "<html><body>404 Not Found</body></html>"],
    ["cut short", async () => (await signedXml(good)).slice(0, -9)],
    ["too long", async () => `${await signedXml(good)}${" ".repeat(65_536)}`],
    ["that isn't UTF-8", async () => new Uint8Array([0x3c, 0xff, 0xfe])],
    ["with status 500", async () => await signedXml(good), 500],
    ["with status 502", async () => "<html></html>", 502],
    ["with status 302", async () => await signedXml(good), 302],
    ["with status 201", async () => await signedXml(good), 201],
  ];

  it.each(BAD)("takes an answer %s for unknown", async (_name, text, status = 200) => {
    const answer = body(await text(), status);
    const { wechat, sent } = stubWechat([answer, answer, answer]);
    expect((await ask(wechat)).kind).toBe("unknown");
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(Array(tries).fill("wechat.test"));
  });

  it("tries the spare host exactly once when there is no connection", async () => {
    const { wechat, sent } = stubWechat([unreachable(), body(await signedXml(good))]);
    expect((await ask(wechat)).kind).toBe(kind);
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(["wechat.test", "spare.test"]);
    expect(sent[1]?.init.body).toBe(sent[0]?.init.body);
  });

  it("is unknown when neither host can be reached", async () => {
    const { wechat, sent } = stubWechat(Array(9).fill(unreachable()));
    expect((await ask(wechat)).kind).toBe("unknown");
    expect(sent).toHaveLength(2 * tries);
  });

  it("takes a signed no for a no", async () => {
    const { wechat, sent } = stubWechat([body(await signedXml(no))]);
    expect(await ask(wechat)).toEqual({
      kind: "refused",
      code: "NOAUTH",
      message: "无权限",
      blame: "merchant",
    });
    expect(sent).toHaveLength(1);
  });

  it("takes an unsigned FAIL for a no, its text in return_msg or retmsg", async () => {
    const refused = { kind: "refused", code: "FAIL", message: "签名错误", blame: "merchant" };
    const one = stubWechat([body(xmlOf({ return_code: "FAIL", return_msg: "签名错误" }))]);
    expect(await ask(one.wechat)).toEqual(refused);
    const other = stubWechat([
      body(xmlOf({ return_code: "FAIL", retmsg: "签名错误", retcode: "1" })),
    ]);
    expect(await ask(other.wechat)).toEqual(refused);
  });

  it("never tells the key or a signature", async () => {
    const { wechat } = stubWechat(Array(4).fill(body(xmlOf({ ...good, sign: "A".repeat(64) }))));
    const told = JSON.stringify(await ask(wechat));
    expect(told).not.toMatch(/192006250b4c09247ec02edce69f6a2d|A{32}/);
  });
});

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name));
}
