/**
 * The states of orders, refunds, deliveries and reconciliations, stored in D1 by name, and the
 * fields that the contract shows. contract/order-view.ts maps states to the digits that apps see.
 */

/** `failed`: closed or expired; a payment that arrives later still makes it `paid`. */
export const PAY_STATES = ["waiting", "failed", "paid"] as const;
export type PayState = (typeof PAY_STATES)[number];

/**
 * `requested`: WeChat's answer isn't known (yet). `refused`: WeChat refused the request.
 * `accepted`: WeChat accepted it, and the money is on its way. `abnormal`: the payer's card or
 * account can't receive the money, a person must act. `closed`: WeChat has given up on it.
 */
export const REFUND_STATES = [
  "requested",
  "refused",
  "accepted",
  "abnormal",
  "closed",
  "succeeded",
] as const;
export type RefundState = (typeof REFUND_STATES)[number];

/**
 * What became of the amount of a refund that WeChat refused and, when queried, doesn't have. `free`:
 * another refund may take it. `taken`: another has, so this refund is never sent again.
 */
export const REFUND_RELEASES = ["free", "taken"] as const;
export type RefundRelease = (typeof REFUND_RELEASES)[number];

/** An account of the merchant that WeChat can be told to pay a refund from. */
export const FUNDS_ACCOUNTS = ["available"] as const;
export type FundsAccount = (typeof FUNDS_ACCOUNTS)[number];

/**
 * A merchant's choice of the account that pays its refunds. `unsettled`: none is named, so WeChat
 * takes its default. `unsettled-then-available`: the available balance only after WeChat has refused
 * a refund because the default has too little.
 */
export const REFUND_FUNDS = ["unsettled", "available", "unsettled-then-available"] as const;
export type RefundFunds = (typeof REFUND_FUNDS)[number];

/** `platform`: made by a person in WeChat's merchant platform, not requested by an app. */
export const REFUND_SOURCES = ["app", "platform"] as const;
export type RefundSource = (typeof REFUND_SOURCES)[number];

/** `none`: the app hasn't been called yet. `failing`: no call has been confirmed so far. */
export const NOTIFY_STATES = ["none", "failing", "confirmed"] as const;
export type NotifyState = (typeof NOTIFY_STATES)[number];

/** `waiting`: the bill isn't available yet, or couldn't be fetched; the day is retried later. */
export const RECONCILIATION_STATES = ["running", "waiting", "done", "failed"] as const;

/** What an app is called about: a payment, the outcome of a refund, an order that ended unpaid. */
export const DELIVERY_EVENTS = ["pay", "refund", "close"] as const;
export type DeliveryEvent = (typeof DELIVERY_EVENTS)[number];

/** The fields of an order that the contract shows. */
export interface OrderRecord {
  readonly id: number;
  /** 32 hex characters; WeChat's `out_trade_no`. */
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
  /** WeChat's number for the payment; null until it is paid. */
  readonly transactionId: string | null;
  readonly payNotifyState: NotifyState;
  /** Calls made to the app so far. */
  readonly payNotifyNumber: number;
  /** Unix ms; null until it is paid. */
  readonly paidAt: number | null;
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms. */
  readonly updatedAt: number;
}

/** The fields of a refund that the contract shows. */
export interface RefundRecord {
  /** 32 hex characters; WeChat's `out_refund_no`. */
  readonly number: string;
  readonly refundFen: number;
  readonly state: RefundState;
  readonly released: RefundRelease | null;
  /** WeChat's number for the refund; null until WeChat accepts it. */
  readonly refundId: string | null;
  readonly appRefundNo: string | null;
  readonly notifyState: NotifyState;
  /** Calls made to the app so far. */
  readonly notifyNumber: number;
  /** Unix ms; null unless it succeeded, or when WeChat's report had no readable time. */
  readonly succeededAt: number | null;
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms. */
  readonly updatedAt: number;
}
