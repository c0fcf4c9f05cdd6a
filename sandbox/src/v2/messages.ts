import { OTHER_APP, OTHER_MERCHANT } from "../ledger/wrong.ts";
import { refundAccount } from "./accounts.ts";
import { encryptEcb, refundCipherKey } from "./cipher.ts";
import { newNonce } from "../protocol/ids.ts";
import { sign, type SignType } from "./sign.ts";
import { beijingCompact, beijingText } from "../protocol/time.ts";
import { writeXml } from "./xml.ts";
import type { NotificationFault } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";

// What forgers use: not the key of any merchant (those are letters and digits).
const FORGED_KEY = "-not-the-key-of-any-merchant----";

/** WeChat's notifications write amounts without CDATA here and there; this one is known for it. */
const BARE = new Set(["total_fee"]);

/** The body of a payment notification. WeChat docs: payment result notification. */
export function paymentMessage(
  order: Order & { signType: SignType },
  merchant: Merchant,
  fault: NotificationFault | undefined,
  now: number,
): string {
  const fee = String(order.totalFee + (fault === "wrong-amount" ? 1 : 0));
  const fields: [string, string][] = [
    ["appid", fault === "wrong-app" ? OTHER_APP : order.appId],
    ...optional("attach", order.terms.attach),
    ["bank_type", "OTHERS"],
    ["cash_fee", fee],
    ...optional("device_info", order.terms.deviceInfo),
    ["fee_type", "CNY"],
    ["is_subscribe", "N"],
    ["mch_id", fault === "wrong-merchant" ? OTHER_MERCHANT : order.mchId],
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
  // No sign_type, even when it is HMAC-SHA256: WeChat leaves it out of many notifications, and the
  // merchant must know the algorithm from its own order.
  const key = fault === "forged" ? FORGED_KEY : merchant.apiKey;
  if (fault !== "unsigned") fields.push(["sign", sign(fields, key, order.signType)]);
  return writeXml(fields, { bare: BARE });
}

/**
 * The body of a refund notification: no sign; what matters is in `req_info`, encrypted. Since there
 * is no sign to leave out, `unsigned` leaves `req_info` unencrypted, as base64 of the plain XML.
 * WeChat docs: refund result notification.
 */
export function refundMessage(
  refund: Refund,
  order: Order,
  merchant: Merchant,
  status: RefundResult,
  fault: NotificationFault | undefined,
  now: number,
): string {
  const fee = String(refund.refundFee + (fault === "wrong-amount" ? 1 : 0));
  const inner: [string, string][] = [
    ["out_refund_no", refund.outRefundNo],
    ["out_trade_no", refund.outTradeNo],
    ["refund_account", refundAccount(refund.account)],
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
  const plain = writeXml(inner, { root: "root" });
  return writeXml([
    ["return_code", "SUCCESS"],
    ["appid", fault === "wrong-app" ? OTHER_APP : order.appId],
    ["mch_id", fault === "wrong-merchant" ? OTHER_MERCHANT : order.mchId],
    ["nonce_str", newNonce()],
    ["req_info", reqInfo(plain, merchant, fault)],
  ]);
}

function reqInfo(plain: string, merchant: Merchant, fault: NotificationFault | undefined): string {
  if (fault === "unsigned") return Buffer.from(plain, "utf8").toString("base64");
  return encryptEcb(plain, refundCipherKey(fault === "forged" ? FORGED_KEY : merchant.apiKey));
}

function optional(name: string, value: string | null): [string, string][] {
  return value === null || value === "" ? [] : [[name, value]];
}
