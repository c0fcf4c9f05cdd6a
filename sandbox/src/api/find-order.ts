import type { Books } from "../ledger/books.ts";
import { findByTransaction, findOrder, type Order } from "../ledger/orders.ts";
import { refused, type Answer } from "../protocol/answers.ts";
import type { ApiRequest } from "./request.ts";

export type Found = { ok: true; order: Order } | { ok: false; answer: Answer };

const NO_ORDER = refused("ORDERNOTEXIST", "订单不存在");

/**
 * Finds the order a call is about: by transaction_id when given, else by out_trade_no.
 * ORDERNOTEXIST when there is none, or `noTransaction` when a transaction_id is wrong. Whether WeChat lets an order be handled through another appid
 * of the same merchant is not published: the sandbox refuses it with PARAM_ERROR.
 */
export function locateOrder(
  { sql }: Books,
  { merchant, params }: ApiRequest,
  noTransaction: Answer = NO_ORDER,
): Found {
  const transactionId = params.get("transaction_id");
  const byTransaction = transactionId !== undefined;
  const order = byTransaction
    ? findByTransaction(sql, merchant.mchId, transactionId)
    : findOrder(sql, merchant.mchId, params.get("out_trade_no") ?? "");
  if (order === undefined) return { ok: false, answer: byTransaction ? noTransaction : NO_ORDER };
  const mismatch = otherApp(order, params);
  return mismatch === undefined ? { ok: true, order } : { ok: false, answer: mismatch };
}

/** The refusal of a call that names another appid than the order has. */
export function otherApp(order: Order, params: ReadonlyMap<string, string>): Answer | undefined {
  return order.appId === params.get("appid")
    ? undefined
    : refused("PARAM_ERROR", "appid与下单时不一致");
}
