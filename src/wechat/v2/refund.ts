import type { FundsAccount } from "../../domain/states.ts";
import { REFUND_TIMEOUT_MS } from "../transport.ts";
import { readWechatNumber } from "../values.ts";
import { answerFor, unknown, withRefundCause } from "../error-class.ts";
import { blameNamedField, REFUND_FIELDS } from "../named-field.ts";
import type { RefundAnswer, WechatRefundRequest, WechatEnv } from "../types.ts";
import { send, type V2Request, type V2Client } from "./request.ts";
import { classifyRefundError } from "./error-codes.ts";
import { readFen } from "./values.ts";

/** `refund_account` (W-44). */
const ACCOUNTS = {
  available: "REFUND_SOURCE_RECHARGE_FUNDS",
} as const satisfies Record<FundsAccount, string>;

/**
 * Requests a refund (W-37). `accepted` doesn't mean completed, and `unknown` doesn't mean failed:
 * both are resolved by a query or a repeat with the same `refundNo`, never with a new one.
 *
 * Presents the merchant's client certificate when a binding is set; the sandbox needs none.
 */
export async function refund(
  client: V2Client,
  request: WechatRefundRequest,
): Promise<RefundAnswer> {
  const fetch = fetchFor(client);
  if (fetch === undefined) {
    const message = `the Worker has no mTLS binding named ${client.merchant.certBinding}`;
    return {
      kind: "refused",
      code: "NO_CERTIFICATE",
      message,
      blame: "merchant",
      cause: "other",
    };
  }
  const reply = await send(client, request, buildRefund(request), fetch);
  if (reply.kind === "done") return readAccepted(reply.fields, request);
  const answer =
    reply.kind === "error" ? answerFor(classifyRefundError(reply.error.code), reply.error) : reply;
  return withRefundCause(blameNamedField(answer, REFUND_FIELDS));
}

function fetchFor(client: V2Client): WechatEnv["fetch"] | undefined {
  const { certBinding } = client.merchant;
  return certBinding === null ? client.env.fetch : client.env.fetchWithCertificate(certBinding);
}

/**
 * WeChat accepts either of two order numbers. We send our own: it is the row's key, so no stored
 * value can refer to another order. The answer contains WeChat's number, which is compared.
 */
function buildRefund(request: WechatRefundRequest): V2Request {
  return {
    path: "/secapi/pay/refund",
    fields: {
      out_trade_no: request.orderNumber,
      out_refund_no: request.refundNo,
      total_fee: String(request.totalFen),
      refund_fee: String(request.refundFen),
      notify_url: request.notifyUrl,
      refund_desc: request.reason ?? "",
      refund_account: request.fundsAccount === null ? "" : ACCOUNTS[request.fundsAccount],
    },
    timeoutMs: REFUND_TIMEOUT_MS,
  };
}

function readAccepted(
  fields: ReadonlyMap<string, string>,
  request: WechatRefundRequest,
): RefundAnswer {
  if (fields.get("out_refund_no") !== request.refundNo) return unknown("answer for another refund");
  const transactionId = fields.get("transaction_id") ?? request.transactionId;
  if (transactionId !== request.transactionId) return unknown("answer for another transaction_id");
  const refundId = readWechatNumber(fields.get("refund_id"));
  if (refundId === null) return unknown("answer without a refund_id");
  const refundFen = readFen(fields.get("refund_fee"));
  if (refundFen !== request.refundFen) return unknown("answer with another refund_fee");
  return { kind: "accepted", refundId, refundFen };
}
