import { env } from "cloudflare:workers";
import { gt, sql } from "drizzle-orm";
import type { TradeState } from "../../../sandbox/src/ledger/orders.ts";
import type { RefundSource, RefundStatus } from "../../../sandbox/src/ledger/refunds.ts";
import { connect } from "../../../src/db/database.ts";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { orders, refunds } from "../../../src/db/schema.ts";

/** An order in WeChat's ledger. */
export interface WechatOrder {
  readonly number: string;
  readonly state: TradeState;
  readonly totalFen: number;
  readonly transactionId: string | null;
  readonly paidAt: number | null;
}

/** Whether WeChat received the payer's money, refunded later or not. */
export function isPaid(order: Pick<WechatOrder, "paidAt"> | undefined): boolean {
  return order !== undefined && order.paidAt !== null;
}

/** A refund in WeChat's ledger. */
export interface WechatRefund {
  readonly number: string;
  readonly orderNumber: string;
  readonly refundId: string;
  readonly refundFen: number;
  readonly status: RefundStatus;
  readonly source: RefundSource;
}

/** A call to WeChat, or an action of the payer or of a person in the merchant platform. */
export interface WechatCall {
  readonly orderNumber: string | undefined;
  readonly outcome: string;
}

/** The gateway's rows of this history and WeChat's ledger at one moment. The ledger is the truth. */
export interface Snapshot {
  readonly orders: readonly OrderRow[];
  readonly refunds: readonly RefundRow[];
  readonly wechatOrders: ReadonlyMap<string, WechatOrder>;
  readonly wechatRefunds: ReadonlyMap<string, WechatRefund>;
  /** The calls to WeChat so far. */
  readonly wechatCalls: readonly WechatCall[];
}

/** The highest ids before a history starts: rows after them belong to the history. */
export interface Baseline {
  readonly orderId: number;
  readonly refundId: number;
}

const db = connect(env.DB);

export async function readBaseline(): Promise<Baseline> {
  const highest = sql<number>`coalesce(max(id), 0)`;
  const [[order], [refund]] = await db.batch([
    db.select({ id: highest }).from(orders),
    db.select({ id: highest }).from(refunds),
  ]);
  return { orderId: order?.id ?? 0, refundId: refund?.id ?? 0 };
}

/** The rows written since the baseline, by id. */
export async function rowsSince(baseline: Baseline): Promise<Pick<Snapshot, "orders" | "refunds">> {
  const [orderRows, refundRows] = await db.batch([
    db.select().from(orders).where(gt(orders.id, baseline.orderId)).orderBy(orders.id),
    db.select().from(refunds).where(gt(refunds.id, baseline.refundId)).orderBy(refunds.id),
  ]);
  return { orders: orderRows, refunds: refundRows };
}

export async function readSnapshot(baseline: Baseline): Promise<Snapshot> {
  const state = await env.LEDGER.getByName("wechat").state();
  return {
    ...(await rowsSince(baseline)),
    wechatCalls: state.calls.map(({ outTradeNo, outcome }) => ({
      orderNumber: outTradeNo,
      outcome,
    })),
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
          source: refund.source,
        },
      ]),
    ),
  };
}
