import type { Config } from "../config.ts";
import type { RefundFunds } from "../domain/states.ts";
import type { Database } from "../db/database.ts";
import type { OrderRow } from "../db/rows.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import type { AppSettings } from "../settings/unseal.ts";
import type { WechatPay } from "../wechat/types.ts";
import type { LastRefund } from "./last-refund.ts";
import type { Timeline } from "./timeline.ts";
import type { Timers } from "./timers.ts";

/** The dependencies of an order's flows. The order's object creates it and passes it to each. */
export interface OrderContext {
  /** The order's number (`pay_order_number`), which is the object's name. */
  readonly number: string;
  /** For log and metrics: the request that caused the work, and the work's usage. */
  readonly meter: RequestMeter;
  readonly config: Config;
  readonly db: Database;
  readonly timers: Timers;
  readonly timeline: Timeline;
  readonly lastRefund: LastRefund;
  /** The client of the merchant that the order was created for. */
  readonly wechatOf: (order: OrderRow) => Promise<WechatPay>;
  /** From which account that merchant's refunds are paid. */
  readonly refundFundsOf: (order: OrderRow) => Promise<RefundFunds>;
  readonly appOf: (order: OrderRow) => Promise<AppSettings>;
}
