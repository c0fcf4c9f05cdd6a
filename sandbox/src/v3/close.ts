import { z } from "zod";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { closeOrder } from "../rules/close-order.ts";
import { locateOrder } from "../rules/find-order.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { mchid } from "./fields.ts";
import type { ApiResponse } from "./response.ts";

/** Body of the close (W-82). */
export const closeBody = z.strictObject({ mchid });

/**
 * POST …/out-trade-no/{out_trade_no}/close: closes an unpaid order that is old enough. Closing a
 * closed order succeeds. Body of the close (W-82).
 */
export function close(ledger: LedgerTransaction, mchId: string, outTradeNo: string): ApiResponse {
  const order = locateOrder(ledger, mchId, { outTradeNo, transactionId: null });
  if (!order.ok) return ERROR_CODES[order.error];
  const closed = closeOrder(ledger, order.value);
  return closed.ok ? { kind: "no-content" } : ERROR_CODES[closed.error];
}
