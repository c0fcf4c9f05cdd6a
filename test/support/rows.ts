import { env } from "cloudflare:workers";
import { connect } from "../../src/db/database.ts";
import {
  markOrderPaid,
  insertOrder,
  type PaidOrderMatch,
  type NewOrder,
} from "../../src/db/orders.ts";
import { insertRefund } from "../../src/db/refunds.ts";
import type { RefundRow } from "../../src/db/rows.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import type { Shop } from "./shop.ts";

export const db = connect(env.DB);
export const NOW = 1_790_000_000_000;

/** A new order of the shop's app, of 100 fen. */
export function newOrderOf(shop: Shop, changes: Partial<NewOrder> = {}): NewOrder {
  return {
    number: randomHex32(),
    appId: shop.appId,
    merchantId: shop.merchantId,
    protocol: "v2",
    signType: shop.signType,
    wechatAppId: shop.wechatAppId,
    appOrderNo: null,
    openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
    desc: "测试商品",
    totalFen: 100,
    tag: "test",
    attach: null,
    clientIp: "203.0.113.7",
    notifyUrl: "https://gateway.test/notify/v2/1/pay",
    expiresAt: NOW + 7_200_000,
    createdAt: NOW,
    ...changes,
  };
}

/** The match with which `markOrderPaid` records this order's payment. */
export function paidOrderMatchOf(
  order: NewOrder,
  changes: Partial<PaidOrderMatch> = {},
): PaidOrderMatch {
  const { number, merchantId, wechatAppId, signType, totalFen, attach } = order;
  return {
    number,
    merchantId,
    wechatAppId,
    signType,
    totalFen,
    attach: attach ?? "",
    transactionId: `42-${number}`.slice(0, 28),
    paidAt: NOW + 1,
    ...changes,
  };
}

/** Stores a paid order. */
export async function storePaidOrder(
  shop: Shop,
): Promise<{ readonly id: number; readonly number: string }> {
  const order = newOrderOf(shop);
  const id = await insertOrder(db, order);
  await markOrderPaid(db, paidOrderMatchOf(order), NOW);
  return { id, number: order.number };
}

/** Tries to store a refund. */
export async function storeRefund(
  shop: Shop,
  orderId: number,
  refundFen: number,
  appRefundNo: string | null = null,
  maxFenPerDay: number | null = null,
): Promise<RefundRow | null> {
  const { appId } = shop;
  const notifyUrl = "https://gateway.test/notify/v2/1/refund";
  const numbers = { orderId, appId, number: randomHex32(), appRefundNo };
  const refund = { ...numbers, refundFen, notifyUrl, reason: null, fundsAccount: null };
  return await insertRefund(db, refund, maxFenPerDay, NOW);
}
