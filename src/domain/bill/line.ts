import { cellsOf, type Columns } from "./columns.ts";
import { fenOfYuan } from "./yuan.ts";

/**
 * What became of a refund by the day the bill was made; the bill isn't corrected later (WeChat:
 * downloadbill). FAIL is the API's CLOSED, CHANGE its ABNORMAL.
 */
export type BillRefundStatus = "SUCCESS" | "PROCESSING" | "FAIL" | "CHANGE";

const REFUND_STATUSES: ReadonlySet<string> = new Set<BillRefundStatus>([
  "SUCCESS",
  "PROCESSING",
  "FAIL",
  "CHANGE",
]);

/** Which trade a line is about, as far as it can be told; "" where it can't. */
interface Named {
  readonly orderNumber: string;
  readonly transactionId: string;
}

/** A payment that was received. */
export interface BillPayment extends Named {
  readonly kind: "payment";
  readonly totalFen: number;
}

/** A refund that was applied for that day. Its order may be of another day. */
export interface BillRefund extends Named {
  readonly kind: "refund";
  readonly refundNo: string;
  readonly refundId: string;
  /** What was applied for. */
  readonly refundFen: number;
  readonly status: BillRefundStatus;
}

/** A payment by code that was taken back at the till (REVOKED): no money was received. */
export interface BillRevocation extends Named {
  readonly kind: "revoked";
}

/** A line that isn't as WeChat documents it. Nothing about it is guessed. */
export interface UnreadableLine extends Named {
  readonly kind: "unreadable";
  readonly refundNo: string;
  /** What is wrong, without the value. */
  readonly fault: string;
}

export type BillLine = BillPayment | BillRefund | BillRevocation | UnreadableLine;

/** A line with the two amounts that the bill's summary adds up; null where one isn't readable. */
export interface ReadLine {
  readonly line: BillLine;
  readonly orderFen: number | null;
  readonly refundFen: number | null;
}

/** Characters. Numbers have at most 32, refund numbers 64; twice that is no number. */
const MOST_NUMBER_LENGTH = 128;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** Reads a line of a bill, `mchId` being the merchant whose bill it should be. */
export function readLine(text: string, columns: Columns, mchId: string): ReadLine {
  const cells = cellsOf(text);
  if (cells === null || cells.length !== columns.count) {
    const fault = cells === null ? "no backtick before it" : `${cells.length} columns`;
    return { line: unreadable(NAMELESS, fault), orderFen: null, refundFen: null };
  }
  const at = (place: number): string => cells[place] ?? "";
  const orderFen = fenOfYuan(at(columns.total));
  const refundFen = columns.refund === null ? 0 : fenOfYuan(at(columns.refund.amount));
  return { line: judge(at, columns, mchId, { orderFen, refundFen }), orderFen, refundFen };
}

type Amounts = Pick<ReadLine, "orderFen" | "refundFen">;

function judge(
  at: (place: number) => string,
  columns: Columns,
  mchId: string,
  { orderFen, refundFen }: Amounts,
): BillLine {
  const state = at(columns.tradeState);
  const ofRefund = state === "REFUND" ? columns.refund : null;
  const named = {
    orderNumber: numberIn(at(columns.orderNumber)),
    transactionId: numberIn(at(columns.transactionId)),
    refundNo: ofRefund === null ? "" : numberIn(at(ofRefund.refundNo)),
  };
  const { orderNumber, transactionId, refundNo } = named;
  if (columns.mchId !== null && at(columns.mchId) !== mchId) {
    return unreadable(named, "another 商户号");
  }
  if (columns.currency !== null && at(columns.currency) !== "CNY") {
    return unreadable(named, "货币种类 isn't CNY");
  }
  if (orderNumber === "") return unreadable(named, "no 商户订单号");
  if (transactionId === "") return unreadable(named, "no 微信订单号");
  switch (state) {
    case "SUCCESS":
      if (orderFen === null || orderFen < 0) return unreadable(named, "订单金额 isn't an amount");
      return { kind: "payment", orderNumber, transactionId, totalFen: orderFen };
    case "REVOKED":
      return { kind: "revoked", orderNumber, transactionId };
    case "REFUND": {
      if (ofRefund === null) return unreadable(named, "a refund without columns for it");
      if (refundNo === "") return unreadable(named, "no 商户退款单号");
      if (refundFen === null || refundFen < 0) {
        return unreadable(named, "申请退款金额 isn't an amount");
      }
      const status = at(ofRefund.status);
      if (!isRefundStatus(status)) return unreadable(named, "an unlisted 退款状态");
      const refundId = numberIn(at(ofRefund.refundId));
      return { kind: "refund", orderNumber, transactionId, refundNo, refundId, refundFen, status };
    }
    default:
      return unreadable(named, "an unlisted 交易状态");
  }
}

const NAMELESS = { orderNumber: "", transactionId: "", refundNo: "" };

function unreadable(named: typeof NAMELESS, fault: string): UnreadableLine {
  return { kind: "unreadable", ...named, fault };
}

/** A number of WeChat's or ours; "" for what can't be one. `0` stands for none (WeChat: samples). */
function numberIn(cell: string): string {
  return cell !== "0" && cell.length <= MOST_NUMBER_LENGTH && PRINTABLE.test(cell) ? cell : "";
}

/** Whether a word is one of the four. */
export function isRefundStatus(text: string): text is BillRefundStatus {
  return REFUND_STATUSES.has(text);
}
