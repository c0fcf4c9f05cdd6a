import { err, ok, type Result } from "../../lib/result.ts";

/**
 * Where in a line the values are that reconciliation needs. Found by their names, for bills of one
 * merchant differ in their columns: ALL, SUCCESS and REFUND have other sets, and the set of before
 * 2019 has other names (WeChat: downloadbill).
 */
export interface Columns {
  /** How many a line has. */
  readonly count: number;
  readonly transactionId: number;
  readonly orderNumber: number;
  readonly tradeState: number;
  /** What the payer's order came to, coupons included. */
  readonly total: number;
  readonly refund: RefundColumns | null;
  readonly mchId: number | null;
  readonly currency: number | null;
}

export interface RefundColumns {
  readonly refundNo: number;
  readonly refundId: number;
  /** What was applied for, coupons included. */
  readonly amount: number;
  readonly status: number;
}

/**
 * The two sets of names for amounts. They don't mix: 退款金额 is what was applied for in the old
 * set only; in the new one it leaves out coupons, and 申请退款金额 is what was applied for.
 */
const NEW_AMOUNTS = { total: "订单金额", refund: "申请退款金额" } as const;
const OLD_AMOUNTS = { total: "总金额", refund: "退款金额" } as const;

/**
 * Reads a bill's first line. On failure: which column is missing. Columns may come in any order,
 * and there may be others.
 */
export function readColumns(line: string): Result<Columns, string> {
  const names = cellsOfHeader(line);
  const places = new Map(names.map((name, place) => [name, place]));
  if (places.size !== names.length) return err("a column name that is there twice");
  const amounts = places.has(NEW_AMOUNTS.total) ? NEW_AMOUNTS : OLD_AMOUNTS;
  const total = places.get(amounts.total);
  const transactionId = places.get("微信订单号");
  const orderNumber = places.get("商户订单号");
  const tradeState = places.get("交易状态");
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
    refund: refundColumns(places, amounts.refund),
    mchId: places.get("商户号") ?? null,
    currency: places.get("货币种类") ?? null,
  });
}

/** Null when one is missing: a bill of payments alone has none of them. */
function refundColumns(
  places: ReadonlyMap<string, number>,
  amountName: string,
): RefundColumns | null {
  const refundNo = places.get("商户退款单号");
  const refundId = places.get("微信退款单号");
  const amount = places.get(amountName);
  const status = places.get("退款状态");
  return refundNo === undefined ||
    refundId === undefined ||
    amount === undefined ||
    status === undefined
    ? null
    : { refundNo, refundId, amount, status };
}

/** The names in a line of names. They have no backticks in the bills known; none is taken amiss. */
export function cellsOfHeader(line: string): string[] {
  return line.split(",").map((name) => name.replace(/^`/, "").trim());
}

/**
 * The values in a line of values: each has a backtick before it, so that a comma in a merchant's
 * text separates nothing. Null when the line isn't of that form.
 */
export function cellsOf(line: string): string[] | null {
  return line.startsWith("`") ? line.slice(1).split(",`") : null;
}
