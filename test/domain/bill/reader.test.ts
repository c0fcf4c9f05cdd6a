import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import samples from "../../vectors/bill-samples.json";
import { lineOf, MCH_ID, NAMES, readChunks, readWhole, SUMMARY, valuesLine } from "./support.ts";

/** A published sample's text. Samples are truncated to a few lines but keep their summary. */
function sample(name: string): string {
  const found = samples.vectors.find((vector) => vector.name === name);
  if (found?.bytes_base64 !== undefined) {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(found.bytes_base64, "base64"),
    );
  }
  if (found?.text === undefined) throw new Error(`no sample ${name}`);
  return found.text;
}

const WHOLE = "ALL bill with UTF-8 BOM and CRLF, 45 rows";
const MERCHANT_OF_SAMPLE = "1921000401";

const PAID = {
  微信订单号: "4200000000000000000000000001",
  商户订单号: "0123456789abcdef0123456789abcdef",
  交易状态: "SUCCESS",
  订单金额: "1.50",
};
const REFUNDED = {
  ...PAID,
  交易状态: "REFUND",
  订单金额: "0.00",
  微信退款单号: "50000000000000000000000000001",
  商户退款单号: "fedcba9876543210fedcba9876543210",
  退款金额: "0.40",
  申请退款金额: "0.50",
  退款状态: "PROCESSING",
};

describe("BillReader, published samples", () => {
  test("reads 45 lines that agree with the summary", () => {
    const { lines, tally, fault } = readWhole(sample(WHOLE), MERCHANT_OF_SAMPLE);
    expect(fault).toBe(null);
    expect(tally).toMatchObject({ lines: 45, unreadable: 0, paidFen: 47, refundedFen: 14 });
    expect(tally.payments + tally.refunds).toBe(45);
    expect(lines[0]?.line).toEqual({
      kind: "refund",
      orderNumber: "autotest_20190216081946_82335",
      transactionId: "4200000263201902167700134212",
      wechatAppId: expect.any(String),
      refundNo: "REF4200000263201902167700963919",
      refundId: "50000709672019011908420787722",
      refundFen: 1,
      status: "SUCCESS",
    });
  });

  test("reads the same from any two chunks, and from chunks of one character", () => {
    const text = sample(WHOLE);
    const whole = readWhole(text, MERCHANT_OF_SAMPLE);
    expect(readChunks(text.split(""), MERCHANT_OF_SAMPLE)).toEqual(whole);
    for (let cut = 1; cut < text.length; cut += 1) {
      const { tally, fault, lines } = readChunks(
        [text.slice(0, cut), text.slice(cut)],
        MERCHANT_OF_SAMPLE,
      );
      expect([tally, fault, lines.length]).toEqual([whole.tally, null, 45]);
    }
  });

  test.for(["ALL, new format", "SUCCESS"])(
    "detects by the summary that %s is truncated to one line",
    (name) => {
      const merchant = name === "SUCCESS" ? "XXX" : "XXXXXXXX";
      const { lines, fault } = readWhole(sample(name), merchant);
      expect(lines[0]?.line).toMatchObject({
        kind: "payment",
        totalFen: name === "SUCCESS" ? 1 : 600,
      });
      expect(fault).toEqual({ kind: "broken", reason: expect.stringContaining("there are 1") });
    },
  );
});

/** A bill of these lines in these columns, with its summary. */
function bill(
  names: string,
  lines: readonly Readonly<Record<string, string>>[],
  summary: readonly string[] = [String(lines.length), "0.00", "0.00", "0.00", "0.00"],
): string {
  const summaryNames = SUMMARY.split(",").slice(0, summary.length).join(",");
  return [names, ...lines.map((line) => lineOf(names, line)), summaryNames, valuesLine(summary)]
    .map((line) => `${line}\r\n`)
    .join("");
}

describe("BillReader, columns", () => {
  test("finds the 29 columns of a bill of refunds by name", () => {
    const { lines, fault } = readWhole(bill(NAMES.refund, [REFUNDED]));
    expect(fault).toBe(null);
    expect(lines[0]?.line).toMatchObject({
      kind: "refund",
      refundNo: REFUNDED.商户退款单号,
      refundFen: 50,
      status: "PROCESSING",
    });
  });

  test("reads the requested amount from 退款金额 in the old set of 24 columns", () => {
    const { lines, fault } = readWhole(
      bill(NAMES.old, [
        { ...PAID, 总金额: "1.50" },
        { ...REFUNDED, 总金额: "1.50" },
      ]),
    );
    expect(fault).toBe(null);
    expect(lines.map(({ line }) => line)).toMatchObject([
      { kind: "payment", totalFen: 150 },
      { kind: "refund", refundFen: 40 },
    ]);
  });

  test("never reads 退款金额, which excludes coupons, for 申请退款金额 in the new set", () => {
    const names = NAMES.all.replace(",申请退款金额", "");
    const { lines } = readWhole(bill(names, [REFUNDED]));
    expect(lines[0]?.line).toMatchObject({ kind: "unreadable" });
  });

  test.for([
    ["微信订单号", "微信单号"],
    ["商户订单号", "订单号"],
    ["交易状态", "状态"],
    [",订单金额", ",金额"],
    ["设备号", "商户订单号"],
  ] as const)("is unreadable without %s", ([name, replacement]) => {
    const { fault, lines } = readWhole(bill(NAMES.all.replace(name, replacement), [PAID]));
    expect(fault?.kind).toBe("unreadable");
    expect(lines).toEqual([]);
  });
});

