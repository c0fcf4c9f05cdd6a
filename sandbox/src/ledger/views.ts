import { listCalls, type CallRecord } from "./calls.ts";
import { listFaults, type StoredFault } from "./faults.ts";
import type { NotificationKind } from "./fault-names.ts";
import type { CertificateStage, KeyMode } from "./key-modes.ts";
import { listMerchants, type Merchant } from "./merchants.ts";
import {
  listNotifications,
  notificationsOf,
  type Attempt,
  type Notification,
  type NotificationState,
} from "./notifications.ts";
import { findAnyOrder, listOrders, protocolOf, type Order, type TradeState } from "./orders.ts";
import type { Protocol } from "./protocol.ts";
import {
  findAnyRefund,
  listRefunds,
  refundsOf,
  sumRefundedFee,
  type Refund,
  type RefundSource,
  type RefundStatus,
} from "./refunds.ts";
import { readSettings, type Settings } from "./settings.ts";

/** An order as the control API returns it. Times are Unix ms, amounts fen. */
export interface OrderView {
  readonly protocol: Protocol;
  readonly outTradeNo: string;
  readonly mchId: string;
  readonly appId: string;
  readonly body: string;
  readonly attach: string | null;
  readonly totalFee: number;
  readonly openid: string;
  readonly state: TradeState;
  readonly transactionId: string | null;
  readonly notifyUrl: string;
  readonly createdAt: number;
  readonly paidAt: number | null;
  /** The sum of all refunds that are not closed, whether decided or not. */
  readonly refundedFee: number;
  readonly prepayCalls: number;
}

/** A refund as the control API returns it. */
export interface RefundView {
  readonly protocol: Protocol;
  readonly source: RefundSource;
  readonly outRefundNo: string;
  readonly refundId: string;
  readonly mchId: string;
  readonly outTradeNo: string;
  readonly refundFee: number;
  readonly totalFee: number;
  readonly status: RefundStatus;
  readonly createdAt: number;
  readonly calls: number;
}

/** A notification as the control API returns it. */
export interface NotificationView {
  readonly id: number;
  readonly protocol: Protocol;
  readonly kind: NotificationKind;
  /** Whether it is a signature probe: sent once, with an invalid signature. */
  readonly probe: boolean;
  readonly mchId: string;
  readonly outTradeNo: string;
  readonly outRefundNo?: string;
  readonly url: string;
  readonly state: NotificationState;
  readonly nextAt: number | null;
  readonly attempts: readonly Attempt[];
}

/** A merchant without its secrets. */
export type MerchantView = {
  readonly mchId: string;
  readonly appIds: readonly string[];
  /** Whether the merchant can use all of APIv3: it has a key pair and an APIv3 key. */
  readonly apiV3: boolean;
  /** The serial numbers of the merchant's certificates. */
  readonly serialNos: readonly string[];
  readonly certificateStage: CertificateStage;
} & KeyMode;

/** The whole state, as the control API returns it: without keys, newest first. */
export interface StateView {
  readonly settings: Settings;
  readonly merchants: readonly MerchantView[];
  readonly orders: readonly OrderView[];
  readonly refunds: readonly RefundView[];
  readonly notifications: readonly NotificationView[];
  readonly calls: readonly CallRecord[];
  readonly faults: readonly StoredFault[];
}

/** An order with its refunds and notifications. */
export interface OrderDetails extends OrderView {
  readonly refunds: readonly RefundView[];
  readonly notifications: readonly NotificationView[];
}

/** The whole state. */
export function stateView(sql: SqlStorage): StateView {
  const refunds = listRefunds(sql);
  return {
    settings: readSettings(sql),
    merchants: listMerchants(sql).map(merchantView),
    orders: listOrders(sql).map((order) => orderView(order, refunds)),
    refunds: refunds.map(refundView),
    notifications: listNotifications(sql).map(notificationView),
    calls: listCalls(sql),
    faults: listFaults(sql),
  };
}

/** One order with its refunds and notifications; null when there is none. */
export function orderDetails(sql: SqlStorage, outTradeNo: string): OrderDetails | null {
  const order = findAnyOrder(sql, outTradeNo);
  if (order === null) return null;
  const refunds = refundsOf(sql, order).toReversed();
  return {
    ...orderView(order, refunds),
    refunds: refunds.map(refundView),
    notifications: notificationsOf(sql, order).map(notificationView),
  };
}

/** One refund; null when there is none. */
export function refundDetails(sql: SqlStorage, outRefundNo: string): RefundView | null {
  const refund = findAnyRefund(sql, outRefundNo);
  return refund === null ? null : refundView(refund);
}

/** Identifies an order: its number is unique per merchant only. */
export interface OrderKey {
  readonly mchId: string;
  readonly outTradeNo: string;
}

/** Whether a refund or a notification belongs to an order. */
export function belongsTo(order: OrderKey, record: OrderKey): boolean {
  return record.mchId === order.mchId && record.outTradeNo === order.outTradeNo;
}

function merchantView(merchant: Merchant): MerchantView {
  const { mchId, appIds, apiV3Key, keys, mode, certificateStage } = merchant;
  const serialNos = keys.map(({ serialNo }) => serialNo);
  const apiV3 = apiV3Key !== null && serialNos.length > 0;
  return { mchId, appIds, apiV3, serialNos, certificateStage, ...mode };
}

function orderView(order: Order, refunds: readonly Refund[]): OrderView {
  return {
    protocol: protocolOf(order),
    outTradeNo: order.outTradeNo,
    mchId: order.mchId,
    appId: order.appId,
    body: order.terms.description,
    attach: order.terms.attach,
    totalFee: order.totalFee,
    openid: order.terms.openid,
    state: order.state,
    transactionId: order.paidAt === null ? null : order.transactionId,
    notifyUrl: order.terms.notifyUrl,
    createdAt: order.createdAt,
    paidAt: order.paidAt,
    refundedFee: sumRefundedFee(refunds.filter((refund) => belongsTo(order, refund))),
    prepayCalls: order.prepayCalls,
  };
}

function refundView(refund: Refund): RefundView {
  return {
    protocol: refund.protocol,
    source: refund.source,
    outRefundNo: refund.outRefundNo,
    refundId: refund.refundId,
    mchId: refund.mchId,
    outTradeNo: refund.outTradeNo,
    refundFee: refund.refundFee,
    totalFee: refund.totalFee,
    status: refund.status,
    createdAt: refund.createdAt,
    calls: refund.calls,
  };
}

function notificationView(notification: Notification): NotificationView {
  const { body: _body, tampering, outRefundNo, ...rest } = notification;
  return {
    ...rest,
    probe: tampering?.kind === "probe",
    ...(outRefundNo === null ? {} : { outRefundNo }),
  };
}
