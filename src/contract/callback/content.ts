import { PAY_STATE_CODE, REF_STATE_CODE } from "../order-view.ts";
import type { Parameters } from "../parameter-set.ts";
import type { OrderRecord, RefundRecord, RefundState } from "../../domain/states.ts";

export { isConfirmed } from "./confirmation.ts";
export { signCallback, type CallbackKeys, type SignedCallback } from "./signed-callback.ts";

/** Names the payment's event: the same for every call, so that the app can tell a repeat. */
export function payEventId(orderNumber: string): string {
  return `pay_${orderNumber}`;
}

/** Names one outcome of a refund; a refund that ends otherwise later is another event. */
export function refundEventId(refundNo: string, state: RefundState): string {
  return `refund_${refundNo}_${state}`;
}

/**
 * Contract: what the app receives once an order is paid. In the documented order, `timestamp` and
 * `sign` still to be added by `signCallback`. All values are strings; those that the contract has
 * in every call are empty when there is nothing to tell.
 */
export function payCallback(order: OrderRecord): Parameters {
  return new Map([...head(order, "pay", payEventId(order.number)), ...payment(order)]);
}

/** Contract: what the app receives of a refund's outcome; as `payCallback`. */
export function refundCallback(order: OrderRecord, refund: RefundRecord): Parameters {
  return new Map([
    ...head(order, "refund", refundEventId(refund.number, refund.state)),
    ...payment(order),
    ["refund_no", refund.number],
    ["refund_id", refund.refundId ?? ""],
    ...given("app_refund_no", refund.appRefundNo),
    ["refund_free", String(refund.refundFen)],
    ["ref_state", REF_STATE_CODE[refund.state]],
  ]);
}

type Field = readonly [name: string, value: string];

function head(order: OrderRecord, event: "pay" | "refund", eventId: string): readonly Field[] {
  return [
    ["appId", String(order.appId)],
    ["event", event],
    ["eventId", eventId],
    ["order_id", String(order.id)],
    ["pay_order_number", order.number],
    ...given("app_order_no", order.appOrderNo),
    ...given("attach", order.attach),
  ];
}

function payment(order: OrderRecord): readonly Field[] {
  return [
    ["total_free", String(order.totalFen)],
    ["pay_state", PAY_STATE_CODE[order.payState]],
    ["transaction_id", order.transactionId ?? ""],
  ];
}

function given(name: string, value: string | null): readonly Field[] {
  return value === null ? [] : [[name, value]];
}
