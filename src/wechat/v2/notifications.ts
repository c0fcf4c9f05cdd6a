import { parseSpacedBeijingTime } from "../../domain/beijing-time.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { readWechatNumber } from "../values.ts";
import type { Payment, RefundStatus, V2Merchant } from "../types.ts";
import { readPayment } from "./payment.ts";
import { decryptReqInfo, reqInfoKey } from "./refund-cipher.ts";
import { readRefundStatus } from "./refund-status.ts";
import { verifySign } from "./sign.ts";
import { readFen } from "./values.ts";
import { cdata, readXml } from "./xml.ts";

/**
 * Why a message that claims to be WeChat's isn't acted upon. `detail` is for logs: it names fields
 * and never holds a key, a signature or what was signed.
 */
export interface NotificationFault {
  readonly kind:
    | "unreadable"
    | "unsigned"
    | "wrong-signature"
    | "wrong-identity"
    | "not-success"
    | "malformed";
  readonly detail: string;
}

/**
 * Reads and verifies a payment notification (WeChat: APIv2 payment result). `raw` is the body as it
 * came: nothing may be re-written before the signature is checked.
 *
 * What only the stored order can tell remains for the caller: that `wechatAppId`, `totalFen` and
 * `signType` are the order's.
 */
export async function readPaymentNotification(
  raw: Uint8Array | string,
  merchant: V2Merchant,
): Promise<Result<Payment, NotificationFault>> {
  const read = readXml(raw);
  if (!read.ok) return fault("unreadable", read.error);
  const fields = read.value;
  if (fields.get("return_code") !== "SUCCESS") return fault("not-success", "return_code");
  if ((fields.get("sign") ?? "") === "") return fault("unsigned", "no sign");
  const signType = await verifySign(fields, merchant.apiKey);
  if (signType === null) return fault("wrong-signature", "sign doesn't fit");
  if (fields.get("mch_id") !== merchant.mchId) return fault("wrong-identity", "mch_id");
  if (fields.get("result_code") !== "SUCCESS") return fault("not-success", "result_code");
  const payment = readPayment(fields, signType);
  return payment.ok ? ok(payment.value) : fault("malformed", payment.error);
}

/** What a refund notification claims. A reason to ask WeChat, never a reason to change a row. */
export interface RefundHint {
  readonly orderNumber: string;
  readonly refundNo: string;
  readonly refundId: string;
  readonly wechatAppId: string;
  readonly refundFen: number;
  readonly totalFen: number;
  readonly status: RefundStatus;
  /** Unix ms; null unless it succeeded. */
  readonly succeededAt: number | null;
  /** `elsewhere`: someone refunded in WeChat's merchant platform, so `refundNo` isn't ours. */
  readonly source: "api" | "elsewhere";
}

/**
 * Reads a refund notification (WeChat: APIv2 refund result), which carries no signature. It is
 * encrypted under the merchant's key, but in ECB: blocks of old messages can be cut and joined, and
 * nothing tells a repeat from news. So this is a hint only; refundquery's answer is the fact.
 */
export async function readRefundNotification(
  raw: Uint8Array | string,
  merchant: V2Merchant,
): Promise<Result<RefundHint, NotificationFault>> {
  const outer = readXml(raw);
  if (!outer.ok) return fault("unreadable", outer.error);
  if (outer.value.get("return_code") !== "SUCCESS") return fault("not-success", "return_code");
  if (outer.value.get("mch_id") !== merchant.mchId) return fault("wrong-identity", "mch_id");
  const wechatAppId = outer.value.get("appid") ?? "";
  if (wechatAppId === "") return fault("malformed", "appid");
  const key = await reqInfoKey(merchant.apiKey);
  const decrypted = decryptReqInfo(outer.value.get("req_info") ?? "", key);
  if (decrypted === null) return fault("unreadable", "req_info doesn't decrypt");
  const inner = readXml(decrypted, "root");
  return inner.ok ? readHint(inner.value, wechatAppId) : fault("unreadable", inner.error);
}

function readHint(
  fields: ReadonlyMap<string, string>,
  wechatAppId: string,
): Result<RefundHint, NotificationFault> {
  const orderNumber = fields.get("out_trade_no") ?? "";
  if (orderNumber === "") return fault("malformed", "out_trade_no");
  const refundNo = fields.get("out_refund_no") ?? "";
  if (refundNo === "") return fault("malformed", "out_refund_no");
  const refundId = readWechatNumber(fields.get("refund_id"));
  if (refundId === null) return fault("malformed", "refund_id");
  const totalFen = readFen(fields.get("total_fee"));
  if (totalFen === null) return fault("malformed", "total_fee");
  const refundFen = readFen(fields.get("refund_fee"));
  if (refundFen === null) return fault("malformed", "refund_fee");
  const status = readRefundStatus(fields.get("refund_status"));
  if (status === null) return fault("malformed", "refund_status");
  const time = fields.get("success_time") ?? "";
  const succeededAt = status === "succeeded" ? parseSpacedBeijingTime(time) : null;
  const source = fields.get("refund_request_source") === "API" ? "api" : "elsewhere";
  return ok({
    orderNumber,
    refundNo,
    refundId,
    wechatAppId,
    refundFen,
    totalFen,
    status,
    succeededAt,
    source,
  });
}

export const V2_ANSWER_TYPE = "text/xml; charset=utf-8";

/** The body that ends WeChat's repeats, with HTTP 200: only when the news is stored for good. */
export const V2_ACKNOWLEDGE = answer("SUCCESS", "OK");

/** The body that has WeChat repeat the notification. `message` is WeChat's to read: no secrets. */
export function refuseNotification(message: string): string {
  return answer("FAIL", message);
}

function answer(code: "SUCCESS" | "FAIL", message: string): string {
  return `<xml><return_code>${cdata(code)}</return_code><return_msg>${cdata(message)}</return_msg></xml>`;
}

/** A failed reading of a notification. */
function fault(
  kind: NotificationFault["kind"],
  detail: string,
): { readonly ok: false; readonly error: NotificationFault } {
  return err({ kind, detail });
}
