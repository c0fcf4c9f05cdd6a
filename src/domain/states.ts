/**
 * Orders and refunds as the contract sees them. The state words are the ones that D1 stores; the
 * digits that apps see are given by order-view.ts.
 */

/** `failed`: closed or expired; money that arrives later still makes it `paid`. */
export type PayState = "waiting" | "failed" | "paid";

/**
 * `requested`: WeChat's answer isn't known (yet). `refused`: WeChat said no to the application.
 * `accepted`: WeChat took it, the money is on its way. `abnormal`: the payer's card or account
 * can't take the money, a person must act. `closed`: WeChat gave it up for good.
 */
export type RefundState =
  | "requested"
  | "refused"
  | "accepted"
  | "abnormal"
  | "closed"
  | "succeeded";

/** `platform`: made by a person in WeChat's merchant platform, not asked for by an app. */
export type RefundSource = "app" | "platform";

/** `none`: the app was not called yet. `failing`: no call has been confirmed so far. */
export type NotifyState = "none" | "failing" | "confirmed";

/** An order, as far as the contract shows it. */
export interface OrderRecord {
  readonly id: number;
  /** 32 hex characters, the number WeChat knows. */
  readonly number: string;
  readonly appId: number;
  readonly desc: string;
  readonly totalFen: number;
  readonly tag: string;
  readonly attach: string | null;
  readonly appOrderNo: string | null;
  /** The gateway's id of the payer's openId in this app. */
  readonly userId: number;
  readonly payState: PayState;
  /** WeChat's number of the payment; null until it is paid. */
  readonly transactionId: string | null;
  readonly payNotifyState: NotifyState;
  /** Calls made to the app so far. */
  readonly payNotifyNumber: number;
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms. */
  readonly updatedAt: number;
}

/** A refund, as far as the contract shows it. */
export interface RefundRecord {
  /** Ours; the `out_refund_no` that WeChat knows. */
  readonly number: string;
  readonly refundFen: number;
  readonly state: RefundState;
  /** WeChat's number of the refund; null until WeChat accepted it. */
  readonly refundId: string | null;
  readonly appRefundNo: string | null;
  readonly notifyState: NotifyState;
  /** Calls made to the app so far. */
  readonly notifyNumber: number;
  /** Unix ms. */
  readonly updatedAt: number;
}
