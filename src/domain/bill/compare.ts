import type { PayState, RefundState } from "../states.ts";
import type { BillPayment, BillRefund, BillRefundStatus } from "./line.ts";

/** An order of ours, as far as a bill is compared with it. */
export interface OurPayment {
  readonly id: number;
  readonly totalFen: number;
  readonly payState: PayState;
  readonly transactionId: string | null;
}

/** A refund of ours, as far as a bill is compared with it. */
export interface OurRefund {
  readonly id: number;
  readonly orderNumber: string;
  readonly refundFen: number;
  readonly state: RefundState;
}

/**
 * `unknown`: we have no such trade. `amount differs`: or another of what names it; asking WeChat
 * again would mend nothing. `state differs`: WeChat is asked, for we may have missed its news.
 */
export type BillComparison = "agrees" | "unknown" | "amount differs" | "state differs";

/** Compares a received payment with what we have of it. */
export function compareBillPayment(
  bill: BillPayment,
  ours: OurPayment | undefined,
): BillComparison {
  if (ours === undefined) return "unknown";
  if (ours.totalFen !== bill.totalFen) return "amount differs";
  if (ours.payState !== "paid") return "state differs";
  return ours.transactionId === bill.transactionId ? "agrees" : "amount differs";
}

/** Compares a refund that was applied for with what we have of it. */
export function compareBillRefund(bill: BillRefund, ours: OurRefund | undefined): BillComparison {
  if (ours === undefined) return "unknown";
  if (ours.refundFen !== bill.refundFen || ours.orderNumber !== bill.orderNumber) {
    return "amount differs";
  }
  return statesAfter(bill.status).includes(ours.state) ? "agrees" : "state differs";
}

/**
 * Where a refund may be by now that the bill saw in `status`. The bill is older than our record,
 * so ours may be further on.
 */
function statesAfter(status: BillRefundStatus): readonly RefundState[] {
  switch (status) {
    case "SUCCESS":
      return ["succeeded"];
    case "PROCESSING":
      return ["accepted", "abnormal", "succeeded", "closed"];
    case "FAIL":
      // No money has moved, and what WeChat refused moves none either.
      return ["closed", "abnormal", "refused"];
    case "CHANGE":
      return ["abnormal", "succeeded", "closed"];
  }
}
