import type { PayState, RefundState } from "../states.ts";
import type { BillPayment, BillRefund, BillRefundStatus } from "./line.ts";

/** The fields of an order in our record that are compared with a bill. */
export interface OurPayment {
  readonly id: number;
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly payState: PayState;
  readonly transactionId: string | null;
}

/** The fields of a refund in our record that are compared with a bill. */
export interface OurRefund {
  readonly id: number;
  readonly orderNumber: string;
  /** The order's. */
  readonly wechatAppId: string;
  readonly refundFen: number;
  readonly state: RefundState;
}

/**
 * `unknown`: the record has no such trade. `amount differs`: the amount or an identifier differs;
 * querying WeChat wouldn't help. `state differs`: query WeChat, the gateway may have missed its
 * notification.
 */
export type BillComparison = "agrees" | "unknown" | "amount differs" | "state differs";

/** Compares a payment in a bill with our record. */
export function compareBillPayment(
  bill: BillPayment,
  ours: OurPayment | undefined,
): BillComparison {
  if (ours === undefined) return "unknown";
  if (ours.totalFen !== bill.totalFen || isOfAnotherApp(bill, ours)) return "amount differs";
  if (ours.payState !== "paid") return "state differs";
  return ours.transactionId === bill.transactionId ? "agrees" : "amount differs";
}

/** Compares a refund in a bill with our record. */
export function compareBillRefund(bill: BillRefund, ours: OurRefund | undefined): BillComparison {
  if (ours === undefined) return "unknown";
  if (
    ours.refundFen !== bill.refundFen ||
    ours.orderNumber !== bill.orderNumber ||
    isOfAnotherApp(bill, ours)
  ) {
    return "amount differs";
  }
  return statesAfter(bill.status).includes(ours.state) ? "agrees" : "state differs";
}

/** A bill without appids says nothing. */
function isOfAnotherApp(
  bill: Pick<BillPayment, "wechatAppId">,
  ours: Pick<OurPayment, "wechatAppId">,
): boolean {
  return bill.wechatAppId !== "" && bill.wechatAppId !== ours.wechatAppId;
}

/**
 * The states in our record that agree with a bill's `status`. The bill is older than our record, so
 * the refund may have progressed since.
 */
function statesAfter(status: BillRefundStatus): readonly RefundState[] {
  switch (status) {
    case "SUCCESS":
      return ["succeeded"];
    case "PROCESSING":
      return ["accepted", "abnormal", "succeeded", "closed"];
    case "FAIL":
      // No money has moved, and none moves for a refund that WeChat refused.
      return ["closed", "abnormal", "refused"];
    case "CHANGE":
      return ["abnormal", "succeeded", "closed"];
  }
}
