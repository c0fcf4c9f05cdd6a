import type { Books } from "../ledger/books.ts";
import type { Order } from "../ledger/orders.ts";
import { locateOrder } from "../rules/find-order.ts";
import { refused, type Answer } from "./answers.ts";
import { REFUSALS } from "./refusals.ts";
import type { ApiRequest } from "./request.ts";

export type Found = { ok: true; order: Order } | { ok: false; answer: Answer };

/**
 * Finds the order a call is about: by transaction_id when given, else by out_trade_no.
 * ORDERNOTEXIST when there is none, or `noTransaction` when a transaction_id is wrong. Whether
 * WeChat lets an order be handled through another appid of the same merchant is not published: the
 * sandbox refuses it with PARAM_ERROR.
 */
export function orderOf(
  books: Books,
  { merchant, params }: ApiRequest,
  noTransaction: Answer = REFUSALS["no-transaction"],
): Found {
  const ruling = locateOrder(books, merchant.mchId, {
    transactionId: params.get("transaction_id"),
    outTradeNo: params.get("out_trade_no"),
  });
  if (!ruling.ok) {
    const { refusal } = ruling;
    return {
      ok: false,
      answer: refusal === "no-transaction" ? noTransaction : REFUSALS[refusal],
    };
  }
  const order = ruling.value;
  const mismatch = otherApp(order, params);
  return mismatch === undefined ? { ok: true, order } : { ok: false, answer: mismatch };
}

/** The refusal of a call that names another appid than the order has. */
export function otherApp(order: Order, params: ReadonlyMap<string, string>): Answer | undefined {
  return order.appId === params.get("appid")
    ? undefined
    : refused("PARAM_ERROR", "appid与下单时不一致");
}
