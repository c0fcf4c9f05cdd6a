import { findOrderWithRefunds } from "../../db/refunds.ts";
import { isFinal } from "../../domain/refund.ts";
import type { OrderContext } from "../context.ts";
import { importPlatformRefund } from "./import.ts";
import { queryRefund } from "./outcome.ts";

/**
 * Queries WeChat about one refund of the order that WeChat's bill has, and records the answer. One
 * that isn't on record is imported.
 */
export async function syncRefund(context: OrderContext, refundNo: string): Promise<null> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null) return null;
  const refund = found.refunds.find(({ number }) => number === refundNo);
  if (refund === undefined) await importPlatformRefund(context, found.order, refundNo);
  else if (!isFinal(refund.state)) await queryRefund(context, refundNo, true);
  return null;
}
