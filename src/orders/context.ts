import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import type { OrderRow } from "../db/rows.ts";
import type { AppSettings } from "../settings/settings.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import type { WechatPay } from "../wechat/types.ts";
import type { LastRefund } from "./refunds/last-refund.ts";
import type { Timeline } from "./timeline.ts";
import type { Timers } from "./timers.ts";

/** What the flows of one order work with. The order's object makes it and hands it to each of them. */
export interface OrderContext {
  /** The order's number (`pay_order_number`), which is the object's name. */
  readonly number: string;
  /** For the log and the counters: what this work is done for, and what it has cost. */
  readonly meter: RequestMeter;
  readonly config: Config;
  readonly db: Database;
  readonly timers: Timers;
  readonly timeline: Timeline;
  readonly lastRefund: LastRefund;
  /** The line to WeChat of the merchant that the order was made for. */
  readonly wechatOf: (order: OrderRow) => Promise<WechatPay>;
  readonly appOf: (order: OrderRow) => Promise<AppSettings>;
}