describe("BillReader, a line that differs from the documentation", () => {
  test.for<[string, Record<string, string>]>([
    ["an amount with a part of a fen", { 订单金额: "1.505" }],
    ["an amount in words", { 订单金额: "one" }],
    ["a negative amount", { 订单金额: "-1.50" }],
    ["no order number", { 商户订单号: "" }],
    ["no transaction", { 微信订单号: "0" }],
    ["another merchant", { 商户号: "1900000110" }],
    ["another currency", { 货币种类: "USD" }],
    ["another state", { 交易状态: "PAID" }],
    ["a refund without its number", { ...REFUNDED, 商户退款单号: "0" }],
    ["a refund of no amount", { ...REFUNDED, 申请退款金额: "" }],
    ["a refund of a negative amount", { ...REFUNDED, 申请退款金额: "-0.50" }],
    ["a refund in another state", { ...REFUNDED, 退款状态: "DONE" }],
  ])("is unreadable: %s", ([_name, change]) => {
    const { lines, tally } = readWhole(bill(NAMES.all, [{ ...PAID, ...change }]));
    expect(lines[0]?.line).toMatchObject({ kind: "unreadable", fault: expect.any(String) });
    expect(tally).toMatchObject({ lines: 1, unreadable: 1, payments: 0, refunds: 0 });
  });

  test("keeps the numbers that identify its trade", () => {
    const line = { ...REFUNDED, 申请退款金额: "many" };
    expect(readWhole(bill(NAMES.all, [line])).lines[0]?.line).toMatchObject({
      orderNumber: PAID.商户订单号,
      refundNo: REFUNDED.商户退款单号,
    });
  });

  test("is unreadable with an extra column or without backticks", () => {
    const good = lineOf(NAMES.all, PAID);
    for (const bad of [`${good},\``, good.replaceAll("`", ""), `x${good}`]) {
      const { lines } = readWhole(`${NAMES.all}\n${bad}\n`);
      expect(lines[0]?.line.kind).toBe("unreadable");
    }
  });
});

describe("BillReader, a merchant's text", () => {
  const GOODS = ["商品名称", "商户数据包"];

  test("may hold commas, backticks and quotes", () => {
    const texts = { 商品名称: 'a,b ` "c" \\ d', 商户数据包: "x,y\\ `" };
    const { lines } = readWhole(bill(NAMES.all, [{ ...PAID, ...texts }]));
    expect(lines[0]?.line).toMatchObject({ totalFen: 150 });
  });

  test.for([
    { 商品名称: "苹果,`红" },
    { 商品名称: ",`" },
    { 商品名称: ",`,`,`,`,`,`,`,`,`,`" },
    { 商户数据包: "x,y,`" },
    { 商品名称: "a,`b", 商户数据包: "`c,`d" },
    { 设备号: "1,`2" },
    { 设备号: ",`,`,`" },
    { 商品名称: ",`SUCCESS,`1.50,`1.50,`CNY" },
  ])("may hold the separator: %j", (texts) => {
    for (const names of [NAMES.all, NAMES.success, NAMES.refund, NAMES.old]) {
      const line = { ...PAID, 总金额: "1.50", ...texts };
      const summary = names === NAMES.old ? undefined : ["1", "0", "0", "0", "0", "1.50", "0.00"];
      const { lines, tally, fault } = readWhole(bill(names, [line], summary));
      expect(fault).toBe(null);
      expect(tally).toMatchObject({ lines: 1, payments: 1, unreadable: 0, paidFen: 150 });
      expect(lines[0]?.line).toMatchObject({ orderNumber: PAID.商户订单号, totalFen: 150 });
    }
  });

  test.for(GOODS)("may hold the separator in a refund's %s", (name) => {
    const { lines } = readWhole(bill(NAMES.all, [{ ...REFUNDED, [name]: "a,`b" }]));
    expect(lines[0]?.line).toMatchObject({
      kind: "refund",
      refundNo: REFUNDED.商户退款单号,
      refundFen: 50,
      status: "PROCESSING",
    });
  });

  test("never makes another trade of the line, whatever it holds", () => {
    const cell = fc.constantFrom(
      "SUCCESS",
      "REFUND",
      "CNY",
      "1.50",
      "9.99",
      "0.00",
      "",
      "x",
      MCH_ID,
      "4200000000000000000000000009",
      "fedcba9876543210fedcba9876543210",
    );
    const text = fc.array(cell, { minLength: 1, maxLength: 40 }).map((cells) => cells.join(",`"));
    fc.assert(
      fc.property(fc.constantFrom(...GOODS, "设备号"), text, (name, value) => {
        const [read] = readWhole(bill(NAMES.all, [{ ...PAID, [name]: value }])).lines;
        if (read?.line.kind === "unreadable") return;
        expect(read?.line).toMatchObject({
          kind: "payment",
          orderNumber: PAID.商户订单号,
          transactionId: PAID.微信订单号,
          totalFen: 150,
        });
      }),
      { numRuns: 2000 },
    );
  });
});

