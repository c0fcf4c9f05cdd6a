import * as z from "zod";
import type { RefundStatus } from "../types.ts";

/** `status` of a refund, `refund_status` of its notification (W-84, W-90). */
export const refundStatus = z.enum(["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"]);

/** What WeChat's word means. */
export function readRefundStatus(status: z.infer<typeof refundStatus>): RefundStatus {
  switch (status) {
    case "PROCESSING":
      return "processing";
    case "SUCCESS":
      return "succeeded";
    case "CLOSED":
      // Not done and never will be: only now may a new number be tried.
      return "closed";
    case "ABNORMAL":
      // The payer's card is dead or frozen; a person must act in WeChat's merchant platform.
      return "abnormal";
  }
}
