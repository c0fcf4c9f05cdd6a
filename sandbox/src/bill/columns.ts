/** The types of bills. `bill_type` at WeChat (W-57). */
export const BILL_TYPES = ["ALL", "SUCCESS", "REFUND", "RECHARGE_REFUND"] as const;
export type BillType = (typeof BILL_TYPES)[number];

/** The two sets of columns that WeChat has used. Files with the old one are still in circulation. */
export const BILL_COLUMNS = ["new", "old"] as const;
export type ColumnSet = (typeof BILL_COLUMNS)[number];

/**
 * The columns and their names in both sets. The new names are those of the published samples; the old
 * ones those of files from 2015 to 2020, whose documentation had 代金券或立减优惠 instead of the
 * files' 企业红包.
 */
const COLUMNS = [
  { id: "time", new: "交易时间", old: "交易时间" },
  { id: "appId", new: "公众账号ID", old: "公众账号ID" },
  { id: "mchId", new: "商户号", old: "商户号" },
  { id: "subMchId", new: "特约商户号", old: "子商户号" },
  { id: "device", new: "设备号", old: "设备号" },
  { id: "transactionId", new: "微信订单号", old: "微信订单号" },
  { id: "outTradeNo", new: "商户订单号", old: "商户订单号" },
  { id: "openid", new: "用户标识", old: "用户标识" },
  { id: "tradeType", new: "交易类型", old: "交易类型" },
  { id: "tradeState", new: "交易状态", old: "交易状态" },
  { id: "bankType", new: "付款银行", old: "付款银行" },
  { id: "currency", new: "货币种类", old: "货币种类" },
  { id: "settlementTotal", new: "应结订单金额", old: "总金额" },
  { id: "couponAmount", new: "代金券金额", old: "企业红包金额" },
  { id: "refundRequestedAt", new: "退款申请时间", old: "退款申请时间" },
  { id: "refundSucceededAt", new: "退款成功时间", old: "退款成功时间" },
  { id: "refundId", new: "微信退款单号", old: "微信退款单号" },
  { id: "outRefundNo", new: "商户退款单号", old: "商户退款单号" },
  { id: "refundAmount", new: "退款金额", old: "退款金额" },
  { id: "couponRefundAmount", new: "充值券退款金额", old: "企业红包退款金额" },
  { id: "refundType", new: "退款类型", old: "退款类型" },
  { id: "refundState", new: "退款状态", old: "退款状态" },
  { id: "description", new: "商品名称", old: "商品名称" },
  { id: "attach", new: "商户数据包", old: "商户数据包" },
  { id: "serviceFee", new: "手续费", old: "手续费" },
  { id: "rate", new: "费率", old: "费率" },
  { id: "orderTotal", new: "订单金额", old: null },
  { id: "requestedRefundAmount", new: "申请退款金额", old: null },
  { id: "rateNote", new: "费率备注", old: null },
] as const;

export type Column = (typeof COLUMNS)[number]["id"];

const REFUND_COLUMNS: ReadonlySet<Column> = new Set([
  "refundId",
  "outRefundNo",
  "refundAmount",
  "couponRefundAmount",
  "refundType",
  "refundState",
  "requestedRefundAmount",
]);
const REFUND_BILL_COLUMNS: ReadonlySet<Column> = new Set([
  "refundRequestedAt",
  "refundSucceededAt",
]);

/** A column of a bill with its name in that bill. */
export interface NamedColumn {
  readonly id: Column;
  readonly name: string;
}

/** The columns of a bill, in order: 27, 20 or 29 of the new set, 24, 18 or 26 of the old one. */
export function columnsOf(type: BillType, set: ColumnSet): NamedColumn[] {
  return COLUMNS.flatMap(({ id, [set]: name }) => {
    const omitted =
      (type === "SUCCESS" && REFUND_COLUMNS.has(id)) ||
      (type !== "REFUND" && REFUND_BILL_COLUMNS.has(id));
    return name === null || omitted ? [] : [{ id, name }];
  });
}

/** The first line of a bill: the names of its columns. */
export function headerLine(columns: readonly NamedColumn[]): string {
  return columns.map(({ name }) => name).join(",");
}

/** The header of the summary. */
export const SUMMARY_NAMES: Readonly<Record<ColumnSet, string>> = {
  new: "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
  old: "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额",
};
