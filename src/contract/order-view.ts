import { mostUrgent, refundableFen } from "../domain/refund.ts";
import type {
  NotifyState,
  OrderRecord,
  PayState,
  RefundRecord,
  RefundState,
} from "../domain/states.ts";

/** Contract: `pay_state`. */
export const PAY_STATE_CODE = {
  waiting: "0",
  failed: "1",
  paid: "2",
} as const satisfies Record<PayState, string>;

/**
 * Contract: `ref_state`. A refund is reported neither as refused nor as accepted until WeChat's
 * answer is known: it is "0", like an order without refunds.
 */
export const REF_STATE_CODE = {
  requested: "0",
  refused: "1",
  accepted: "2",
  abnormal: "3",
  closed: "3",
  succeeded: "4",
} as const satisfies Record<RefundState, string>;

/** Contract: `pay_notify_state` and `ref_notify_state`. */
export const NOTIFY_STATE_CODE = {
  none: "0",
  failing: "1",
  confirmed: "2",
} as const satisfies Record<NotifyState, string>;

/** `data` of POST /order: exactly these names with these JSON types. */
export interface OrderView {
  readonly id: number;
  readonly pay_order_number: string;
  readonly app_id: number;
  readonly platform: "1";
  readonly sdk_type: "JSAPI";
  readonly desc: string;
  readonly total_free: number;
  readonly tag: string;
  readonly user_id: number;
  readonly pay_state: string;
  readonly ref_state: string;
  readonly pay_notify_state: string;
  readonly ref_notify_state: string;
  readonly transaction_id: string | null;
  readonly pay_notify_number: number;
  readonly ref_notify_number: number;
  readonly refund_id: string | null;
  readonly refund_no: string | null;
  readonly create_time: number;
  readonly update_time: number;
  readonly attach: string | null;
  readonly app_order_no: string | null;
  readonly refund_free: number;
  readonly pay_time: number | null;
  /** Only where the request has `refunds=1`. */
  readonly refunds?: readonly RefundView[];
}

/** A refund in `refunds` of POST /order: exactly these names with these JSON types. */
export interface RefundView {
  readonly refund_no: string;
  readonly app_refund_no: string | null;
  readonly refund_id: string | null;
  /** Of this refund alone. */
  readonly refund_free: number;
  readonly ref_state: string;
  readonly refund_time: number | null;
  readonly create_time: number;
  readonly update_time: number;
}

/**
 * Contract: order. Its first fields have room for one refund: the one that most needs eyes.
 *
 * @param refunds all refunds of the order, the oldest first
 */
export function orderView(order: OrderRecord, refunds: readonly RefundRecord[]): OrderView {
  const shown = mostUrgent(refunds);
  return {
    id: order.id,
    pay_order_number: order.number,
    app_id: order.appId,
    platform: "1",
    sdk_type: "JSAPI",
    desc: order.desc,
    total_free: order.totalFen,
    tag: order.tag,
    user_id: order.userId,
    pay_state: PAY_STATE_CODE[order.payState],
    ref_state: shown === null ? "0" : REF_STATE_CODE[shown.state],
    pay_notify_state: NOTIFY_STATE_CODE[order.payNotifyState],
    ref_notify_state: NOTIFY_STATE_CODE[shown?.notifyState ?? "none"],
    transaction_id: order.transactionId,
    pay_notify_number: order.payNotifyNumber,
    ref_notify_number: shown?.notifyNumber ?? 0,
    refund_id: shown?.refundId ?? null,
    refund_no: shown?.number ?? null,
    create_time: unixSeconds(order.createdAt),
    update_time: unixSeconds(Math.max(order.updatedAt, shown?.updatedAt ?? 0)),
    attach: order.attach,
    app_order_no: order.appOrderNo,
    refund_free: order.totalFen - refundableFen(order, refunds),
    pay_time: unixSecondsOrNull(order.paidAt),
  };
}

/** Contract: order, one of `refunds`. */
export function refundView(refund: RefundRecord): RefundView {
  return {
    refund_no: refund.number,
    app_refund_no: refund.appRefundNo,
    refund_id: refund.refundId,
    refund_free: refund.refundFen,
    ref_state: REF_STATE_CODE[refund.state],
    refund_time: unixSecondsOrNull(refund.succeededAt),
    create_time: unixSeconds(refund.createdAt),
    update_time: unixSeconds(refund.updatedAt),
  };
}

/** Contract: times are Unix seconds. */
export function unixSeconds(at: number): number {
  return Math.floor(at / 1000);
}

function unixSecondsOrNull(at: number | null): number | null {
  return at === null ? null : unixSeconds(at);
}
