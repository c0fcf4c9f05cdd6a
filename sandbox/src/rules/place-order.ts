import type { OrderTerms } from "../ledger/order-terms.ts";
import {
  findOrder,
  insertOrder,
  insertPrepay,
  type Order,
  type OrderSignType,
} from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { notifyPaymentEarly } from "../notify/schedule.ts";
import { newPrepayId, newTransactionId } from "../protocol/ids.ts";
import { err, ok, type Result } from "../result.ts";
import type { Refusal } from "./refusal.ts";
import { sameParams, type Params } from "./repeat.ts";

/** A prepay call in either protocol. */
export interface OrderRequest {
  readonly mchId: string;
  readonly appId: string;
  readonly outTradeNo: string;
  /** Fen. */
  readonly totalFee: number;
  readonly terms: OrderTerms;
  readonly signType: OrderSignType;
  /** The serial number of the merchant's key that signed the call; null in APIv2. */
  readonly serialNo: string | null;
  readonly params: Params;
  /** Unix ms; null when the order has no time limit of its own. */
  readonly expiresAt: number | null;
  /** The minimum time until `expiresAt`. */
  readonly minLifetimeMs: number;
}

/** The order as the call returns it. */
export interface PlacedOrder {
  readonly prepayId: string;
}

/** Creates an order, or issues another prepay_id for a repeat with the same parameters. */
export function placeOrder(
  ledger: LedgerTransaction,
  request: OrderRequest,
): Result<PlacedOrder, Refusal> {
  const order = findOrder(ledger.sql, request.mchId, request.outTradeNo);
  return order === null ? create(ledger, request) : repeat(ledger, request, order);
}

function create(ledger: LedgerTransaction, request: OrderRequest): Result<PlacedOrder, Refusal> {
  const { sql, now } = ledger;
  const { serialNo, minLifetimeMs, ...fields } = request;
  if (fields.expiresAt !== null && fields.expiresAt < now + minLifetimeMs) {
    return err("order-expires-too-soon");
  }
  const order: Order = {
    ...fields,
    state: "NOTPAY",
    transactionId: newTransactionId(now),
    prepayCalls: 0,
    createdAt: now,
    paidAt: null,
  };
  insertOrder(sql, order);
  notifyPaymentEarly(ledger, order);
  return issuePrepay(ledger, order, serialNo);
}

function repeat(
  ledger: LedgerTransaction,
  { serialNo, signType, params }: OrderRequest,
  order: Order,
): Result<PlacedOrder, Refusal> {
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return err("order-paid");
    case "CLOSED":
      return err("order-closed");
    case "NOTPAY":
      break;
  }
  // WeChat doesn't publish which parameters it compares. The sandbox compares all business parameters
  // and the sign type, so that an order can't change its protocol.
  return order.signType === signType && sameParams(order.params, params)
    ? issuePrepay(ledger, order, serialNo)
    : err("order-repeated-otherwise");
}

function issuePrepay(
  { sql, now }: LedgerTransaction,
  order: Order,
  serialNo: string | null,
): Result<PlacedOrder, Refusal> {
  const prepayId = newPrepayId(now);
  insertPrepay(sql, order, { prepayId, serialNo, issuedAt: now });
  return ok({ prepayId });
}
