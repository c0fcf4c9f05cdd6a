import { err, ok, type Result } from "../../lib/result.ts";

/**
 * The indexes of the values that reconciliation needs. Columns are found by name, because their sets
 * differ: ALL, SUCCESS and REFUND have different columns, and bills from before 2019 have different
 * names (W-59).
 */
export interface Columns {
  /** Number of values in a line. */
  readonly count: number;
  readonly transactionId: number;
  readonly orderNumber: number;
  readonly tradeState: number;
  /** The order's amount, including coupons. */
  readonly total: number;
  readonly refund: RefundColumns | null;
  readonly mchId: number | null;
  readonly currency: number | null;
}

export interface RefundColumns {
  readonly refundNo: number;
  readonly refundId: number;
  /** The requested amount, including coupons. */
  readonly amount: number;
  readonly status: number;
}

/**
 * The two sets of names for amounts. They must not be mixed: 退款金额 is the requested amount in the
 * old set only; in the new set it excludes coupons, and 申请退款金额 is the requested amount.
 */
const NEW_AMOUNTS = { total: "订单金额", refund: "申请退款金额" } as const;
const OLD_AMOUNTS = { total: "总金额", refund: "退款金额" } as const;

/**
 * Reads a bill's header, its first line. On failure: the missing column. The order of columns doesn't
 * matter, and unknown columns are ignored.
 */
export function readColumns(line: string): Result<Columns, string> {
  const names = cellsOfHeader(line);
  const indexes = new Map(names.map((name, index) => [name, index]));
  if (indexes.size !== names.length) return err("a repeated column name");
  const amounts = indexes.has(NEW_AMOUNTS.total) ? NEW_AMOUNTS : OLD_AMOUNTS;
  const total = indexes.get(amounts.total);
  const transactionId = indexes.get("微信订单号");
  const orderNumber = indexes.get("商户订单号");
  const tradeState = indexes.get("交易状态");
  if (transactionId === undefined) return err("no column 微信订单号");
  if (orderNumber === undefined) return err("no column 商户订单号");
  if (tradeState === undefined) return err("no column 交易状态");
  if (total === undefined) return err("no column 订单金额");
  return ok({
    count: names.length,
    transactionId,
    orderNumber,
    tradeState,
    total,
    refund: refundColumns(indexes, amounts.refund),
    mchId: indexes.get("商户号") ?? null,
    currency: indexes.get("货币种类") ?? null,
  });
}

/** Null when a column is missing: a bill of payments only has none of them. */
function refundColumns(
  indexes: ReadonlyMap<string, number>,
  amountName: string,
): RefundColumns | null {
  const refundNo = indexes.get("商户退款单号");
  const refundId = indexes.get("微信退款单号");
  const amount = indexes.get(amountName);
  const status = indexes.get("退款状态");
  return refundNo === undefined ||
    refundId === undefined ||
    amount === undefined ||
    status === undefined
    ? null
    : { refundNo, refundId, amount, status };
}

/** The names in a header. Known bills have no backticks there; they would be ignored. */
export function cellsOfHeader(line: string): string[] {
  return line.split(",").map((name) => name.replace(/^`/, "").trim());
}

/**
 * The values in a line. A backtick precedes each one, so that a comma in a merchant's text isn't a
 * separator. Null when the line doesn't have this form.
 */
export function cellsOf(line: string): string[] | null {
  return line.startsWith("`") ? line.slice(1).split(",`") : null;
}
