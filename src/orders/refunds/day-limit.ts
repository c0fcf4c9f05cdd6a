import { badRequest, type Refusal } from "../../contract/refusal.ts";
import { countRefundedFen } from "../../db/refund-day.ts";
import type { OrderRow } from "../../db/rows.ts";
import { beijingDayOf } from "../../domain/beijing-time.ts";
import type { OrderContext } from "../context.ts";
import { openIncident } from "../incidents.ts";

/**
 * Refuses a refund that would exceed the app's limit of today, and opens an incident; null when it
 * wouldn't. One incident per app and day: each further refund is counted on it.
 */
export async function dayLimitRefusal(
  context: OrderContext,
  { appId, merchantId }: OrderRow,
  refundFen: number,
  maxRefundFenPerDay: number | null,
): Promise<Refusal | null> {
  if (maxRefundFenPerDay === null) return null;
  const nowAt = Date.now();
  const refundedFen = await countRefundedFen(context.db, appId, nowAt);
  if (refundedFen + refundFen <= maxRefundFenPerDay) return null;
  const day = beijingDayOf(nowAt);
  await openIncident(context, {
    kind: "refund_day_limit",
    subject: `app:${appId}:${day}`,
    refundNo: null,
    merchantId,
    facts: { appId, day, order: context.number, refundFen, refundedFen, maxRefundFenPerDay },
  });
  return badRequest(
    `超过该应用的每日退款上限 maxRefundFenPerDay：北京时间今日已退 ${refundedFen} 分，本笔 ${refundFen} 分，上限 ${maxRefundFenPerDay} 分。本笔未退款；请联系网关运维，或次日重复本请求`,
    "over-day-limit",
  );
}