test("BillReader counts a reversed payment neither as received nor as unreadable", () => {
  const { lines, tally, fault } = readWhole(
    bill(NAMES.all, [{ ...PAID, 交易状态: "REVOKED" }], ["1", "0", "0", "0", "0", "7.77", "0.00"]),
  );
  expect(lines[0]?.line.kind).toBe("revoked");
  expect(tally).toMatchObject({ lines: 1, payments: 0, unreadable: 0 });
  // WeChat doesn't document whether the summary includes it, so the sum isn't compared.
  expect(fault).toBe(null);
});

/** A bill of a payment and a refund with this summary. */
function sums(count: string, orders: string, refunds: string): string {
  return bill(NAMES.all, [PAID, REFUNDED], [count, "0", "0", "0", "0", orders, refunds]);
}

describe("BillReader, completeness", () => {
  test("has no fault when the summary agrees", () => {
    expect(readWhole(sums("2.0", "1.5", "0.50")).fault).toBe(null);
  });

  test.for([
    (text: string) => text.replace(/\r\n$/, " \r\n"),
    (text: string) => text.replace(/\r\n$/, "\t\u00a0"),
    (text: string) => text.replace(/\r\n$/, "\r\n \r\n"),
    (text: string) => text.replaceAll("0.50\r", "0.50  \r"),
    (text: string) => text.replace("申请退款总金额\r", "申请退款总金额 \r"),
    (text: string) => text.replace("`1.50,`0.50\r\n", "`1.50 , `0.50 \r\n"),
    (text: string) => text.replace("总交易单数", " 总交易单数"),
    (text: string) => text.replace("总交易单数", "`总交易单数"),
    (text: string) => text.replaceAll("`1.50,", "`1.50 ,"),
    (text: string) => text.replace("总交易单数", " \r\n总交易单数"),
  ])("has no fault with stray blanks (case %#)", (stray) => {
    const whole = sums("2", "1.50", "0.50");
    const { fault, tally } = readWhole(stray(whole));
    expect(stray(whole)).not.toBe(whole);
    expect(fault).toBe(null);
    expect(tally).toMatchObject({ paidFen: 150, refundedFen: 50, unreadable: 0 });
  });

  test.for([
    ["one trade too short", "`2026-11-22 10:00:00,`wx\r\n", "3"],
    ["a trade of two lines", "`2026-11-22 10:00:00,`wx\r\nrest,`0.00\r\n", "3"],
    ["a line that is no trade", "garbage\r\n", "2"],
  ] as const)("reads the rest of a bill with %s", ([_name, bad, count]) => {
    const whole = sums(count, "1.50", "0.50").replace(SUMMARY, bad + SUMMARY);
    const { fault, tally } = readWhole(whole);
    expect(fault).toBe(null);
    expect(tally).toMatchObject({ payments: 1, refunds: 1, paidFen: 150, refundedFen: 50 });
    expect(tally.unreadable).toBeGreaterThan(0);
  });

  test.for([
    ["more trades than lines", "4"],
    ["fewer trades than readable lines", "1"],
  ] as const)("is broken with an unreadable line and %s", ([_name, count]) => {
    const whole = sums(count, "1.50", "0.50").replace(SUMMARY, `garbage\r\n${SUMMARY}`);
    expect(readWhole(whole).fault?.kind).toBe("broken");
  });

  test.for([
    ["3", "1.50", "0.50"],
    ["2", "1.51", "0.50"],
    ["2", "1.50", "0.40"],
    ["two", "1.50", "0.50"],
  ] as const)("is broken when the summary says %j, %j, %j", ([count, orders, refunds]) => {
    expect(readWhole(sums(count, orders, refunds)).fault?.kind).toBe("broken");
  });

  test("has a fault when the bill ends anywhere before the end of its summary", () => {
    const whole = sums("2", "1.50", "0.50");
    const valuesAt = whole.lastIndexOf("`2");
    for (let length = NAMES.all.length + 1; length < valuesAt; length += 1) {
      expect(readWhole(whole.slice(0, length)).fault).not.toBe(null);
    }
  });

  test("is unreadable with text after the summary, or without line breaks", () => {
    const whole = sums("2", "1.50", "0.50");
    expect(readWhole(`${whole}${whole}`).fault?.kind).toBe("unreadable");
    expect(readWhole(`${whole}\r\n\n`).fault).toBe(null);
    expect(readChunks(Array.from({ length: 70 }, () => "x".repeat(1024))).fault).toEqual({
      kind: "unreadable",
      reason: "a line without an end",
    });
    expect(readWhole("<html></html>", MCH_ID).fault?.kind).toBe("unreadable");
  });
});
