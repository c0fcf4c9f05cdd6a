import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BillLine } from "../../../src/domain/bill/line.ts";
import { lineOf, NAMES, readChunks, SUMMARY, valuesLine } from "./support.ts";

const number = fc.stringMatching(/^[0-9A-Za-z_*|-]{6,32}$/);
const fen = fc.integer({ min: 1, max: 10_000_000 });
/** Merchants' text, as WeChat escapes it: without line breaks and commas. */
const text = fc
  .string({ unit: "binary", maxLength: 20 })
  .map((s) => s.replaceAll(/[\r\n,]/g, "、"));

const trade = fc.record({
  refund: fc.boolean(),
  orderNumber: number,
  transactionId: number,
  wechatAppId: number,
  refundNo: number,
  refundId: number,
  fen,
  settledFen: fen,
  status: fc.constantFrom("SUCCESS", "PROCESSING", "FAIL", "CHANGE"),
  text,
});
type Trade = typeof trade extends fc.Arbitrary<infer T> ? T : never;

/** The forms of a bill, and where it may be split. */
const form = fc.record({
  names: fc.shuffledSubarray(NAMES.all.split(","), { minLength: 27 }),
  extra: fc.subarray(["新列一", "新列二", "新列三"]),
  mark: fc.constantFrom("", "\uFEFF"),
  newline: fc.constantFrom("\n", "\r\n"),
  lastNewline: fc.boolean(),
  zeros: fc.constantFrom("", "0", "000"),
  cuts: fc.array(fc.nat(), { maxLength: 8 }),
});

const yuan = (amountFen: number, zeros: string): string =>
  `${Math.floor(amountFen / 100)}.${String(amountFen % 100).padStart(2, "0")}${zeros}`;

function valuesOf(made: Trade, zeros: string): Record<string, string> {
  return {
    公众账号ID: made.wechatAppId,
    微信订单号: made.transactionId,
    商户订单号: made.orderNumber,
    交易状态: made.refund ? "REFUND" : "SUCCESS",
    订单金额: made.refund ? "0.00" : yuan(made.fen, zeros),
    应结订单金额: yuan(made.settledFen, zeros),
    商品名称: made.text,
    商户数据包: made.text,
    ...(made.refund && {
      微信退款单号: made.refundId,
      商户退款单号: made.refundNo,
      申请退款金额: yuan(made.fen, zeros),
      退款金额: yuan(made.settledFen, zeros),
      退款状态: made.status,
    }),
  };
}

function expected(made: Trade): object {
  const { orderNumber, transactionId, wechatAppId, refundNo, refundId, fen: amount, status } = made;
  const numbers = { orderNumber, transactionId, wechatAppId };
  return made.refund
    ? { kind: "refund", ...numbers, refundNo, refundId, refundFen: amount, status }
    : { kind: "payment", ...numbers, totalFen: amount };
}

test("BillReader reads the same trades from every form of a bill", () => {
  fc.assert(
    fc.property(fc.array(trade, { maxLength: 12 }), form, (trades, shape) => {
      const names = [...shape.names, ...shape.extra].join(",");
      const sum = (refund: boolean): string =>
        yuan(
          trades.filter((made) => made.refund === refund).reduce((all, made) => all + made.fen, 0),
          "",
        );
      const lines = [
        names,
        ...trades.map((made) => lineOf(names, valuesOf(made, shape.zeros))),
        SUMMARY,
        valuesLine([`${trades.length}.0`, "0", "0", "0", "0.00000", sum(false), sum(true)]),
      ];
      const whole =
        shape.mark + lines.join(shape.newline) + (shape.lastNewline ? shape.newline : "");
      const cuts = shape.cuts.map((cut) => cut % whole.length).toSorted((a, b) => a - b);
      const chunks = [0, ...cuts].map((from, index) => whole.slice(from, cuts[index]));
      const read = readChunks(chunks);
      expect(read.fault).toBe(null);
      expect(read.lines.map(({ line }): BillLine => line)).toEqual(trades.map(expected));
    }),
    { numRuns: 300 },
  );
});
