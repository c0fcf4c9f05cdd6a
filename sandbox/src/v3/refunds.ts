import type { Books } from "../ledger/books.ts";
import { findOrder } from "../ledger/orders.ts";
import { findRefund } from "../ledger/refunds.ts";
import { locateOrder } from "../rules/find-order.ts";
import { requestRefund } from "../rules/request-refund.ts";
import { done, problem, type Answer } from "./answers.ts";
import type { RefundBody } from "./bodies.ts";
import { flat } from "./flat.ts";
import { REFUSALS } from "./refusals.ts";
import { refundResource } from "./resources.ts";

// A refund knows no ORDER_NOT_EXIST.
const NO_ORDER = problem("RESOURCE_NOT_EXISTS", "订单不存在");

/** POST /v3/refund/domestic/refunds. 200 means accepted, no more. WeChat docs: APIv3, refund. */
export function refund(books: Books, mchId: string, body: RefundBody): Answer {
  const { refund: refundFee, total: totalFee } = body.amount;
  if (refundFee > totalFee) return REFUSALS["refund-above-total"];
  const found = locateOrder(books, mchId, {
    transactionId: body.transaction_id,
    outTradeNo: body.out_trade_no,
  });
  if (!found.ok) return NO_ORDER;
  const ruling = requestRefund(books, found.value, {
    protocol: "v3",
    outRefundNo: body.out_refund_no,
    refundFee,
    totalFee,
    notifyUrl: body.notify_url ?? null,
    account: body.funds_account ?? "AVAILABLE",
    params: flat(body),
  });
  return ruling.ok ? done(refundResource(ruling.value, found.value)) : REFUSALS[ruling.refusal];
}

/** GET /v3/refund/domestic/refunds/{out_refund_no}. WeChat docs: APIv3, refund query. */
export function queryRefund({ sql }: Books, mchId: string, outRefundNo: string): Answer {
  const known = findRefund(sql, mchId, outRefundNo);
  const order = known && findOrder(sql, mchId, known.outTradeNo);
  return known && order ? done(refundResource(known, order)) : REFUSALS["no-refund"];
}
