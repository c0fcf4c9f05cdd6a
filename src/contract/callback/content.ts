import { PAY_STATE_CODE, REF_STATE_CODE, unixSeconds } from "../order-view.ts";
import type { Parameters } from "../parameter-set.ts";
import type { DeliveryEvent, OrderRecord, RefundRecord, RefundState } from "../../domain/states.ts";

/** The id of a payment's event: the same in every call, so that the app can recognise a repeat. */
export function payEventId(orderNumber: string): string {
  return `pay_${orderNumber}`;
}

/** The id of the event that an order ended unpaid. */
export function closeEventId(orderNumber: string): string {
  return `close_${orderNumber}`;
}

/** The id of one outcome of a refund. A later, different outcome is another event. */
export function refundEventId(refundNo: string, state: RefundState): string {
  return `refund_${refundNo}_${state}`;
}

/**
 * The fields of a payment's callback, in the documented order; `signCallback` adds `timestamp` and
 * `sign`. Contract: what the app receives. All values are strings; a field that the contract has in
 * every call is empty when it has no value.
 */
export function payCallback(order: OrderRecord): Parameters {
  return new Map([
    ...head(order, "pay", payEventId(order.number)),
    ...payment(order),
    ["pay_time", secondsOf(order.paidAt)],
  ]);
}

/** The fields of the callback about an order that ended unpaid: those of a payment's. */
export function closeCallback(order: OrderRecord): Parameters {
  return new Map([...head(order, "close", closeEventId(order.number)), ...payment(order)]);
}

/** The fields of a refund's callback, as in `payCallback`. Contract: what the app receives. */
export function refundCallback(order: OrderRecord, refund: RefundRecord): Parameters {
  return new Map([
    ...head(order, "refund", refundEventId(refund.number, refund.state)),
    ...payment(order),
    ["refund_no", refund.number],
    ["refund_id", refund.refundId ?? ""],
    ...optionalField("app_refund_no", refund.appRefundNo),
    ["refund_free", String(refund.refundFen)],
    ["ref_state", REF_STATE_CODE[refund.state]],
    ...(refund.state === "succeeded"
      ? [["refund_time", secondsOf(refund.succeededAt)] as const]
      : []),
  ]);
}

/** Unix seconds; empty when WeChat's report had no readable time. */
function secondsOf(at: number | null): string {
  return at === null ? "" : String(unixSeconds(at));
}

/**
 * Whether these parameters look like one of our callbacks. A callback bears a valid `sign` of the
 * app's salt and names an order, so one that is captured would be a correctly signed request.
 * Nothing else has both parameters: the endpoints know neither.
 */
export function isCallback(parameters: Parameters): boolean {
  return parameters.has("event") && parameters.has("eventId");
}

type Field = readonly [name: string, value: string];

function head(order: OrderRecord, event: DeliveryEvent, eventId: string): readonly Field[] {
  return [
    ["appId", String(order.appId)],
    ["event", event],
    ["eventId", eventId],
    ["order_id", String(order.id)],
    ["pay_order_number", order.number],
    ...optionalField("app_order_no", order.appOrderNo),
    ...optionalField("attach", order.attach),
  ];
}

function payment(order: OrderRecord): readonly Field[] {
  return [
    ["total_free", String(order.totalFen)],
    ["pay_state", PAY_STATE_CODE[order.payState]],
    ["transaction_id", order.transactionId ?? ""],
  ];
}

function optionalField(name: string, value: string | null): readonly Field[] {
  return value === null ? [] : [[name, value]];
}
