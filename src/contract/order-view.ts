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
}

/**
 * Contract: order. The contract has room for one refund: the latest.
 *
 * @param refundingFen the sum of the order's completed and pending refunds
 */
export function orderView(
  order: OrderRecord,
  latestRefund: RefundRecord | null,
  refundingFen: number,
): OrderView {
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
    ref_state: latestRefund === null ? "0" : REF_STATE_CODE[latestRefund.state],
    pay_notify_state: NOTIFY_STATE_CODE[order.payNotifyState],
    ref_notify_state: NOTIFY_STATE_CODE[latestRefund?.notifyState ?? "none"],
    transaction_id: order.transactionId,
    pay_notify_number: order.payNotifyNumber,
    ref_notify_number: latestRefund?.notifyNumber ?? 0,
    refund_id: latestRefund?.refundId ?? null,
    refund_no: latestRefund?.number ?? null,
    create_time: unixSeconds(order.createdAt),
    update_time: unixSeconds(Math.max(order.updatedAt, latestRefund?.updatedAt ?? 0)),
    attach: order.attach,
    app_order_no: order.appOrderNo,
    refund_free: refundingFen,
  };
}

function unixSeconds(at: number): number {
  return Math.floor(at / 1000);
}
