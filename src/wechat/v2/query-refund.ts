import { parseSpacedBeijingTime } from "../../domain/beijing-time.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { readWechatNumber } from "../values.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, RefundQueryAnswer, RefundReport, RefundStatus } from "../types.ts";
import { send, type V2Client } from "./request.ts";
import { classifyRefundQueryError } from "./error-codes.ts";
import { readFen } from "./values.ts";

/** A single index, so that refund 0's coupon 1 (`…_0_1`) doesn't count as a refund. */
const REFUND_NUMBER_FIELD = /^out_refund_no_(0|[1-9]\d*)$/;
/** `out_refund_no` (W-96). */
const REFUND_NUMBER = /^[0-9A-Za-z_\-|*@]{1,64}$/;

/** `refund_status` (W-47). */
const STATUSES: ReadonlyMap<string, RefundStatus> = new Map([
  ["PROCESSING", "processing"],
  ["SUCCESS", "succeeded"],
  // Not refunded and never will be: only now may a new number be tried.
  ["REFUNDCLOSE", "closed"],
  // The payer's card is invalid or frozen; the operator must act in WeChat's merchant platform.
  ["CHANGE", "abnormal"],
]);

/** Queries one refund by our number (W-45). */
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
  const errorClass = classifyRefundQueryError(reply.error.code);
  return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
}

/** The refund with our number among those in the answer, or the answer's fault. */
function readReport(fields: Fields, refundNo: string): RefundReport | string {
  const indices = refundIndices(fields).filter(
    (index) => fields.get(`out_refund_no_${index}`) === refundNo,
  );
  const [index, ...others] = indices;
  if (index === undefined) return "answer without this refund";
  if (others.length > 0) return "answer with this refund twice";
  return readRefundAt(fields, index);
}

type Fields = ReadonlyMap<string, string>;

/** The indices of the refunds in an answer of refundquery. */
export function refundIndices(fields: Fields): string[] {
  return [...fields.keys()].flatMap((name) => REFUND_NUMBER_FIELD.exec(name)?.slice(1) ?? []);
}

/** The refund with this index in an answer of refundquery, or its fault. */
export function readRefundAt(fields: Fields, index: string): RefundReport | string {
  const refundNo = fields.get(`out_refund_no_${index}`) ?? "";
  if (!REFUND_NUMBER.test(refundNo)) return "refund without an out_refund_no";
  const refundId = readWechatNumber(fields.get(`refund_id_${index}`));
  if (refundId === null) return "refund without a refund_id";
  const refundFen = readFen(fields.get(`refund_fee_${index}`));
  if (refundFen === null) return "refund without a refund_fee";
  const status = STATUSES.get(fields.get(`refund_status_${index}`) ?? "");
  if (status === undefined) return "refund without a known refund_status";
  const time = fields.get(`refund_success_time_${index}`) ?? "";
  const succeededAt = status === "succeeded" ? parseSpacedBeijingTime(time) : null;
  return { refundNo, refundId, refundFen, status, succeededAt };
}
