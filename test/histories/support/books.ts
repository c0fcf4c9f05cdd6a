import { env } from "cloudflare:workers";
import { gt, sql } from "drizzle-orm";
import type { TradeState } from "../../../sandbox/src/ledger/orders.ts";
import type { RefundStatus } from "../../../sandbox/src/ledger/refunds.ts";
import { connect } from "../../../src/db/database.ts";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { orders, refunds } from "../../../src/db/schema.ts";

/** An order as WeChat has it. */
export interface WechatOrder {
  readonly number: string;
  readonly state: TradeState;
  readonly totalFen: number;
  readonly transactionId: string | null;
  readonly paidAt: number | null;
}

/** Whether the payer's money is at WeChat, whatever became of it later. */
export function isPaid(order: Pick<WechatOrder, "paidAt"> | undefined): boolean {
  return order !== undefined && order.paidAt !== null;
}

/** A refund as WeChat has it. */
export interface WechatRefund {
  readonly number: string;
  readonly orderNumber: string;
  readonly refundId: string;
  readonly refundFen: number;
  readonly status: RefundStatus;
}

/** Both books at one moment: the gateway's and WeChat's, which is the truth. */
export interface Books {
  readonly orders: readonly OrderRow[];
  readonly refunds: readonly RefundRow[];
  readonly wechatOrders: ReadonlyMap<string, WechatOrder>;
  readonly wechatRefunds: ReadonlyMap<string, WechatRefund>;
  /** What WeChat has said to each call so far. */
  readonly wechatSaid: readonly string[];
}

/** The last rows before a history began: what comes after them is the history's. */
export interface Bookmark {
  readonly orderId: number;
  readonly refundId: number;
}

const db = connect(env.DB);

export async function bookmark(): Promise<Bookmark> {
  const last = sql<number>`coalesce(max(id), 0)`;
  const [[order], [refund]] = await db.batch([
    db.select({ id: last }).from(orders),
    db.select({ id: last }).from(refunds),
  ]);
  return { orderId: order?.id ?? 0, refundId: refund?.id ?? 0 };
}

/** The rows that were written since. */
export async function rowsSince(since: Bookmark): Promise<Pick<Books, "orders" | "refunds">> {
  const [orderRows, refundRows] = await db.batch([
    db.select().from(orders).where(gt(orders.id, since.orderId)).orderBy(orders.id),
    db.select().from(refunds).where(gt(refunds.id, since.refundId)).orderBy(refunds.id),
  ]);
  return { orders: orderRows, refunds: refundRows };
}

export async function readBooks(since: Bookmark): Promise<Books> {
  const state = await env.LEDGER.getByName("wechat").state();
  return {
    ...(await rowsSince(since)),
    wechatSaid: state.calls.map(({ outcome }) => outcome),
    wechatOrders: new Map(
      state.orders.map((order) => [
        order.outTradeNo,
        {
          number: order.outTradeNo,
          state: order.state,
          totalFen: order.totalFee,
          transactionId: order.transactionId,
          paidAt: order.paidAt,
        },
      ]),
    ),
    wechatRefunds: new Map(
      state.refunds.map((refund) => [
        refund.outRefundNo,
        {
          number: refund.outRefundNo,
          orderNumber: refund.outTradeNo,
          refundId: refund.refundId,
          refundFen: refund.refundFee,
          status: refund.status,
        },
      ]),
    ),
  };
}
