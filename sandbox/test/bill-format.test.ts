import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { columnsOf, headerLine } from "../src/bill/columns.ts";
import {
  lineText,
  paymentLine,
  refundLine,
  summaryLines,
  yuan,
  type BilledOrder,
} from "../src/bill/lines.ts";
import { parseBeijingCompact } from "../src/protocol/time.ts";
import { billText, changeSettings, fetchBill, parseBill } from "./bill-helpers.ts";
import {
  advanceClock,
  placePaidOrder,
  requestRefund,
  resetSandbox,
  type Params,
} from "./helpers.ts";
import samples from "./vectors/bill-samples.json";

const NUMBER = "FORMAT000001";

const sample = (name: string): string => {
  const vector = z
    .array(
      z.object({
        name: z.string(),
        text: z.string().optional(),
        bytes_base64: z.string().optional(),
      }),
    )
    .parse(samples.vectors)
    .find((it) => it.name === name);
  return vector?.text ?? Buffer.from(vector?.bytes_base64 ?? "", "base64").toString("utf8");
};

const WITH_BOM = sample("ALL bill with UTF-8 BOM and CRLF, 45 rows");
const at = (text = ""): number => parseBeijingCompact(text.replaceAll(/\D/g, "")) ?? 0;
const fen = (text = ""): number => Number(text.replace(".", ""));

const orderOf = (row: Params): BilledOrder => ({
  mchId: row["商户号"] ?? "",
  appId: row["公众账号ID"] ?? "",
  outTradeNo: row["商户订单号"] ?? "",
  transactionId: row["微信订单号"] ?? "",
  totalFee: fen(row["订单金额"]),
  paidAt: at(row["交易时间"]),
  terms: {
    description: row["商品名称"] ?? "",
    openid: row["用户标识"] ?? "",
    notifyUrl: "",
    attach: row["商户数据包"] ?? "",
    deviceInfo: row["设备号"] ?? "",
  },
});

const refundOf = (row: Params) => ({
  refundId: row["微信退款单号"] ?? "",
  outRefundNo: row["商户退款单号"] ?? "",
  refundFee: fen(row["申请退款金额"]),
  status: "SUCCESS" as const,
  createdAt: at(row["交易时间"]),
  succeededAt: 0,
});

describe("the published sample bill", () => {
  const columns = columnsOf("ALL", "new");
  const lines = WITH_BOM.split("\r\n");
  const rows = parseBill(WITH_BOM).rows;

  test("has the same column names", () => {
    expect(`\uFEFF${headerLine(columns)}`).toBe(lines[0]);
    expect(headerLine(columns)).toBe(sample("ALL, new format").split("\n")[0]);
    expect(headerLine(columnsOf("SUCCESS", "new"))).toBe(sample("SUCCESS").split("\n")[0]);
  });

  test("has the same lines except for the rate", () => {
    let compared = 0;
    for (const [index, row] of rows.entries()) {
      // The sandbox has no other trade type.
      if (row["交易类型"] !== "JSAPI") continue;
      const line =
        row["交易状态"] === "REFUND"
          ? refundLine(refundOf(row), orderOf(row), "ALL")
          : paymentLine(orderOf(row));
      expect(lineText(line, columns).replace("`0.60%", "`39.00%")).toBe(lines[index + 1]);
      compared += 1;
    }
    expect(compared).toBe(37);
  });

  test("has the same summary", () => {
    const totals = { lines: 48, paidFee: 576, refundedFee: 142, serviceFee: 1 };
    expect(summaryLines(totals, "new").join("\n")).toBe(
      sample("ALL, new format").split("\n").slice(-3, -1).join("\n"),
    );
  });
});

test.each([
  ["ALL", "new", 27],
  ["SUCCESS", "new", 20],
  ["REFUND", "new", 29],
  ["ALL", "old", 24],
  ["SUCCESS", "old", 18],
  ["REFUND", "old", 26],
] as const)("a bill of type %s with %s columns has %d columns", (type, set, count) => {
  expect(columnsOf(type, set)).toHaveLength(count);
});

test("the old columns match those of WeChat's files", () => {
  const all =
    "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率";
  expect(headerLine(columnsOf("ALL", "old"))).toBe(all);
  expect(headerLine(columnsOf("REFUND", "old"))).toBe(
    all.replace("微信退款单号", "退款申请时间,退款成功时间,微信退款单号"),
  );
});

test.each([
  [0, "0.00"],
  [1, "0.01"],
  [10, "0.10"],
  [129_900, "1299.00"],
  [-7, "-0.07"],
  [-100, "-1.00"],
  [9_007_199_254_740_991, "90071992547409.91"],
])("yuan formats %d fen as %s", (fee, text) => {
  expect(yuan(fee)).toBe(text);
});

describe("the service fee", () => {
  const order = orderOf({ 订单金额: "0.01" });
  test.each([
    [1, "0.00000"],
    [83, "0.00000"],
    [84, "0.01000"],
    [600, "0.04000"],
    [5000, "0.30000"],
  ])("of %d fen is %s, rounded half up", (totalFee, serviceFee) => {
    expect(paymentLine({ ...order, totalFee }).values.serviceFee).toBe(serviceFee);
  });

  test("is refunded with a refund, unless the refund is closed", () => {
    const refund = { ...refundOf({ 申请退款金额: "50.00" }) };
    expect(refundLine(refund, order, "ALL")).toMatchObject({
      serviceFee: -30,
      values: { serviceFee: "-0.30000", rate: "0.60%" },
    });
    const closed = refundLine({ ...refund, status: "REFUNDCLOSE" }, order, "ALL");
    expect(closed).toMatchObject({ serviceFee: 0, values: { refundState: "FAIL" } });
  });
});

describe("a bill's file", () => {
  beforeEach(async () => {
    await resetSandbox();
    await placePaidOrder(NUMBER, { body: "一,二", attach: "a,b\r\nc\nd", device_info: "till,1" });
  });

  test("starts with a byte order mark and ends every line with CRLF", async () => {
    const text = await billText();
    expect(text.startsWith("\uFEFF交易时间,")).toBe(true);
    expect(text.endsWith("\r\n")).toBe(true);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(text.split("\r\n")).toHaveLength(5);
  });

  test("escapes commas and line breaks in merchants' text", async () => {
    const { rows } = await fetchBill();
    expect(rows[0]).toMatchObject({
      商品名称: "一\\ 二",
      商户数据包: String.raw`a\ b\nc\nd`,
      设备号: "till\\ 1",
    });
  });

  test("has no byte order mark, LF, and no final line break when set so", async () => {
    await changeSettings({ billBom: false, billLineBreak: "lf", billFinalBreak: false });
    const text = await billText();
    expect(text.startsWith("交易时间,")).toBe(true);
    expect(text.split("\n")).toHaveLength(4);
    expect(text).not.toContain("\r");
    expect(text.endsWith("`0.00")).toBe(true);
  });

  test("has the old columns and the old summary when set so", async () => {
    await changeSettings({ billColumns: "old" });
    advanceClock(1000);
    await requestRefund(NUMBER, "R1");
    const { columns, rows, summary } = await fetchBill();
    expect(columns).toHaveLength(24);
    expect(rows).toMatchObject([
      { 子商户号: "0", 总金额: "1.00", 企业红包金额: "0.00" },
      { 总金额: "0.00", 退款金额: "0.40", 企业红包退款金额: "0.00" },
    ]);
    expect(summary).toEqual({
      总交易单数: "2",
      总交易额: "1.00",
      总退款金额: "0.40",
      总企业红包退款金额: "0.00",
      手续费总金额: "0.01000",
    });
  });
});
