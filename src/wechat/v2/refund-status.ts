import type { RefundStatus } from "../types.ts";

const STATUSES: ReadonlyMap<string, RefundStatus> = new Map([
  ["PROCESSING", "processing"],
  ["SUCCESS", "succeeded"],
  // Not done and never will be: only now may a new number be tried.
  ["REFUNDCLOSE", "closed"],
  // The payer's card is dead or frozen; a person must act in WeChat's merchant platform.
  ["CHANGE", "abnormal"],
]);

/** `refund_status` of refundquery and of the refund notification (W-47); null when unlisted. */
export function readRefundStatus(text: string | undefined): RefundStatus | null {
  return STATUSES.get(text ?? "") ?? null;
}
