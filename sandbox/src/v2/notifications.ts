import { createCipheriv, createHash } from "node:crypto";
import { WRONG_APP, WRONG_MERCHANT, type NotificationFault } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import { newNonce } from "../protocol/ids.ts";
import { beijingCompact, beijingText } from "../protocol/time.ts";
import { refundAccountOf } from "./funds-account.ts";
import { sign, type SignType } from "./sign.ts";
import { writeXml, type Field } from "./xml.ts";

// Not the key of any merchant: those consist of letters and digits.
const FORGED_KEY = "-not-the-key-of-any-merchant----";

/** WeChat's notifications have some amounts without CDATA; this one is known. */
const WITHOUT_CDATA = new Set(["total_fee"]);

/** The body of a payment notification (W-49). */
export function paymentNotification(
  order: Order & { readonly signType: SignType },
  merchant: Merchant,
  fault: NotificationFault | null,
  now: number,
): string {
  const fee = String(order.totalFee + (fault === "wrong-amount" ? 1 : 0));
  const fields: Field[] = [
    ["appid", fault === "wrong-app" ? WRONG_APP : order.appId],
    ...optional("attach", order.terms.attach),
    ["bank_type", "OTHERS"],
    ["cash_fee", fee],
    ...optional("device_info", order.terms.deviceInfo),
    ["fee_type", "CNY"],
    ["is_subscribe", "N"],
    ["mch_id", fault === "wrong-merchant" ? WRONG_MERCHANT : order.mchId],
    ["nonce_str", newNonce()],
    ["openid", order.terms.openid],
    ["out_trade_no", order.outTradeNo],
    ["result_code", "SUCCESS"],
    ["return_code", "SUCCESS"],
    ["time_end", beijingCompact(order.paidAt ?? now)],
    ["total_fee", fee],
    ["trade_type", "JSAPI"],
    ["transaction_id", order.transactionId],
  ];
  // No sign_type, even with HMAC-SHA256: many notifications of WeChat lack it, and the merchant must
  // take the algorithm from its own order.
  const key = fault === "forged" ? FORGED_KEY : merchant.apiKey;
  if (fault !== "unsigned") fields.push(["sign", sign(fields, key, order.signType)]);
  return writeXml(fields, { withoutCdata: WITHOUT_CDATA });
}

/**
 * The body of a refund notification: without a sign, and with its data encrypted in `req_info`. As
 * there is no sign to omit, `unsigned` makes `req_info` the base64 of the unencrypted XML.
 * See W-52.
 */
export function refundNotification(
  refund: Refund,
  order: Order,
  merchant: Merchant,
  status: RefundResult,
  fault: NotificationFault | null,
  now: number,
): string {
  const fee = String(refund.refundFee + (fault === "wrong-amount" ? 1 : 0));
  const refundFields: readonly Field[] = [
    ["out_refund_no", refund.outRefundNo],
    ["out_trade_no", refund.outTradeNo],
    ["refund_account", refundAccountOf(refund.account)],
    ["refund_fee", fee],
    ["refund_id", refund.refundId],
    ["refund_recv_accout", "支付用户零钱"],
    ["refund_request_source", refund.source],
    ["refund_status", status],
    ["settlement_refund_fee", fee],
    ["settlement_total_fee", String(order.totalFee)],
    ...(status === "SUCCESS"
      ? optional("success_time", beijingText(refund.succeededAt ?? now))
      : []),
    ["total_fee", String(order.totalFee)],
    ["transaction_id", order.transactionId],
  ];
  const plain = writeXml(refundFields, { root: "root" });
  return writeXml([
    ["return_code", "SUCCESS"],
    ["appid", fault === "wrong-app" ? WRONG_APP : order.appId],
    ["mch_id", fault === "wrong-merchant" ? WRONG_MERCHANT : order.mchId],
    ["nonce_str", newNonce()],
    ["req_info", reqInfo(plain, merchant, fault)],
  ]);
}

function reqInfo(plain: string, merchant: Merchant, fault: NotificationFault | null): string {
  if (fault === "unsigned") return Buffer.from(plain, "utf8").toString("base64");
  return encryptEcb(plain, refundCipherKey(fault === "forged" ? FORGED_KEY : merchant.apiKey));
}

function optional(name: string, value: string | null): Field[] {
  return value === null || value === "" ? [] : [[name, value]];
}

/**
 * The AES key of refund notifications: the 32 characters of the lower-case hex MD5 of the API
 * key, used as 32 bytes (W-53).
 */
export function refundCipherKey(apiKey: string): string {
  return createHash("md5").update(apiKey, "utf8").digest("hex");
}

/** AES-256-ECB with PKCS#7 padding, in base64. `key` is 32 ASCII characters. */
export function encryptEcb(plaintext: string, key: string): string {
  const cipher = createCipheriv("aes-256-ecb", key, null);
  // Encode all bytes at once: workerd pads the base64 of each part separately.
  return Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]).toString("base64");
}
