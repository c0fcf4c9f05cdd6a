import { findRefund, moveRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { isReportable, reportedState, statesBefore } from "../../domain/refund.ts";
import type { RefundReport } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { openIncident, resolveIncident } from "../incidents.ts";
import { RECORDING_GRACE_MS } from "../timers.ts";

/**
 * Records a verified report of WeChat about a refund and arms the app's notification. Returns the
 * refund's state afterwards.
 */
export async function recordRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  report: RefundReport,
): Promise<RefundRow["state"]> {
  const { timers, timeline, db } = context;
  const about = { refundNo: refund.number, merchantId: order.merchantId };
  if (report.refundFen !== refund.refundFen) {
    timeline.add(Date.now(), "refund.contradiction", { refundNo: refund.number, what: "amount" });
    const facts = { recordedFen: refund.refundFen, reportedFen: report.refundFen };
    await openIncident(context, { kind: "refund_contradiction", ...about, facts });
    return refund.state;
  }
  const state = reportedState(report.status);
  if (state === refund.state) return state;
  // Before the recording: a crash in between opens it again, and no abnormal refund goes unnoticed.
  if (state === "abnormal" && statesBefore(state).includes(refund.state)) {
    await openIncident(context, { kind: "refund_abnormal", ...about });
  }
  const delivery = { kind: "deliver-refund", refundNo: refund.number } as const;
  // Armed from the start, although a call about an earlier state may be running: its end must not
  // end this delivery.
  if (isReportable(state)) await timers.arm(delivery, Date.now() + RECORDING_GRACE_MS);
  const moved = await moveRefund(
    db,
    refund.number,
    {
      from: statesBefore(state),
      to: state,
      refundId: report.refundId,
      succeededAt: report.succeededAt,
    },
    Date.now(),
  );
  if (moved === null) return (await findRefund(db, refund.number))?.state ?? refund.state;
  timeline.add(Date.now(), `refund.${state}`, { refundNo: refund.number });
  if (isReportable(state)) await timers.arm(delivery, Date.now());
  if (refund.state === "abnormal") {
    await resolveIncident(
      context,
      { kind: "refund_abnormal", refundNo: refund.number },
      `The gateway: WeChat has ${state === "succeeded" ? "paid it back" : "closed it"}.`,
    );
  }
  return state;
}
