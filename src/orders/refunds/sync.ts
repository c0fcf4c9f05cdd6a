import { findOrderWithRefunds } from "../../db/refunds.ts";
import type { OrderContext } from "../context.ts";
import { importPlatformRefund } from "./import.ts";
import { isOpen, queryRefund } from "./outcome.ts";

/**
 * Queries WeChat about one refund of the order that WeChat's bill has, and records the answer. One
 * that isn't on record is imported.
 */
export async function syncRefund(context: OrderContext, refundNo: string): Promise<null> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null) return null;
  const refund = found.refunds.find(({ number }) => number === refundNo);
  if (refund === undefined) await importPlatformRefund(context, found.order, refundNo);
  else if (isOpen(refund.state)) await queryRefund(context, refundNo);
  return null;
}
