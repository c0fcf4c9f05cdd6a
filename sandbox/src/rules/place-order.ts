import type { Books } from "../ledger/books.ts";
import type { OrderTerms } from "../ledger/order-terms.ts";
import {
  addPrepay,
  findOrder,
  insertOrder,
  type Order,
  type OrderSignType,
} from "../ledger/orders.ts";
import { notifyPaymentTooEarly } from "../notify/announce.ts";
import { newPrepayId, newTransactionId } from "../protocol/ids.ts";
import { allowed, forbidden, type Ruling } from "./refusal.ts";
import { sameParams, type Params } from "./repeat.ts";

export interface OrderRequest {
  mchId: string;
  appId: string;
  outTradeNo: string;
  /** Fen. */
  totalFee: number;
  terms: OrderTerms;
  signType: OrderSignType;
  /** The serial of the merchant's key that signed the call; null in APIv2. */
  serialNo: string | null;
  params: Params;
  /** Unix ms; null when the order has no time limit of its own. */
  expiresAt: number | null;
  /** How far ahead `expiresAt` must be. */
  shortestLifeMs: number;
}

/** The first call makes the order; a repeat with identical parameters gives a new prepay_id. */
export function placeOrder(books: Books, request: OrderRequest): Ruling<{ prepayId: string }> {
  const order = findOrder(books.sql, request.mchId, request.outTradeNo);
  return order === undefined ? first(books, request) : repeat(books, request, order);
}

function first(books: Books, request: OrderRequest): Ruling<{ prepayId: string }> {
  const { sql, now } = books;
  const { serialNo, shortestLifeMs, ...facts } = request;
  if (facts.expiresAt !== null && facts.expiresAt < now + shortestLifeMs) {
    return forbidden("order-expires-too-soon");
  }
  const order: Order = {
    ...facts,
    state: "NOTPAY",
    transactionId: newTransactionId(now),
    prepayCalls: 0,
    createdAt: now,
    paidAt: null,
  };
  insertOrder(sql, order);
  notifyPaymentTooEarly(books, order);
  return prepay(books, order, serialNo);
}

function repeat(
  books: Books,
  { serialNo, signType, params }: OrderRequest,
  order: Order,
): Ruling<{ prepayId: string }> {
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return forbidden("order-paid");
    case "CLOSED":
      return forbidden("order-closed");
    case "NOTPAY":
      break;
  }
  // Which parameters WeChat compares is not published: the sandbox compares all that can matter,
  // and the sign type with them, so that no order changes from one protocol to the other.
  return order.signType === signType && sameParams(order.params, params)
    ? prepay(books, order, serialNo)
    : forbidden("order-repeated-otherwise");
}

function prepay(
  { sql, now }: Books,
  order: Order,
  serialNo: string | null,
): Ruling<{ prepayId: string }> {
  const prepayId = newPrepayId(now);
  addPrepay(sql, order, { prepayId, serialNo, givenAt: now });
  return allowed({ prepayId });
}
