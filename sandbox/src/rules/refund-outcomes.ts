import { conflict, granted, missing, type Books, type Outcome } from "../ledger/books.ts";
import { recordCall } from "../ledger/calls.ts";
import { notifyRefund } from "../notify/announce.ts";
import { findOrder, type Order } from "../ledger/orders.ts";
import {
  findAnyRefund,
  refundsToDecide,
  setRefundStatus,
  type Refund,
  type RefundResult,
} from "../ledger/refunds.ts";

/** Decides a refund and tells the merchant. SUCCESS and REFUNDCLOSE are for good, CHANGE is not. */
export function decideRefund(
  books: Books,
  outRefundNo: string,
  status: RefundResult,
  notify: boolean,
): Outcome<null> {
  const refund = findAnyRefund(books.sql, outRefundNo);
  if (refund === undefined) return missing(`no refund ${outRefundNo}`);
  switch (refund.status) {
    case "SUCCESS":
    case "REFUNDCLOSE":
      return conflict(`the refund is ${refund.status} for good`);
    case "CHANGE":
      if (status === "CHANGE") return conflict("the refund is CHANGE already");
      break;
    case "PROCESSING":
      break;
  }
  settle(books, refund, status, notify);
  return granted(null);
}

/** Decides the refunds whose time has come, by the setting `refundOutcome`. */
export function decideDueRefunds(books: Books): void {
  for (const refund of refundsToDecide(books.sql, books.now)) {
    if (refund.decideAs !== null) settle(books, refund, refund.decideAs, true);
  }
}

/** WeChat sends a refund's notification once more, now, as a new notification. */
export function notifyRefundAgain(books: Books, outRefundNo: string): Outcome<null> {
  const refund = findAnyRefund(books.sql, outRefundNo);
  if (refund === undefined) return missing(`no refund ${outRefundNo}`);
  if (refund.status === "PROCESSING") {
    return conflict("the refund is PROCESSING: there is nothing to tell");
  }
  if (refund.notifyUrl === null) return conflict("the refund has no notify_url");
  notifyRefund(books, refund, orderOf(books, refund), refund.status);
  return granted(null);
}

function settle(books: Books, refund: Refund, status: RefundResult, notify: boolean): void {
  const { sql, now } = books;
  setRefundStatus(sql, refund, status, now);
  recordCall(books, {
    path: "wechat",
    outTradeNo: refund.outTradeNo,
    outRefundNo: refund.outRefundNo,
    outcome: `refund is ${status}`,
  });
  if (!notify) return;
  const succeededAt = status === "SUCCESS" ? now : null;
  notifyRefund(books, { ...refund, status, succeededAt }, orderOf(books, refund), status);
}

function orderOf({ sql }: Books, refund: Refund): Order {
  const order = findOrder(sql, refund.mchId, refund.outTradeNo);
  if (order === undefined) throw new Error(`no order for the refund ${refund.outRefundNo}`);
  return order;
}
