import { REFUND_LIMIT_MS } from "../transport.ts";
import { readWechatNumber } from "../values.ts";
import { answerOf, unknown, type WechatError } from "../verdict.ts";
import type { RefundAnswer, RefundRequest, Surroundings } from "../wechat-pay.ts";
import { call, type Call, type Line } from "./call.ts";
import { judgeRefund } from "./errors.ts";
import { queryRefund } from "./refund-query.ts";
import { readFen } from "./values.ts";

/**
 * Asks WeChat for a refund (WeChat: secapi/pay/refund). `accepted` isn't done, and `unknown` isn't
 * failed: both are settled by asking again with the same `refundNo`, never with a new one.
 *
 * The merchant's client certificate is presented when there is a binding for it; a stand-in for
 * WeChat needs none.
 */
export async function refund(line: Line, request: RefundRequest): Promise<RefundAnswer> {
  const fetch = fetchFor(line);
  if (fetch === undefined) {
    const message = `the Worker has no mTLS binding named ${line.merchant.certBinding}`;
    return { kind: "refused", code: "NO_CERTIFICATE", message, blame: "merchant" };
  }
  const reply = await call(line, request, buildRefund(request), fetch);
  if (reply.kind === "done") return readAccepted(reply.fields, request);
  if (reply.kind !== "error") return reply;
  const verdict = judgeRefund(reply.error.code);
  return verdict === "ask"
    ? await askWhether(line, request, reply.error)
    : answerOf(verdict, reply.error);
}

function fetchFor(line: Line): Surroundings["fetch"] | undefined {
  const { certBinding } = line.merchant;
  return certBinding === null
    ? line.surroundings.fetch
    : line.surroundings.fetchWithCertificate(certBinding);
}

/**
 * The order is named once, since WeChat asks for one of two, and by our number rather than by
 * WeChat's: it is the row's own key, so no stored value can point at another order. WeChat's comes
 * back in the answer and is compared there.
 */
function buildRefund(request: RefundRequest): Call {
  return {
    path: "/secapi/pay/refund",
    fields: {
      out_trade_no: request.orderNumber,
      out_refund_no: request.refundNo,
      total_fee: String(request.totalFen),
      refund_fee: String(request.refundFen),
      notify_url: request.notifyUrl,
    },
    limitMs: REFUND_LIMIT_MS,
  };
}

function readAccepted(fields: ReadonlyMap<string, string>, request: RefundRequest): RefundAnswer {
  if (fields.get("out_refund_no") !== request.refundNo) return unknown("answer for another refund");
  const transactionId = fields.get("transaction_id") ?? request.transactionId;
  if (transactionId !== request.transactionId) return unknown("answer for another transaction_id");
  const refundId = readWechatNumber(fields.get("refund_id"));
  if (refundId === null) return unknown("answer without a refund_id");
  const refundFen = readFen(fields.get("refund_fee"));
  if (refundFen !== request.refundFen) return unknown("answer with another refund_fee");
  return { kind: "accepted", refundId, refundFen };
}

/** ERROR may mean that this very refund was made before: then it was accepted. */
async function askWhether(
  line: Line,
  request: RefundRequest,
  error: WechatError,
): Promise<RefundAnswer> {
  const found = await queryRefund(line, request, request.refundNo);
  if (found.kind === "absent") return answerOf("request", error);
  if (found.kind !== "found") {
    return unknown(`${error.code}: ${error.message}; and the query settled nothing`);
  }
  const { refundId, refundFen } = found.refund;
  if (refundFen !== request.refundFen) return unknown("this refund_no has another refund_fee");
  return { kind: "accepted", refundId, refundFen };
}
