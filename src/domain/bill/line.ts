import { cellsOf, withoutTexts, type Columns } from "./columns.ts";
import { fenOfYuan } from "./yuan.ts";

const REFUND_STATUSES = ["SUCCESS", "PROCESSING", "FAIL", "CHANGE"] as const;

/**
 * A refund's status when the bill was generated; the bill isn't corrected later
 * (W-56, W-63). FAIL is the API's CLOSED, CHANGE its ABNORMAL.
 */
export type BillRefundStatus = (typeof REFUND_STATUSES)[number];

/** Identifies the trade of a line; "" for a missing or unreadable value. */
interface TradeNumbers {
  readonly orderNumber: string;
  readonly transactionId: string;
  /** Some bills have no appids. */
  readonly wechatAppId: string;
}

/** A received payment. */
export interface BillPayment extends TradeNumbers {
  readonly kind: "payment";
  readonly totalFen: number;
}

/** A refund that was requested on that day. Its order may be from another day. */
export interface BillRefund extends TradeNumbers {
  readonly kind: "refund";
  readonly refundNo: string;
  readonly refundId: string;
  /** The requested amount. */
  readonly refundFen: number;
  readonly status: BillRefundStatus;
}

/** A payment by code that was reversed at the till (REVOKED): no money was received. */
export interface BillRevocation extends TradeNumbers {
  readonly kind: "revoked";
}

/** A line that differs from WeChat's documentation. Nothing about it is guessed. */
export interface UnreadableLine extends TradeNumbers {
  readonly kind: "unreadable";
  readonly refundNo: string;
  /** The reason, without the value. */
  readonly fault: string;
}

export type BillLine = BillPayment | BillRefund | BillRevocation | UnreadableLine;

/** A line with the two amounts that the bill's summary adds up; null if unreadable. */
export interface ReadLine {
  readonly line: BillLine;
  readonly orderFen: number | null;
  readonly refundFen: number | null;
}

/** In characters. Numbers have at most 32, refund numbers 64; twice that is certainly invalid. */
const MAX_NUMBER_LENGTH = 128;
const PRINTABLE = /^[\x21-\x7e]+$/;

const TRADE_STATES: ReadonlySet<string> = new Set(["SUCCESS", "REFUND", "REVOKED"]);

/** Reads a line of a bill. `mchId`: the merchant that the bill should belong to. */
export function readLine(text: string, columns: Columns, mchId: string): ReadLine {
  const split = cellsOf(text);
  if (split === null) return withoutNumbers("no leading backtick");
  const cells = split.length === columns.count ? split : rejoined(split, columns);
  if (cells === null) return withoutNumbers(`${split.length} columns`);
  const valueAt = valuesIn(cells);
  const orderFen = fenOfYuan(valueAt(columns.total));
  const refundFen = columns.refund === null ? 0 : fenOfYuan(valueAt(columns.refund.amount));
  return { line: classify(valueAt, columns, mchId, { orderFen, refundFen }), orderFen, refundFen };
}

/**
 * The line's values when a merchant's text holds the separator. Null unless there is exactly one way to
 * read the line with a known state and with amounts where amounts belong.
 */
function rejoined(cells: readonly string[], columns: Columns): readonly string[] | null {
  const [only, ...others] = withoutTexts(cells, columns).filter((candidate) => {
    const valueAt = valuesIn(candidate);
    return (
      TRADE_STATES.has(valueAt(columns.tradeState)) &&
      columns.amounts.every((index) => fenOfYuan(valueAt(index)) !== null)
    );
  });
  return others.length === 0 ? (only ?? null) : null;
}

/** Values without the blanks around them, which some lines have. */
function valuesIn(cells: readonly string[]): (index: number) => string {
  return (index) => (cells[index] ?? "").trim();
}

function withoutNumbers(fault: string): ReadLine {
  return { line: unreadable(NO_NUMBERS, fault), orderFen: null, refundFen: null };
}

type Amounts = Pick<ReadLine, "orderFen" | "refundFen">;

function classify(
  valueAt: (index: number) => string,
  columns: Columns,
  mchId: string,
  { orderFen, refundFen }: Amounts,
): BillLine {
  const state = valueAt(columns.tradeState);
  const refundColumns = state === "REFUND" ? columns.refund : null;
  const numbers = {
    orderNumber: numberIn(valueAt(columns.orderNumber)),
    transactionId: numberIn(valueAt(columns.transactionId)),
    wechatAppId: columns.wechatAppId === null ? "" : numberIn(valueAt(columns.wechatAppId)),
    refundNo: refundColumns === null ? "" : numberIn(valueAt(refundColumns.refundNo)),
  };
  const { refundNo, ...trade } = numbers;
  if (columns.mchId !== null && valueAt(columns.mchId) !== mchId) {
    return unreadable(numbers, "another 商户号");
  }
  if (columns.currency !== null && valueAt(columns.currency) !== "CNY") {
    return unreadable(numbers, "货币种类 isn't CNY");
  }
  if (trade.orderNumber === "") return unreadable(numbers, "no 商户订单号");
  if (trade.transactionId === "") return unreadable(numbers, "no 微信订单号");
  switch (state) {
    case "SUCCESS":
      if (orderFen === null || orderFen < 0) return unreadable(numbers, "订单金额 isn't an amount");
      return { kind: "payment", ...trade, totalFen: orderFen };
    case "REVOKED":
      return { kind: "revoked", ...trade };
    case "REFUND": {
      if (refundColumns === null) return unreadable(numbers, "a refund without columns for it");
      if (refundNo === "") return unreadable(numbers, "no 商户退款单号");
      if (refundFen === null || refundFen < 0) {
        return unreadable(numbers, "申请退款金额 isn't an amount");
      }
      const status = valueAt(refundColumns.status);
      if (!isRefundStatus(status)) return unreadable(numbers, "an unlisted 退款状态");
      const refundId = numberIn(valueAt(refundColumns.refundId));
      return { kind: "refund", ...trade, refundNo, refundId, refundFen, status };
    }
    default:
      return unreadable(numbers, "an unlisted 交易状态");
  }
}

const NO_NUMBERS = { orderNumber: "", transactionId: "", wechatAppId: "", refundNo: "" };

function unreadable(numbers: typeof NO_NUMBERS, fault: string): UnreadableLine {
  return { kind: "unreadable", ...numbers, fault };
}

/** A number of WeChat's or ours; "" for an invalid one. `0` means none (W-63). */
function numberIn(cell: string): string {
  return cell !== "0" && cell.length <= MAX_NUMBER_LENGTH && PRINTABLE.test(cell) ? cell : "";
}

/** Whether `text` is a documented status of a refund. */
export function isRefundStatus(text: string): text is BillRefundStatus {
  return REFUND_STATUSES.some((status) => status === text);
}
