import type { LedgerTransaction } from "../ledger/transaction.ts";
import { closeOrder } from "../rules/close-order.ts";
import type { AuthenticatedCall } from "./call.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { COMMON_FIELDS, OUT_TRADE_NO, required, type FieldTable } from "./fields.ts";
import { findRequestedOrder } from "./find-order.ts";
import { success, type ApiResponse } from "./response.ts";

/** Fields of closeorder (W-33). */
export const CLOSE_FIELDS: FieldTable = {
  fields: { ...COMMON_FIELDS, out_trade_no: required(OUT_TRADE_NO) },
};

/**
 * POST /pay/closeorder: closes an unpaid order that is old enough. Closing a closed order succeeds.
 * A paid order fails with ORDERPAID, one of less than five minutes with TRADE_STATE_ERROR.
 *
 * Fields of closeorder (W-33).
 */
export function close(ledger: LedgerTransaction, call: AuthenticatedCall): ApiResponse {
  const order = findRequestedOrder(ledger, call);
  if (!order.ok) return order.error;
  const closed = closeOrder(ledger, order.value);
  return closed.ok ? success([["result_msg", "OK"]]) : ERROR_CODES[closed.error];
}
