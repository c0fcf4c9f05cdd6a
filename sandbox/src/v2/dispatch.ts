import type { Books } from "../ledger/books.ts";
import type { CommonCall } from "../ledger/fault-names.ts";
import { refused, type Answer } from "./answers.ts";
import { checkFields, type FieldTable } from "./fields.ts";
import { CLOSE_ORDER, ORDER_QUERY, REFUND, REFUND_QUERY, UNIFIED_ORDER } from "./tables.ts";
import { closeOrder } from "./close-order.ts";
import { orderQuery } from "./order-query.ts";
import { refund } from "./refund.ts";
import { refundQuery } from "./refund-query.ts";
import type { ApiRequest } from "./request.ts";
import { unifiedOrder } from "./unified-order.ts";

interface Handler {
  path: string;
  table: FieldTable;
  act: (books: Books, request: ApiRequest) => Answer;
}

/** The five calls of APIv2 that the sandbox answers. */
export const HANDLERS: Readonly<Record<CommonCall, Handler>> = {
  unifiedorder: { path: "/pay/unifiedorder", table: UNIFIED_ORDER, act: unifiedOrder },
  orderquery: { path: "/pay/orderquery", table: ORDER_QUERY, act: orderQuery },
  closeorder: { path: "/pay/closeorder", table: CLOSE_ORDER, act: closeOrder },
  refund: { path: "/secapi/pay/refund", table: REFUND, act: refund },
  refundquery: { path: "/pay/refundquery", table: REFUND_QUERY, act: refundQuery },
};

/** What is wrong with a proven call as such, whatever is in the books; undefined when nothing is. */
export function refusalOfForm(
  call: CommonCall,
  { merchant, params }: ApiRequest,
): Answer | undefined {
  const fault = checkFields(HANDLERS[call].table, params);
  if (fault !== undefined) return fault;
  return merchant.appIds.includes(params.get("appid") ?? "")
    ? undefined
    : refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配");
}
