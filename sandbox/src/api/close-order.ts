import type { Books } from "../ledger/books.ts";
import { setTradeState } from "../ledger/orders.ts";
import { readSettings } from "../ledger/settings.ts";
import { done, refused, type Answer } from "../protocol/answers.ts";
import { locateOrder } from "./find-order.ts";
import type { ApiRequest } from "./request.ts";

/** POST /pay/closeorder. Closing a closed order is fine. WeChat docs: closeorder. */
export function closeOrder(books: Books, request: ApiRequest): Answer {
  const { sql, now } = books;
  const found = locateOrder(books, request);
  if (!found.ok) return found.answer;
  const { order } = found;
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return refused("ORDERPAID", "订单已支付");
    case "CLOSED":
      return done([["result_msg", "OK"]]);
    case "NOTPAY":
      break;
  }
  if (now - order.createdAt < readSettings(sql).closeAfterMs) {
    return refused("TRADE_STATE_ERROR", "订单生成后不能马上调用关单接口,最短间隔5分钟");
  }
  setTradeState(sql, order, "CLOSED");
  return done([["result_msg", "OK"]]);
}
