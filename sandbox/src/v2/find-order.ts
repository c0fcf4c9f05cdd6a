import type { Order } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { locateOrder } from "../rules/find-order.ts";
import { err, ok, type Result } from "../result.ts";
import type { AuthenticatedCall } from "./call.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { businessFailure, type Failure } from "./response.ts";

/**
 * Finds the order of a call: by transaction_id when given, else by out_trade_no. A wrong
 * transaction_id fails with `noTransaction`, by default ORDERNOTEXIST. WeChat doesn't publish whether
 * another appid of the same merchant can use the order: the sandbox refuses it with PARAM_ERROR.
 */
export function findRequestedOrder(
  ledger: LedgerTransaction,
  { merchant, params }: AuthenticatedCall,
  noTransaction: Failure = ERROR_CODES["no-transaction"],
): Result<Order, Failure> {
  const order = locateOrder(ledger, merchant.mchId, {
    transactionId: params.get("transaction_id") ?? null,
    outTradeNo: params.get("out_trade_no") ?? null,
  });
  if (!order.ok) {
    return err(order.error === "no-transaction" ? noTransaction : ERROR_CODES[order.error]);
  }
  const mismatch = checkAppId(order.value, params);
  return mismatch === null ? ok(order.value) : err(mismatch);
}

/** Refuses a call with another appid than the order's; null when it is the same. */
export function checkAppId(order: Order, params: ReadonlyMap<string, string>): Failure | null {
  return order.appId === params.get("appid")
    ? null
    : businessFailure("PARAM_ERROR", "appid与下单时不一致");
}
