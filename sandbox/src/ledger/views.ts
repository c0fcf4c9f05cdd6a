import { listCalls, type Call } from "./calls.ts";
import { listFaults, type StoredFault } from "./faults.ts";
import type { NotificationKind } from "./fault-names.ts";
import type { CertificateStage, KeyMode } from "./key-modes.ts";
import { listMerchants, type Merchant } from "./merchants.ts";
import {
  listNotifications,
  notificationsOf,
  type Attempt,
  type Notification,
} from "./notifications.ts";
import { findAnyOrder, listOrders, protocolOf, type Order, type TradeState } from "./orders.ts";
import type { Protocol } from "./protocol.ts";
import {
  findAnyRefund,
  listRefunds,
  liveFee,
  refundsOf,
  type Refund,
  type RefundSource,
  type RefundStatus,
} from "./refunds.ts";
import { readSettings, type Settings } from "./settings.ts";

export interface OrderView {
  protocol: Protocol;
  outTradeNo: string;
  mchId: string;
  appId: string;
  body: string;
  attach: string | null;
  totalFee: number;
  openid: string;
  state: TradeState;
  transactionId: string | null;
  notifyUrl: string;
  createdAt: number;
  paidAt: number | null;
  /** Fen of all refunds that are not closed, whether decided or not. */
  refundedFee: number;
  prepayCalls: number;
}

export interface RefundView {
  protocol: Protocol;
  source: RefundSource;
  outRefundNo: string;
  refundId: string;
  mchId: string;
  outTradeNo: string;
  refundFee: number;
  totalFee: number;
  status: RefundStatus;
  createdAt: number;
  calls: number;
}

export interface NotificationView {
  id: number;
  protocol: Protocol;
  kind: NotificationKind;
  /** Whether it is a signature probe, which must not be believed and is sent once. */
  probe: boolean;
  mchId: string;
  outTradeNo: string;
  outRefundNo?: string;
  url: string;
  state: Notification["state"];
  nextAt: number | null;
  attempts: Attempt[];
}

/** A merchant without its secrets. */
export type MerchantView = {
  mchId: string;
  appIds: string[];
  /** Whether APIv3 can be spoken in full: keys are known, and an APIv3 key is set. */
  apiV3: boolean;
  /** Of the merchant's certificates. */
  serialNos: string[];
  certificateStage: CertificateStage;
} & KeyMode;

/** Everything, as the control API tells it: without keys. Newest first throughout. */
export interface StateView {
  settings: Settings;
  merchants: MerchantView[];
  orders: OrderView[];
  refunds: RefundView[];
  notifications: NotificationView[];
  calls: Call[];
  faults: StoredFault[];
}

export interface OrderDetails extends OrderView {
  refunds: RefundView[];
  notifications: NotificationView[];
}

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

/** One order with what belongs to it; undefined when there is none. */
export function orderDetails(sql: SqlStorage, outTradeNo: string): OrderDetails | undefined {
  const order = findAnyOrder(sql, outTradeNo);
  if (order === undefined) return undefined;
  const refunds = refundsOf(sql, order).toReversed();
  return {
    ...orderView(order, refunds),
    refunds: refunds.map(refundView),
    notifications: notificationsOf(sql, order).map(notificationView),
  };
}

/** One refund; undefined when there is none. */
export function refundDetails(sql: SqlStorage, outRefundNo: string): RefundView | undefined {
  const refund = findAnyRefund(sql, outRefundNo);
  return refund === undefined ? undefined : refundView(refund);
}

/** Whether something that names an order means this one: numbers are unique per merchant only. */
export function belongsTo(
  order: { mchId: string; outTradeNo: string },
  thing: { mchId: string; outTradeNo: string },
): boolean {
  return thing.mchId === order.mchId && thing.outTradeNo === order.outTradeNo;
}

function merchantView(merchant: Merchant): MerchantView {
  const { mchId, appIds, apiV3Key, keys, mode, certificateStage } = merchant;
  const serialNos = keys.map(({ serialNo }) => serialNo);
  const apiV3 = apiV3Key !== null && serialNos.length > 0;
  return { mchId, appIds, apiV3, serialNos, certificateStage, ...mode };
}

function orderView(order: Order, refunds: Refund[]): OrderView {
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
    refundedFee: liveFee(refunds.filter((refund) => belongsTo(order, refund))),
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
  const { body: _body, treatment, outRefundNo, ...rest } = notification;
  return {
    ...rest,
    probe: treatment?.kind === "probe",
    ...(outRefundNo === null ? {} : { outRefundNo }),
  };
}
