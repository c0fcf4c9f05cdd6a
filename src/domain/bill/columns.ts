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
  readonly wechatAppId: number | null;
  readonly mchId: number | null;
  readonly currency: number | null;
  /** All columns of amounts. */
  readonly amounts: readonly number[];
  /** Columns with text of merchants' systems, neighbours together. */
  readonly texts: readonly ColumnRun[];
}

/** Columns side by side, by their indexes; both inclusive. */
export interface ColumnRun {
  readonly from: number;
  readonly to: number;
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
/** What a merchant's system may write into an order (W-60). */
const TEXTS: ReadonlySet<string> = new Set(["设备号", "商品名称", "商户数据包"]);

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
    wechatAppId: indexes.get("公众账号ID") ?? null,
    mchId: indexes.get("商户号") ?? null,
    currency: indexes.get("货币种类") ?? null,
    amounts: names.flatMap((name, index) => (name.endsWith("金额") ? index : [])),
    texts: runsOf(names.flatMap((name, index) => (TEXTS.has(name) ? index : []))),
  });
}

function runsOf(ascending: readonly number[]): ColumnRun[] {
  return ascending
    .filter((index) => !ascending.includes(index - 1))
    .map((from) => {
      let to = from;
      while (ascending.includes(to + 1)) to += 1;
      return { from, to };
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

/**
 * The names in a header, or the values of the summary: neither holds a merchant's text. Backticks and
 * blanks around them are ignored, as WeChat isn't consistent about either (W-61).
 */
export function cellsOfHeader(line: string): string[] {
  return line.split(",").map((cell) => cell.trim().replace(/^`/, "").trim());
}

/**
 * The values in a line. A backtick precedes each one, so that a comma in a merchant's text isn't a
 * separator. Null when the line doesn't have this form.
 */
export function cellsOf(line: string): string[] | null {
  const text = line.trimStart();
  return text.startsWith("`") ? text.slice(1).split(",`") : null;
}

/**
 * The ways to read a line of more values than columns, when a merchant's text holds the separator
 * itself: the texts' own values are left empty, since reconciliation needs none. A line in which
 * columns far apart hold the separator isn't covered.
 */
export function withoutTexts(cells: readonly string[], { count, texts }: Columns): string[][] {
  const extra = cells.length - count;
  if (extra <= 0) return [];
  return texts.map(({ from, to }) => [
    ...cells.slice(0, from),
    ...Array.from({ length: to - from + 1 }, () => ""),
    ...cells.slice(to + 1 + extra),
  ]);
}
