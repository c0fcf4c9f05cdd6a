import { BillReader, type BillFault, type NumberedLine } from "../../../src/domain/bill/reader.ts";
import type { Tally } from "../../../src/domain/bill/tally.ts";

export const MCH_ID = "1900000109";

/** The result of reading a bill. */
export interface Read {
  readonly lines: readonly NumberedLine[];
  readonly tally: Tally;
  readonly fault: BillFault | null;
}

/** Reads a bill in these chunks. */
export function readChunks(chunks: readonly string[], mchId = MCH_ID): Read {
  const reader = new BillReader(mchId);
  const lines = chunks.flatMap((chunk) => reader.push(chunk));
  lines.push(...reader.end());
  return { lines, tally: reader.tally, fault: reader.fault };
}

/** Reads a bill in one chunk. */
export function readWhole(text: string, mchId = MCH_ID): Read {
  return readChunks([text], mchId);
}

/** A line of values, as WeChat writes it. */
export function valuesLine(values: readonly string[]): string {
  return values.map((value) => `\`${value}`).join(",");
}

export const NAMES = {
  all: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
  success:
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注",
  refund:
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
  old: "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,代金券或立减优惠金额,微信退款单号,商户退款单号,退款金额,代金券或立减优惠退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率",
} as const;

export const SUMMARY =
  "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

/** A line with these columns: a missing value is empty, or `0.00` in a column of amounts. */
export function lineOf(names: string, values: Readonly<Record<string, string>>): string {
  const defaults: Readonly<Record<string, string>> = { 商户号: MCH_ID, 货币种类: "CNY" };
  return valuesLine(
    names
      .split(",")
      .map((name) => values[name] ?? defaults[name] ?? (name.includes("金额") ? "0.00" : "")),
  );
}
