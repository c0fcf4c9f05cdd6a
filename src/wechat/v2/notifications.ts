import { createDecipheriv } from "node:crypto";
import { err, ok, type Result } from "../../lib/result.ts";
import type {
  NotificationFault,
  NotificationRejection,
  NotificationResponse,
  Payment,
  RefundNotification,
  V2Merchant,
} from "../types.ts";
import { ambiguousInNotification } from "./ambiguity.ts";
import { readPayment } from "./payment.ts";
import { md5Hex, verifySign } from "./sign.ts";
import { cdata, MAX_NOTIFICATION_MARKS, readXml } from "./xml.ts";

/**
 * Reads and verifies a payment notification (W-49). `raw` is the unchanged body: nothing may be
 * rewritten before the signature is verified.
 *
 * The caller still has to compare `wechatAppId`, `totalFen`, `attach` and `signType` with the stored
 * order.
 */
export async function readPaymentNotification(
  raw: Uint8Array | string,
  merchant: V2Merchant,
): Promise<Result<Payment, NotificationFault>> {
  const read = readXml(raw, "xml", MAX_NOTIFICATION_MARKS);
  if (!read.ok) return fault("unreadable", read.error);
  const fields = read.value;
  if (fields.get("return_code") !== "SUCCESS") return fault("not-success", "return_code");
  if ((fields.get("sign") ?? "") === "") return fault("unsigned", "no sign");
  const signType = await verifySign(fields, merchant.apiKey);
  if (signType === null) return fault("wrong-signature", "sign doesn't match");
  const ambiguous = ambiguousInNotification(fields);
  if (ambiguous !== null) return fault("malformed", `${ambiguous} contains &`);
  if (fields.get("mch_id") !== merchant.mchId) return fault("wrong-identity", "mch_id");
  if (fields.get("result_code") !== "SUCCESS") return fault("not-success", "result_code");
  const payment = readPayment(fields, signType);
  if (!payment.ok) return fault("malformed", payment.error);
  return ok({ ...payment.value, attach: payment.value.attach ?? "" });
}

/**
 * Reads a refund notification (W-52), which has no signature. It is encrypted under the merchant's
 * key, but in ECB mode: blocks of old messages can be recombined, and a replay can't be recognised.
 * So it is only a reason to query: refundquery's answer is recorded, and only the two numbers are
 * read.
 */
export async function readRefundNotification(
  raw: Uint8Array | string,
  merchant: V2Merchant,
): Promise<Result<RefundNotification, NotificationFault>> {
  const outer = readXml(raw, "xml", MAX_NOTIFICATION_MARKS);
  if (!outer.ok) return fault("unreadable", outer.error);
  if (outer.value.get("return_code") !== "SUCCESS") return fault("not-success", "return_code");
  if (outer.value.get("mch_id") !== merchant.mchId) return fault("wrong-identity", "mch_id");
  const key = await reqInfoKey(merchant.apiKey);
  const decrypted = decryptReqInfo(outer.value.get("req_info") ?? "", key);
  if (decrypted === null) return fault("unreadable", "req_info doesn't decrypt");
  const inner = readXml(decrypted, "root", MAX_NOTIFICATION_MARKS);
  if (!inner.ok) return fault("unreadable", inner.error);
  const orderNumber = inner.value.get("out_trade_no") ?? "";
  if (orderNumber === "") return fault("malformed", "out_trade_no");
  const refundNo = inner.value.get("out_refund_no") ?? "";
  if (refundNo === "") return fault("malformed", "out_refund_no");
  return ok({ orderNumber, refundNo });
}

/** The response in APIv2's form. WeChat reads the outcome from the body; the status is always 200. */
export function acknowledge(outcome: Result<null, NotificationRejection>): NotificationResponse {
  const [code, message] = outcome.ok ? ["SUCCESS", "OK"] : ["FAIL", outcome.error];
  return {
    status: 200,
    contentType: "text/xml; charset=utf-8",
    body: `<xml><return_code>${cdata(code)}</return_code><return_msg>${cdata(message)}</return_msg></xml>`,
  };
}

function fault(
  kind: NotificationFault["kind"],
  detail: string,
): { readonly ok: false; readonly error: NotificationFault } {
  return err({ kind, detail, rejection: "not accepted" });
}

/** WeChat's have at most 4 KB: a limit to what a stranger's message costs. */
const MAX_REQ_INFO_LENGTH = 16 * 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The key of `req_info`: the 32 *characters* of the lower-case hex MD5 of the API key. */
export async function reqInfoKey(apiKey: string): Promise<string> {
  return await md5Hex(apiKey);
}

/**
 * Decrypts `req_info` (W-53); null when it is too long, malformed or was encrypted with another key. Uses
 * node:crypto, since Web Crypto has no ECB.
 */
export function decryptReqInfo(reqInfo: string, key: string): Uint8Array | null {
  if (reqInfo === "" || reqInfo.length > MAX_REQ_INFO_LENGTH) return null;
  if (!BASE64.test(reqInfo)) return null;
  try {
    const decipher = createDecipheriv("aes-256-ecb", key, null);
    return Buffer.concat([decipher.update(reqInfo, "base64"), decipher.final()]);
  } catch {
    // Wrong padding or an odd length: node:crypto throws for both.
    return null;
  }
}
