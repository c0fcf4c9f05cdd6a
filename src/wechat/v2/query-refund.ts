import { parseSpacedBeijingTime } from "../../domain/beijing-time.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { readWechatNumber } from "../values.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, RefundQueryAnswer, RefundReport } from "../types.ts";
import { send, type V2Client } from "./request.ts";
import { classifyRefundQueryError } from "./error-codes.ts";
import { readRefundStatus } from "./refund-status.ts";
import { readFen } from "./values.ts";

/** One index, so that refund 0's coupon 1 (`…_0_1`) can't be taken for a refund. */
const REFUND_NUMBER_FIELD = /^out_refund_no_(0|[1-9]\d*)$/;

/** Asks for one refund by our number (W-45). */
export async function queryRefund(
  client: V2Client,
  order: OrderKey,
  refundNo: string,
): Promise<RefundQueryAnswer> {
  const reply = await send(client, order, {
    path: "/pay/refundquery",
    fields: { out_refund_no: refundNo },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") {
    const refund = readReport(reply.fields, refundNo);
    return typeof refund === "string" ? unknown(refund) : { kind: "found", refund };
  }
  if (reply.kind !== "error") return reply;
  const verdict = classifyRefundQueryError(reply.error.code);
  return verdict === "absent" ? { kind: "absent" } : answerFor(verdict, reply.error);
}

/** The refund among those in the answer that has our number, or what is wrong with the answer. */
function readReport(fields: ReadonlyMap<string, string>, refundNo: string): RefundReport | string {
  const indices = [...fields].flatMap(([name, value]) =>
    value === refundNo ? (REFUND_NUMBER_FIELD.exec(name)?.slice(1) ?? []) : [],
  );
  const [index, ...others] = indices;
  if (index === undefined) return "answer without this refund";
  if (others.length > 0) return "answer with this refund twice";
  const refundId = readWechatNumber(fields.get(`refund_id_${index}`));
  if (refundId === null) return "refund without a refund_id";
  const refundFen = readFen(fields.get(`refund_fee_${index}`));
  if (refundFen === null) return "refund without a refund_fee";
  const status = readRefundStatus(fields.get(`refund_status_${index}`));
  if (status === null) return "refund without a known refund_status";
  const time = fields.get(`refund_success_time_${index}`) ?? "";
  const succeededAt = status === "succeeded" ? parseSpacedBeijingTime(time) : null;
  return { refundNo, refundId, refundFen, status, succeededAt };
}
